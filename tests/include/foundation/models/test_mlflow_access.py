"""A SQLite database of MLflow is made once, however many come first."""

from concurrent.futures import ThreadPoolExecutor

from include.foundation.models.mlflow_access import experiment_named, open_client


def test_database_that_several_open_first_at_once_is_made_once_for_all(tmp_path):
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    with ThreadPoolExecutor(4) as pool:
        clients = list(pool.map(lambda _: open_client(uri), range(4)))
        ids = set(pool.map(lambda client: experiment_named(client, uri, "tiny"), clients))
    assert ids == {clients[0].get_experiment_by_name("tiny").experiment_id}
    assert [len(client.search_registered_models()) for client in clients] == [0, 0, 0, 0]
