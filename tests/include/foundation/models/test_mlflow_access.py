"""A SQLite database of MLflow is made once, however many come first."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from include.foundation.errors import ConfigError, RegistryError
from include.foundation.models.mlflow_access import experiment_named, open_client


def test_database_that_several_open_first_at_once_is_made_once_for_all(tmp_path):
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    with ThreadPoolExecutor(4) as pool:
        clients = list(pool.map(lambda _: open_client(uri), range(4)))
        ids = set(pool.map(lambda client: experiment_named(client, uri, "tiny"), clients))
    assert ids == {clients[0].get_experiment_by_name("tiny").experiment_id}
    assert [len(client.search_registered_models()) for client in clients] == [0, 0, 0, 0]


def test_experiment_that_was_deleted_is_put_back_by_a_person(tmp_path, mlflow_template):
    """MLflow keeps the name, and refuses runs (https://github.com/mlflow/mlflow/issues/2651)."""
    uri = f"sqlite:///{mlflow_template}"
    client = open_client(uri)
    number = experiment_named(client, uri, "deleted")
    client.delete_experiment(number)
    with pytest.raises(RegistryError, match=f"mlflow experiments restore -x {number}"):
        experiment_named(client, uri, "deleted")
    client.restore_experiment(number)
    assert experiment_named(client, uri, "deleted") == number


@pytest.mark.parametrize("name", ["a%20b", "a?b"])
def test_database_whose_path_would_be_misread_is_refused(tmp_path, name):
    with pytest.raises(ConfigError, match="without % and"):
        open_client(f"sqlite:///{tmp_path}/{name}/mlflow.db")
    assert list(tmp_path.iterdir()) == []
