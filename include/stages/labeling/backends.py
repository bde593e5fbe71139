"""The labeling backends that a loop file can name."""

from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError
from include.stages.labeling.backend_contract import BackendConnection, LabelingBackend
from include.stages.labeling.files_backend import FilesBackend


def backend_for(loop: Loop, connection: BackendConnection | None) -> LabelingBackend:
    """Return the backend that a loop file names.

    Parameters
    ----------
    loop
        Names the backend.
    connection
        Where its platform is; None for a backend that needs no connection.

    Raises
    ------
    ConfigError
        If this version has no such backend.
    """
    if loop.labeling.backend == "files":
        return FilesBackend(loop)
    raise ConfigError(
        f"labeling.backend: got {loop.labeling.backend!r} at {connection.host if connection else 'no connection'}; this "
        "version pushes to 'files' only: set backend: files and exchange the request and answer files with the platform"
    )
