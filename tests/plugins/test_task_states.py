"""The loop's errors end a task as the table of task states says."""

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from feedback_loop.task_states import errors_as_task_states
from mlflow.exceptions import MlflowException, RestException

from include.foundation.errors import (
    ConfigError,
    ContractError,
    DataQualityError,
    DeploymentError,
    LabelingError,
    NothingToDo,
    RegistryError,
    StoreError,
    TrainingError,
    VersionGoneError,
)


@pytest.mark.parametrize(
    ("error", "state"),
    [
        pytest.param(NothingToDo("none"), AirflowSkipException, id="nothing-to-do"),
        *(pytest.param(kind("wrong"), AirflowFailException, id=kind.__name__)
          for kind in (ConfigError, ContractError, DataQualityError, DeploymentError, TrainingError,
                       VersionGoneError)),
        *(pytest.param(kind("busy"), kind, id=kind.__name__) for kind in (StoreError, LabelingError)),
    ],
)  # fmt: skip
def test_error_ends_a_task_as_the_table_says(error, state):
    with pytest.raises(state, match=str(error)), errors_as_task_states():
        raise error


def test_what_mlflow_raises_is_told_as_an_error_of_the_registry_and_tried_again():
    with (
        pytest.raises(RegistryError, match="MLflow: no answer; if it cannot be reached") as caught,
        errors_as_task_states(),
    ):
        raise MlflowException("no answer")
    assert isinstance(caught.value.__cause__, MlflowException)
    with pytest.raises(RegistryError, match="broken"), errors_as_task_states():
        raise RestException({"error_code": "INTERNAL_ERROR", "message": "broken"})
    with pytest.raises(KeyError), errors_as_task_states():
        raise KeyError("of something else")
