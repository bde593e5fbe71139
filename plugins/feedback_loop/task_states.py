"""The one table of how the loop's errors end a task: skip, fail at once, or retry."""

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.foundation.errors import (
    ConfigError,
    ContractError,
    DataQualityError,
    DeploymentError,
    NothingToDo,
    RowsGoneError,
    TrainingError,
    VersionGoneError,
)
from include.foundation.models.mlflow_access import told_errors

FINAL = (ConfigError, ContractError, DataQualityError, DeploymentError, RowsGoneError, TrainingError, VersionGoneError)


@contextmanager
def errors_as_task_states() -> Iterator[None]:
    """Skip where there is nothing to do, fail without retry where retrying cannot help; the rest is retried.

    Raises
    ------
    AirflowSkipException
        For `NothingToDo`.
    AirflowFailException
        For errors that only a person can mend.
    RegistryError
        For what MLflow raises.
    """
    try:
        with told_errors():
            yield
    except NothingToDo as reason:
        raise AirflowSkipException(str(reason)) from reason
    except FINAL as error:
        raise AirflowFailException(str(error)) from error
