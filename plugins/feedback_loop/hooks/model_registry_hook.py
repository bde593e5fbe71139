"""The registry's connection."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from feedback_loop.hooks.loop_hook import LoopHook, demand_writable
from include.foundation.config.loading import loop_named
from include.foundation.errors import ConfigError

if TYPE_CHECKING:
    from include.foundation.models.registry import ModelRegistry

SQLITE = "sqlite:///"
TIMEOUT_SECONDS = 10


class ModelRegistryHook(LoopHook):
    """Open MLflow where an Airflow connection says it is.

    The connection has in its extra ``tracking_uri``: ``http(s)://…``, or ``sqlite:///…`` for MLflow without a server. Where
    browsers reach the server by another address than tasks do, ``ui_uri`` is that address.

    Parameters
    ----------
    loop
        Name of the loop; its experiment and registered model are called the same.
    mlflow_conn_id
        Id of the connection.
    """

    conn_name_attr = "mlflow_conn_id"
    default_conn_name = "mlflow"
    conn_type = "generic"
    hook_name = "Feedback Loop model registry"

    def __init__(self, loop: str, mlflow_conn_id: str = default_conn_name) -> None:
        super().__init__(mlflow_conn_id)
        self.loop = loop

    @property
    def tracking_uri(self) -> str:
        """Where MLflow is.

        Raises
        ------
        ConfigError
            If the connection does not say, or says something else.
        """
        uri = self.text_in_extra("tracking_uri")
        if uri is None:
            raise ConfigError(
                f"Connection {self.conn_id}: no 'tracking_uri' in its extra, expected http://… or sqlite:///…"
            )
        if not (_is_web_address(uri) or (uri.startswith(SQLITE) and uri.removeprefix(SQLITE).strip("/\0"))):
            raise ConfigError(
                f"Connection {self.conn_id}: got {uri.rpartition('@')[2]!r} as 'tracking_uri' in its extra, expected "
                "http://host:port, https://… or sqlite:////path/to/mlflow.db"
            )
        return uri

    @property
    def ui_uri(self) -> str | None:
        """Where a browser finds MLflow, without any login; None where MLflow has no server."""
        uri = self.text_in_extra("ui_uri") or self.tracking_uri
        return without_login(uri).rstrip("/") if _is_web_address(uri) else None

    def get_conn(self) -> "ModelRegistry":
        """Return the loop's registry.

        Raises
        ------
        ConfigError
            If the connection does not say where MLflow is.
        """
        from include.foundation.models.registry import ModelRegistry

        return ModelRegistry(self.tracking_uri, loop_named(self.loop))

    def check(self) -> str:
        """Ask the server for its version and the registry for an experiment; a database that is not there is not made."""
        uri, registry = self.tracking_uri, self.get_conn()
        if uri.startswith(SQLITE):
            database = Path(uri.removeprefix(SQLITE))
            demand_writable(database.parent)
            if not database.is_file():
                return f"{uri}: there is no database yet; it is made on first use"
            said = "its database"
        else:
            said = _version_of(uri)
        registry.client.search_experiments(max_results=1)
        return f"{without_login(uri)} answers: {said}"


def without_login(uri: str) -> str:
    """Return an address without the user and password that may be in it.

    Examples
    --------
    >>> without_login("https://ann:secret@mlflow.example:5000/path")
    'https://mlflow.example:5000/path'
    """
    login, at, _ = urlsplit(uri).netloc.rpartition("@")
    return uri.replace(login + at, "", 1)


def _is_web_address(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, brackets that do not close
        return False


def _version_of(uri: str) -> str:
    """Return what the server is; asked first, since MLflow's client would retry for minutes where nothing listens."""
    import httpx

    try:
        answer = httpx.get(f"{uri.rstrip('/')}/version", timeout=TIMEOUT_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ConfigError(f"{without_login(uri)} does not answer: {type(error).__name__}") from None
    if answer.is_error:
        raise ConfigError(f"{without_login(uri)} answers {answer.status_code} to /version, expected MLflow's version")
    return f"MLflow {answer.text.strip()[:40]}"
