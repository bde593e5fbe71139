"""The files of a log folder, local or on S3."""

import contextlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from include.config.loading import resolve
from include.errors import ConfigError, StoreError

SUFFIXES = {"jsonl": ".jsonl", "parquet": ".parquet"}
BEING_WRITTEN = (".", "_")


@dataclass(frozen=True)
class LogFile:
    """One file: its name relative to the folder, where it is, and when it was last written."""

    name: str
    uri: str
    written_at: datetime

    @contextmanager
    def opened(self, s3_options: dict[str, str]) -> Iterator[Path]:
        """Give a local path to a stable copy of the file.

        Raises
        ------
        StoreError
            If the file has vanished or cannot be read: the task is retried.
        """
        if not self.uri.startswith("s3://"):
            yield Path(self.uri)
            return
        bucket, _, key = self.uri.removeprefix("s3://").partition("/")
        with tempfile.NamedTemporaryFile(suffix=Path(key).suffix) as copy:
            try:
                _s3(s3_options).download_fileobj(bucket, key, copy)
            except Exception as error:
                raise StoreError(f"{self.uri}: cannot be read: {error}") from error
            copy.flush()
            yield Path(copy.name)


def list_files(uri: str, log_format: str, written_after: datetime, s3_options: dict[str, str]) -> list[LogFile]:
    """Return the files of a folder that were written after a moment, in name order.

    A file that was last written before an interval began cannot hold the interval's rows, so the cost of a pull grows
    with what is new. Names, or folders, that start with ``.`` or ``_``, or end otherwise than the format's, are being written.

    Parameters
    ----------
    uri
        Folder, or ``s3://bucket/prefix``.
    log_format
        ``jsonl`` or ``parquet``.
    written_after
        Aware datetime.
    s3_options
        Credentials and endpoint as ``boto3.client`` takes them.

    Raises
    ------
    ConfigError
        If the folder or bucket does not exist.
    StoreError
        If the object store cannot be read.
    """
    place = resolve(uri)
    found = _list_s3(place, s3_options) if place.startswith("s3://") else _list_folder(Path(place))
    return [
        file
        for file in sorted(found, key=lambda file: file.name)
        if file.name.endswith(SUFFIXES[log_format])
        and not any(part.startswith(BEING_WRITTEN) for part in PurePosixPath(file.name).parts)
        and file.written_at >= written_after
    ]


def _list_folder(folder: Path) -> list[LogFile]:
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder, expected log files there; create it or mend logs.uri")
    found = []
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # gone since the folder was listed
            if path.is_file():
                name = path.relative_to(folder).as_posix().encode("utf-8", "backslashreplace").decode()
                found.append(LogFile(name, str(path), datetime.fromtimestamp(path.stat().st_mtime, UTC)))
    return found


def _list_s3(uri: str, options: dict[str, str]) -> list[LogFile]:
    bucket, _, folder = uri.removeprefix("s3://").partition("/")
    prefix = f"{folder.rstrip('/')}/" if folder else ""
    client = _s3(options)
    try:
        pages = list(client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix))
    except client.exceptions.NoSuchBucket as error:
        raise ConfigError(f"{uri}: no such bucket, expected log files there; create it or mend logs.uri") from error
    except Exception as error:
        raise StoreError(f"{uri}: cannot be listed: {error}") from error
    return [
        LogFile(item["Key"].removeprefix(prefix), f"s3://{bucket}/{item['Key']}", item["LastModified"])
        for page in pages
        for item in page.get("Contents", [])
    ]


def _s3(options: dict[str, str]) -> Any:
    import boto3

    return boto3.client("s3", **options)
