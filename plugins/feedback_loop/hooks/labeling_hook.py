"""The labeling platform's connection."""

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from include.foundation.config.loading import loop_named

if TYPE_CHECKING:
    from include.stages.labeling.backend_contract import LabelingBackend


class LabelingHook(BaseHook):
    """Open the labeling backend that the loop file names.

    The ``files`` backend needs no connection. ``label_studio`` reads the one named by ``labeling.connection``: its host
    and port, and the API token as its password.

    Parameters
    ----------
    loop
        Name of the loop.
    """

    def __init__(self, loop: str) -> None:
        super().__init__()
        self.loop = loop

    def get_conn(self) -> "LabelingBackend":
        """Return the backend, ready to push and pull."""
        from include.stages.labeling.backend_contract import BackendConnection
        from include.stages.labeling.backends import backend_for

        loop = loop_named(self.loop)
        if loop.labeling.backend == "files":
            return backend_for(loop, None)
        found = self.get_connection(loop.labeling.connection)
        host = f"{found.schema or 'http'}://{found.host}:{found.port}" if found.port else str(found.host)
        return backend_for(loop, BackendConnection(host=host, token=found.password or ""))
