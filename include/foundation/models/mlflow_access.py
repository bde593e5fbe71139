"""Open MLflow: its client, and a loop's experiment, each made once however many processes come first."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from include.foundation.errors import ConfigError, RegistryError

if TYPE_CHECKING:
    from mlflow import MlflowClient

SQLITE = "sqlite:///"


@contextmanager
def told_errors() -> Iterator[None]:
    """Let what MLflow itself raises in the block be an error of the loop.

    Raises
    ------
    RegistryError
        If MLflow raises anything: it cannot be reached, refuses a request, or fails.
    """
    try:
        yield
    except Exception as error:
        if type(error).__module__ != "mlflow.exceptions":  # importing it for its name would take a second
            raise
        raise RegistryError(f"MLflow: {error}; if it cannot be reached, run this again when it can") from error


def open_client(tracking_uri: str) -> "MlflowClient":
    """Return a client; the tables of a SQLite database are made first, by one process while the others wait.

    Parameters
    ----------
    tracking_uri
        ``http(s)://…``, or ``sqlite:///…`` for MLflow without a server.

    Raises
    ------
    ConfigError
        If the path of a database would be taken for another one.
    """
    from mlflow import MlflowClient

    if not tracking_uri.startswith(SQLITE):
        return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
    if "%" in tracking_uri or "?" in tracking_uri:
        raise ConfigError(
            f"mlflow: got {tracking_uri}, expected the path of a database without % and ?, which SQLite misreads"
        )
    database = Path(tracking_uri.removeprefix(SQLITE))
    with _alone(database):
        client = MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
        client.search_experiments(
            max_results=1
        )  # the tables of runs are made with the client or now, those of versions
        client.search_registered_models(max_results=1)  # now at the latest
    return client


def experiment_named(client: "MlflowClient", tracking_uri: str, name: str) -> str:
    """Return the id of an experiment, which is made if there is none.

    Parameters
    ----------
    client
        Of the server or the database.
    tracking_uri
        Artifacts of an experiment in a SQLite database lie in a folder beside it.
    name
        Of the experiment.

    Raises
    ------
    RegistryError
        If it is deleted, but not for good.
    """
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is not None and experiment.lifecycle_stage == "deleted":
        number = experiment.experiment_id
        raise RegistryError(
            f"Experiment {name} is deleted in MLflow, which keeps its name: `mlflow experiments restore -x {number}` puts it "
            "back; only if its runs are not needed any more, `mlflow gc` removes it for good and a new one is made"
        )
    if experiment is not None:
        return str(experiment.experiment_id)
    place = None
    if tracking_uri.startswith(SQLITE):
        place = (Path(tracking_uri.removeprefix(SQLITE)).resolve().parent / "artifacts" / name).as_uri()
    try:
        return str(client.create_experiment(name, artifact_location=place))
    except MlflowException:  # another process was first
        return str(client.get_experiment_by_name(name).experiment_id)


@contextmanager
def _alone(database: Path) -> Iterator[None]:
    """Hold a lock beside a database; the system lets go of it when the process ends, however it ends."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(f"{database.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
