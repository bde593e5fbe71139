"""Credentials, region and endpoint of an Airflow connection of type ``aws``, as the amazon provider resolves them."""

from typing import Any

from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from feedback_loop.hooks.loop_hook import extra_of
from include.foundation.errors import ConfigError, StoreError
from include.foundation.store.objects.s3_objects import CLIENT_OPTIONS


def s3_options(aws_conn_id: str) -> dict[str, Any]:
    """Return what ``boto3.client("s3")`` needs, as it is valid at this moment.

    Keys, profiles, session tokens and assumed roles are all the provider's. Credentials of a role expire, so the result is
    for the work that follows at once, and is asked for again by the next.

    Parameters
    ----------
    aws_conn_id
        Id of an Airflow connection of type ``aws``.

    Raises
    ------
    AirflowNotFoundException
        If there is no such connection.
    ConfigError
        If neither the connection nor the environment has credentials, or the provider cannot use what the connection says.
    StoreError
        If AWS does not give them now.
    """
    from botocore.exceptions import ClientError, HTTPClientError

    try:
        return _options_of(aws_conn_id)
    except (AirflowNotFoundException, ConfigError):
        raise
    except (ClientError, HTTPClientError) as error:
        raise StoreError(f"Connection {aws_conn_id}: AWS gives no credentials: {error}; run the task again") from error
    except Exception as error:  # the provider and boto3 raise whatever they stumble over
        raise ConfigError(f"Connection {aws_conn_id}: the amazon provider cannot use it: {error!r}") from error


def _options_of(aws_conn_id: str) -> dict[str, Any]:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    hook = AwsBaseHook(aws_conn_id=aws_conn_id, client_type="s3")
    extra_of(hook.get_connection(aws_conn_id))
    if not hook.conn_config:  # the provider goes on with the environment's credentials, which may be somebody else's
        raise AirflowNotFoundException(f"The conn_id `{aws_conn_id}` isn't defined")
    session = hook.get_session()
    credentials = session.get_credentials()
    if credentials is None:
        raise ConfigError(
            f"Connection {aws_conn_id}: no AWS credentials, neither in it (login and password, profile_name, role_arn) "
            "nor in the environment"
        )
    frozen = credentials.get_frozen_credentials()
    for secret in filter(None, (frozen.secret_key, frozen.token)):
        mask_secret(secret)
    options = {
        "aws_access_key_id": frozen.access_key,
        "aws_secret_access_key": frozen.secret_key,
        "aws_session_token": frozen.token,
        "region_name": session.region_name,
        "endpoint_url": hook.conn_config.get_service_endpoint_url("s3"),
        "verify": hook.verify,
    }
    given = {name: value for name, value in options.items() if value is not None}
    if wrong := [name for name, value in given.items() if not isinstance(value, str | bool)]:
        raise ConfigError(f"Connection {aws_conn_id}: {', '.join(wrong)} in its extra: expected a text")
    return given


def delta_options(aws_conn_id: str) -> dict[str, str]:
    """Return what `s3_options` returns as ``deltalake`` takes it; plain HTTP is allowed where the endpoint is."""
    of_boto = s3_options(aws_conn_id)
    options = {name: str(of_boto[known]) for name, known in CLIENT_OPTIONS.items() if known in of_boto}
    if options.get("AWS_ENDPOINT_URL", "").startswith("http://"):
        options["AWS_ALLOW_HTTP"] = "true"
    return options
