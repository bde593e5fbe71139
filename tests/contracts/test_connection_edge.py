"""The edge of connections: what others wrote into one is taken, folded, or refused with the connection's name, never bare."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowNotFoundException
from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.hooks.log_source_hook import LogSourceHook
from feedback_loop.hooks.loop_store_hook import LoopStoreHook
from feedback_loop.hooks.model_registry_hook import ModelRegistryHook

from include.foundation.errors import ConfigError
from include.stages.labeling.label_studio.studio_backend import LabelStudioBackend
from include.stages.labeling.tiered_backend import TieredBackend
from tests.builders import make_loop
from tests.plugins.operators.operator_builders import write_loop_file

REFUSED = object()
GENERIC = {"conn_type": "generic"}
AWS = {"conn_type": "aws", "login": "key", "password": "secret-of-key"}


def uri_of_store(_):
    return LoopStoreHook("wire").get_conn().uri


def options_of_store(_):
    return LoopStoreHook("wire").get_conn().options


def key(_):
    return LoopStoreHook("wire").pseudonym_key.decode()


def registry(_):
    return ModelRegistryHook("wire").get_conn().tracking_uri


def registry_ui(_):
    return ModelRegistryHook("wire").ui_uri


def database(folder):
    query = {"format": "sql", "query": "SELECT 1 WHERE :start < :end", "connection": "theirs", "uri": None}
    return LogSourceHook(make_loop(folder, logs=query).logs, {}).get_conn().database_url


def bucket(folder):
    logs = {"uri": "s3://bucket/logs", "connection": "theirs"}
    return LogSourceHook(make_loop(folder, logs=logs).logs, {}).get_conn().s3_options["aws_access_key_id"]


def platform(_):
    backend = LabelingHook("wire").get_conn()
    assert isinstance(backend, TieredBackend)
    first = backend.tiers[1]
    assert isinstance(first, LabelStudioBackend)
    return first.client.host


def studio(**fields: Any) -> dict[str, Any]:
    return {"conn_type": "http", "password": "t0ken", **fields}


def extra(**fields: Any) -> dict[str, Any]:
    return {**GENERIC, "extra": fields}


STRONG = "päß wörd 1234567 ☃ qwe"
NO_OBJECTS = [{**GENERIC, "extra": text} for text in ("{", "[]", "[1]", "5", "null", '""', "text", '{"uri": "a",')]
NO_TEXTS: list[Any] = [5, True, ["x"], {"x": "y"}, 1.5]
ODD: dict[Callable[[Any], Any], list[tuple[dict[str, Any], Any]]] = {
    uri_of_store: [
        (extra(uri="/s"), "/s/wire"), (extra(uri=" /s/\n"), "/s/wire"), (extra(uri="/s", more=[1]), "/s/wire"),
        (extra(uri=" s3://b/x "), "s3://b/x/wire"), (extra(uri="/näive 類"), "/näive 類/wire"),
        *((fields, REFUSED) for fields in NO_OBJECTS), *((extra(uri=value), REFUSED) for value in NO_TEXTS),
        *((extra(uri=uri), REFUSED) for uri in (
            "", "  ", "s3://", "s3:///x", "S3://b/x", "s3:/b/x", "http://h/x", "file:///x", "gs://b/x", "~/x", "a\0b", "a[1]",
        )),
        *((extra(uri="/s", aws_conn_id=value), REFUSED) for value in NO_TEXTS),
    ],
    options_of_store: [
        (extra(uri="/s", storage_options={"AWS_REGION": "r"}), {"AWS_REGION": "r"}),
        (extra(uri="/s", storage_options={"AWS_ALLOW_HTTP": True, "N": 5, "M": 5.0, "Z": None}),
         {"AWS_ALLOW_HTTP": "true", "N": "5", "M": "5"}),
        (extra(uri="/s", storage_options=None), {}), (extra(uri="/s", storage_options={}), {}),
        *((extra(uri="/s", storage_options=value), REFUSED) for value in ("text", [1], 5, {"AWS_REGION": {}}, {"N": [1]})),
    ],
    key: [
        ({**GENERIC, "password": STRONG}, STRONG),
        *(({**GENERIC, "password": word}, REFUSED) for word in ("", None, "short", "a" * 40)),
    ],
    registry: [
        (extra(tracking_uri="http://h:5000"), "http://h:5000"), (extra(tracking_uri=" https://h/x "), "https://h/x"),
        (extra(tracking_uri="sqlite:////m.db"), "sqlite:////m.db"),
        *((fields, REFUSED) for fields in NO_OBJECTS), *((extra(tracking_uri=value), REFUSED) for value in NO_TEXTS),
        *((extra(tracking_uri=uri), REFUSED) for uri in (
            "", " ", "mlflow", "databricks", "sqlite://", "sqlite:///", "ftp://x", "http://", "http://h:port", "http://[",
            "file:///x", "postgresql://h/x", "a\0b",
        )),
    ],
    registry_ui: [
        (extra(tracking_uri="http://h:1", ui_uri="https://ui/"), "https://ui"), (extra(tracking_uri="http://h:1"), "http://h:1"),
        *((extra(tracking_uri="http://h:1", ui_uri=uri), None) for uri in ("javascript:alert(1)", "http://[", "words")),
        *((extra(tracking_uri="http://h:1", ui_uri=value), REFUSED) for value in NO_TEXTS),
    ],
    database: [
        ({"conn_type": "sqlite", "host": "/x.db"}, "sqlite:////x.db"),
        ({**GENERIC, "host": "h", "port": "5", "schema": "s", "extra": {"drivername": "mysql+pymysql", "n": 5}},
         "mysql+pymysql://h:5/s?n=5"),
        *((fields, REFUSED) for fields in NO_OBJECTS), *((extra(drivername=value), REFUSED) for value in NO_TEXTS),
        *((fields, REFUSED) for fields in (
            GENERIC, {"conn_type": ""}, {"conn_type": "nosuch"}, {"conn_type": "http", "host": "h"}, {"conn_type": "sqlite"},
            {"conn_type": "sqlite", "host": ""}, extra(drivername="sqlite"),
        )),
    ],
    bucket: [
        (AWS, "key"), ({**AWS, "extra": {"region_name": "eu", "unknown": [1]}}, "key"),
        *(({**AWS, "extra": text}, REFUSED) for text in ("{", "[1]", "5", "text")),
        *(({**AWS, "extra": fields}, REFUSED) for fields in (
            {"endpoint_url": 5}, {"region_name": []}, {"verify": {}}, {"config_kwargs": 5}, {"role_arn": 5},
            {"profile_name": "nobody"},
        )),
        ({"conn_type": "aws"}, REFUSED),
    ],
    platform: [
        ({"conn_type": "http"}, REFUSED), ({"conn_type": "http", "host": "h", "port": 5, "extra": "["}, REFUSED),
        (studio(host="h"), "http://h"), (studio(host="h/labels/", schema="https"), "https://h/labels"),
        (studio(host=" h", port=5), "http://h:5"), (studio(host="https://h/"), "https://h"),
        (studio(), REFUSED), (studio(host="h", password="töken"), REFUSED), (studio(host="h", password="a\nb"), REFUSED),
        (studio(host="h h"), REFUSED), (studio(host="ftp://h"), REFUSED), (studio(host="h?a=1"), REFUSED),
        (studio(host="u:p@h"), REFUSED), (studio(host="h", password=" "), REFUSED),
    ],
}  # fmt: skip
CASES = [
    pytest.param(use, fields, wanted, id=f"{use.__name__}-{number}")
    for use, pairs in ODD.items()
    for number, (fields, wanted) in enumerate(pairs)
]


@pytest.fixture
def written(monkeypatch, tmp_path):
    """Write one connection under every name, as users do: in the environment; nothing of the machine's AWS settings is seen."""
    write_loop_file(tmp_path / "loops", make_loop(tmp_path, labeling={"backend": "label_studio", "uri": None}), [])
    monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(tmp_path / "loops"))
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "DEFAULT_REGION"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("CONFIG_FILE", "SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(f"AWS_{name}", str(tmp_path / name.lower()))

    def write(text):
        for name in ("FEEDBACK_STORE", "MLFLOW", "THEIRS", "LABEL_STUDIO"):
            monkeypatch.setenv(f"AIRFLOW_CONN_{name}", text)

    return write


@pytest.mark.parametrize(("use", "fields", "wanted"), CASES)
def test_odd_connection_is_taken_folded_or_refused(use, fields, wanted, written, tmp_path):
    written(json.dumps(fields))
    if wanted is not REFUSED:
        assert use(tmp_path) == wanted
        return
    with pytest.raises(ConfigError) as caught:
        use(tmp_path)
    said = str(caught.value)
    assert said.startswith(("Connection ", "feedback_store: ", "labeling.backend: "))
    assert "secret-of-key" not in said


@pytest.mark.parametrize("use", ODD)
@pytest.mark.parametrize(
    "text",
    ["{", '{"conn_type": "generic", "password": 5}', '{"conn_type": "generic", "port": "x"}', '{"host": "\\ud800"}'],
)
def test_what_airflow_cannot_read_as_a_connection_is_no_connection_to_it(use, text, written, tmp_path):
    written(text)
    with pytest.raises((AirflowNotFoundException, ConfigError)):
        use(tmp_path)
