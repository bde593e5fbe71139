"""The files of a source, in a folder or on S3: which there are, and stable copies of their bytes."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from include.foundation.config.loading import resolve
from include.foundation.errors import ConfigError, ObjectChangedError
from include.foundation.errors import listed as listed_below
from include.foundation.store.objects.object_store import ANY, FOLDER, SINCE_LISTED, StoredObject
from include.foundation.store.objects.opening import objects_at
from include.foundation.store.objects.scratch_folders import scratch_folder
from include.foundation.uris import is_remote

SUFFIXES = {"jsonl": ".jsonl", "parquet": ".parquet", "csv": ".csv"}
COMPRESSED = (".gz", ".zst")
BEING_WRITTEN = re.compile(r"(^|/)[._]")
HIDDEN = "is hidden, so it is taken to be still being written"
PLAN_AGAIN = "plan the pull again"
SINCE = f"{SINCE_LISTED}; {PLAN_AGAIN}"

OTHERS = "{} files that were written lately are not read. If they are rotated logs, let the rotation keep the ending:"


@dataclass(frozen=True)
class Access:
    """What opens a source: options of ``boto3.client("s3")``, and the URL of a database; never logged."""

    s3_options: dict[str, Any] = field(default_factory=dict, repr=False)
    database_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class LogFile(StoredObject):
    """One file of a source, as it was listed."""

    def latest(self, skew_seconds: float) -> datetime:
        """Return the latest plausible time in the file: when it was written, by a clock that is not ahead, and the skew."""
        return min(self.written_at, datetime.now(UTC)) + timedelta(seconds=skew_seconds)

    @contextmanager
    def opened(self, s3_options: dict[str, Any]) -> Iterator[Path]:
        """Give a local path to the file: itself, or a copy of the object.

        Raises
        ------
        StoreError
            If the file has vanished, has changed or cannot be read: the task is retried.
        """
        if not is_remote(self.uri):
            yield Path(self.uri)
            return
        with scratch_folder() as folder:
            copy = folder / PurePosixPath(self.uri).name
            with copy.open("wb") as target:
                for block in self.blocks(s3_options):
                    target.write(block)
            yield copy

    def blocks(self, s3_options: dict[str, Any], start: int = 0) -> Iterator[bytes]:
        """Yield the bytes from ``start`` to the size that was listed, at most a MiB at a time.

        Raises
        ------
        ObjectChangedError
            If the file has vanished or was replaced.
        StoreError
            If it cannot be read.
        """
        try:
            yield from objects_at(self.uri, s3_options).blocks(self, start)
        except ObjectChangedError as error:
            raise ObjectChangedError(f"{error.message}; {PLAN_AGAIN}") from error


class NotRead(NamedTuple):
    """What is in a folder and is not read, with the reason."""

    name: str
    reason: str
    written_at: datetime

    def __str__(self) -> str:
        return f"{self.name} {self.reason}"


def files_and_others(
    uri: str, log_format: str, s3_options: dict[str, Any], named: re.Pattern[str] = ANY
) -> tuple[list[LogFile], list[NotRead]]:
    """Return the files of a folder, and what else is in it, both in name order.

    Files and folders whose names start with ``.`` or ``_`` are being written and not read. Neither is a file that does not end
    as the format's files do, such as ``a.jsonl.1``, nor what is no file.

    Parameters
    ----------
    uri
        Folder, or ``s3://bucket/prefix``.
    log_format
        ``jsonl``, ``csv`` or ``parquet``; the first two also with ``.gz`` or ``.zst`` behind.
    s3_options
        Credentials and endpoint as ``boto3.client`` takes them.
    named
        What must be in the names; any by default.

    Raises
    ------
    ConfigError
        If the folder or bucket does not exist.
    StoreError
        If the object store cannot be read.
    """
    place = resolve(uri)
    listing = objects_at(place, s3_options).listing(place, named)
    if listing is None:
        kind = "bucket" if is_remote(place) else "folder"
        raise ConfigError(f"{place}: no such {kind}, expected log files there; create it or mend logs.uri")
    files, others = list[LogFile](), list[NotRead]()
    for item in listing.objects:
        if reason := _why_not_read(item.name, log_format):
            others.append(NotRead(item.name, reason, item.written_at))
        else:
            files.append(LogFile(**vars(item)))
    for item, oddity in listing.oddities:
        reason = _why_not_read(item.name, log_format)
        if oddity != FOLDER or not reason:
            others.append(NotRead(item.name, HIDDEN if reason == HIDDEN else oddity, item.written_at))
    return sorted(files, key=lambda file: file.name), sorted(others)


def told_others(others: Sequence[NotRead]) -> list[str]:
    """Return what is to be said of what is not read in a folder of logs; nothing of files that are being written."""
    told = [str(each) for each in others if each.reason != HIDDEN]
    return [listed_below(OTHERS.format(len(told)), told)] if told else []


def _why_not_read(name: str, log_format: str) -> str | None:
    """Return why a file is not read because of its name; None if it is."""
    if BEING_WRITTEN.search(name):
        return HIDDEN
    suffix = SUFFIXES[log_format]
    endings = (suffix,) if log_format == "parquet" else (suffix, *(suffix + packed for packed in COMPRESSED))
    return None if name.endswith(endings) else f"does not end in {' or '.join(endings)}"
