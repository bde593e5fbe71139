"""Which object store a URI leads to."""

from collections.abc import Mapping
from typing import Any

from include.foundation.errors import ConfigError
from include.foundation.store.objects.local_objects import LocalObjects
from include.foundation.store.objects.object_store import ObjectStore
from include.foundation.store.objects.s3_objects import SCHEME, S3Objects
from include.foundation.uris import is_remote


def objects_at(uri: str, s3_options: Mapping[str, Any]) -> ObjectStore:
    """Return what reads and writes the objects below a URI; nothing is connected to yet.

    Parameters
    ----------
    uri
        A folder of this machine, ``s3://bucket/prefix``, or an object in one of them.
    s3_options
        Credentials and endpoint, as ``boto3.client`` takes them; not used for a folder.

    Raises
    ------
    ConfigError
        If the URI is of another kind.

    Examples
    --------
    >>> type(objects_at("/data/logs", {})).__name__, type(objects_at("s3://bucket/logs", {})).__name__
    ('LocalObjects', 'S3Objects')
    """
    if not is_remote(uri):
        return LocalObjects()
    if not uri.startswith(SCHEME):
        raise ConfigError(
            f"Got {uri}, expected a folder of this machine or {SCHEME}bucket/prefix; copy the objects there"
        )
    return S3Objects(s3_options)
