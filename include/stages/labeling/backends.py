"""The labeling backends that a loop file can name."""

from collections.abc import Mapping
from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError
from include.stages.labeling.backend_contract import BackendConnection, LabelingBackend
from include.stages.labeling.files_backend import FilesBackend
from include.stages.labeling.manifests.manifests_backend import ManifestsBackend
from include.stages.labeling.tiered_backend import TieredBackend


def backend_for(
    loop: Loop, connection: BackendConnection | None, aws_options: Mapping[str, Any] | None = None
) -> LabelingBackend:
    """Return the backend that a loop file names.

    Parameters
    ----------
    loop
        Names the backend.
    connection
        Where its platform is; None for a backend that needs no connection.
    aws_options
        Credentials, region and endpoint as ``boto3.client("s3")`` takes them; None where nothing is on S3.

    Raises
    ------
    ConfigError
        If a backend that needs a connection has none.
    """
    if loop.labeling.backend == "files":
        return FilesBackend(loop)
    if loop.labeling.backend == "manifests":
        return ManifestsBackend(loop, aws_options or {})
    if connection is None:
        raise ConfigError(f"labeling.backend: {loop.labeling.backend} needs the connection {loop.labeling.connection}")
    from include.stages.labeling.label_studio.studio_backend import LabelStudioBackend

    return TieredBackend(loop, lambda own: LabelStudioBackend(own, connection))
