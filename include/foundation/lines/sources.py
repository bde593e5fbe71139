"""The files of a folder, local or on S3: which there are, and stable copies of their bytes."""

import contextlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from include.foundation.config.loading import resolve
from include.foundation.errors import ConfigError, StoreError

SUFFIXES = {"jsonl": ".jsonl", "parquet": ".parquet", "csv": ".csv"}
COMPRESSED = (".gz", ".zst")
BEING_WRITTEN = (".", "_")
BLOCK = 1 << 20
RESUMES = 8
CHANGED = {"PreconditionFailed": "was replaced", "InvalidRange": "was replaced", "NoSuchKey": "has gone"}
SINCE = "since it was listed; plan the pull again"
DENIED = {
    "AccessDenied",
    "AllAccessDisabled",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
}


@dataclass(frozen=True)
class Access:
    """What opens a source: options of ``boto3.client("s3")``, and the URL of a database; never logged."""

    s3_options: dict[str, Any] = field(default_factory=dict, repr=False)
    database_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class LogFile:
    """One file.

    Attributes
    ----------
    name
        Relative to the folder.
    uri
        Where it is.
    written_at
        When it was last written.
    size
        Bytes.
    fingerprint
        What changes when the content does: the ETag on S3, size and modification time elsewhere.
    """

    name: str
    uri: str
    written_at: datetime
    size: int = 0
    fingerprint: str = ""

    @contextmanager
    def opened(self, s3_options: dict[str, Any]) -> Iterator[Path]:
        """Give a local path to the file: itself, or a copy of the object.

        Raises
        ------
        StoreError
            If the file has vanished, has changed or cannot be read: the task is retried.
        """
        if not self.uri.startswith("s3://"):
            yield Path(self.uri)
            return
        with tempfile.TemporaryDirectory(prefix="feedback-loop-") as folder:
            copy = Path(folder) / PurePosixPath(self.uri).name
            with copy.open("wb") as target:
                for block in self.blocks(s3_options):
                    target.write(block)
            yield copy

    def blocks(self, s3_options: dict[str, Any], start: int = 0) -> Iterator[bytes]:
        """Yield the bytes from ``start`` to the size that was listed, a MiB at a time.

        Raises
        ------
        StoreError
            As `opened`.
        """
        source = _object_blocks if self.uri.startswith("s3://") else _local_blocks
        try:
            yield from source(self, start, s3_options)
        except StoreError:
            raise
        except FileNotFoundError as error:
            raise StoreError(f"{self.uri}: has gone {SINCE}") from error
        except Exception as error:
            raise StoreError(f"{self.uri}: cannot be read: {error}; {_advice(error)}") from error


def list_files(uri: str, log_format: str, written_after: datetime, s3_options: dict[str, Any]) -> list[LogFile]:
    """Return the files of a folder that were written after a moment, in name order.

    A file that was last written before an interval began cannot hold the interval's rows, so the cost of a pull grows
    with what is new. Names, or folders, that start with ``.`` or ``_``, or end otherwise than the format's, are being written.

    Parameters
    ----------
    uri
        Folder, or ``s3://bucket/prefix``.
    log_format
        ``jsonl``, ``csv`` or ``parquet``; the first two also with ``.gz`` or ``.zst`` behind.
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
    suffix = SUFFIXES[log_format]
    endings = (suffix,) if log_format == "parquet" else (suffix, *(suffix + packed for packed in COMPRESSED))
    return [
        file
        for file in sorted(found, key=lambda file: file.name)
        if file.name.endswith(endings)
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
                status = path.stat()
                name = path.relative_to(folder).as_posix().encode("utf-8", "backslashreplace").decode()
                written = datetime.fromtimestamp(status.st_mtime, UTC)
                found.append(
                    LogFile(name, str(path), written, status.st_size, f"{status.st_size}-{status.st_mtime_ns}")
                )
    return found


def _list_s3(uri: str, options: dict[str, Any]) -> list[LogFile]:
    bucket, _, folder = uri.removeprefix("s3://").partition("/")
    prefix = f"{folder.rstrip('/')}/" if folder else ""
    client = s3_client(options)
    try:
        pages = list(client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix))
    except client.exceptions.NoSuchBucket as error:
        raise ConfigError(f"{uri}: no such bucket, expected log files there; create it or mend logs.uri") from error
    except Exception as error:
        raise StoreError(f"{uri}: cannot be listed: {error}; {_advice(error)}") from error
    return [
        LogFile(
            item["Key"].removeprefix(prefix),
            f"s3://{bucket}/{item['Key']}",
            item["LastModified"],
            item["Size"],
            item["ETag"].strip('"'),
        )
        for page in pages
        for item in page.get("Contents", [])
    ]


def _local_blocks(file: LogFile, start: int, _options: dict[str, Any]) -> Iterator[bytes]:
    with Path(file.uri).open("rb") as opened:
        opened.seek(start)
        left = file.size - start
        while left > 0 and (block := opened.read(min(BLOCK, left))):
            left -= len(block)
            yield block


def _object_blocks(file: LogFile, start: int, options: dict[str, Any]) -> Iterator[bytes]:
    """Read an object that must not change meanwhile; a connection that breaks is taken up where it broke."""
    from botocore.exceptions import BotoCoreError

    client, place, broken = s3_client(options), start, 0
    while place < file.size:
        problem: Exception | None = None
        try:
            with contextlib.closing(_body(client, file, place)) as body:
                for block in body.iter_chunks(BLOCK):
                    place += len(block)
                    yield block
        except (BotoCoreError, OSError) as error:
            problem = error
        broken += place < file.size
        if broken > RESUMES:
            why = problem or "the answer ended there"
            raise StoreError(
                f"{file.uri}: broke off {broken} times at byte {place}: {why}; run the task again"
            ) from problem


def _body(client: Any, file: LogFile, place: int) -> Any:
    """Return the bytes from ``place`` of the object that was listed, and of no other."""
    bucket, _, key = file.uri.removeprefix("s3://").partition("/")
    try:
        found = client.get_object(Bucket=bucket, Key=key, Range=f"bytes={place}-", IfMatch=file.fingerprint)
    except client.exceptions.ClientError as error:
        if changed := CHANGED.get(_code(error)):
            raise StoreError(f"{file.uri}: {changed} {SINCE}") from error
        raise
    problem = None
    if found["ETag"].strip('"') != file.fingerprint:
        problem = f"was replaced {SINCE}"
    elif place and not found.get("ContentRange", "").startswith(f"bytes {place}-"):
        problem = f"cannot be read on from byte {place}: the object store ignores Range"
    if problem:
        found["Body"].close()
        raise StoreError(f"{file.uri}: {problem}")
    return found["Body"]


def _code(error: Exception) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Code"))


def _advice(error: Exception) -> str:
    """Return what to do about a source that cannot be read."""
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, NoCredentialsError

    if _code(error) in DENIED or isinstance(error, NoCredentialsError):
        return "let the credentials of the connection list and read it"
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError):
        return "check the endpoint of the connection, or run the task again"
    return "run the task again"


def s3_client(options: dict[str, Any]) -> Any:
    """Return a client of an object store for these options of ``boto3.client``, the same one each time."""
    return _client(tuple(sorted(options.items())))


@lru_cache(maxsize=4)  # making one takes as long as a hundred small objects, and they keep their connections
def _client(options: tuple[tuple[str, Any], ...]) -> Any:
    import boto3
    from botocore.config import Config

    patient = Config(retries={"max_attempts": 8, "mode": "standard"}, connect_timeout=10, read_timeout=60)
    return boto3.client("s3", config=patient, **dict(options))
