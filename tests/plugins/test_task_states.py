"""The loop's errors end a task as the table of task states says."""

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from feedback_loop.task_states import errors_as_task_states

from include.foundation.errors import (
    ConfigError,
    ContractError,
    DataQualityError,
    DeploymentError,
    LabelingError,
    NothingToDo,
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
