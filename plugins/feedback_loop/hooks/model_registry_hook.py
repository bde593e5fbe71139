"""The registry's connection."""

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from include.foundation.config.loading import loop_named
from include.foundation.errors import ConfigError

if TYPE_CHECKING:
    from include.foundation.models.registry import ModelRegistry


class ModelRegistryHook(BaseHook):
    """Open MLflow where an Airflow connection says it is.

    The connection (type ``generic``) has in its extra ``tracking_uri``: ``http(s)://…``, or ``sqlite:///…`` for MLflow
    without a server.

    Parameters
    ----------
    loop
        Name of the loop; its experiment and registered model are called the same.
    conn_id
        Id of the connection.
    """

    def __init__(self, loop: str, conn_id: str = "mlflow") -> None:
        super().__init__()
        self.loop = loop
        self.conn_id = conn_id

    def get_conn(self) -> "ModelRegistry":
        """Return the loop's registry.

        Raises
        ------
        ConfigError
            If the connection does not say where MLflow is.
        """
        from include.foundation.models.registry import ModelRegistry

        uri = self.get_connection(self.conn_id).extra_dejson.get("tracking_uri")
        if not uri:
            raise ConfigError(
                f"Connection {self.conn_id}: no 'tracking_uri' in its extra, expected http://… or sqlite:///…"
            )
        return ModelRegistry(uri, loop_named(self.loop))
