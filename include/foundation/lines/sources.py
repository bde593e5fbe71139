"""The files of a source, in a folder or on S3: which there are, and stable copies of their bytes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from include.foundation.config.loading import resolve
from include.foundation.errors import ConfigError, ObjectChangedError
from include.foundation.store.objects.object_store import SINCE_LISTED, StoredObject
from include.foundation.store.objects.opening import objects_at
from include.foundation.store.objects.scratch_folders import scratch_folder
from include.foundation.uris import is_remote

SUFFIXES = {"jsonl": ".jsonl", "parquet": ".parquet", "csv": ".csv"}
COMPRESSED = (".gz", ".zst")
BEING_WRITTEN = (".", "_")
HIDDEN = "is hidden, so it is taken to be still being written"
PLAN_AGAIN = "plan the pull again"
SINCE = f"{SINCE_LISTED}; {PLAN_AGAIN}"

OTHERS = (
    "{} files that were written lately are not read, because their names do not end as those of the format do, such as {}. "
    "If they are rotated logs, let the rotation keep the ending."
)


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


def list_files(uri: str, log_format: str, written_after: datetime, s3_options: dict[str, Any]) -> list[LogFile]:
    """Return the files of a folder that were written after a moment, in name order.

    A file that was last written before an interval began cannot hold the interval's rows, so the cost of a pull grows
    with what is new. Files and folders whose names start with ``.`` or ``_`` are being written and left out, as is a file that
    does not end as the format's files do.

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
    return [file for file in files_and_others(uri, log_format, s3_options)[0] if file.written_at >= written_after]


def files_and_others(uri: str, log_format: str, s3_options: dict[str, Any]) -> tuple[list[LogFile], list[LogFile]]:
    """Return the files of a folder in name order, and those that are not read because of their ending, such as ``a.jsonl.1``.

    Parameters
    ----------
    uri, log_format, s3_options
        As of `list_files`, whose errors it raises.
    """
    place = resolve(uri)
    listed = objects_at(place, s3_options).objects_in(place)
    if listed is None:
        kind = "bucket" if is_remote(place) else "folder"
        raise ConfigError(f"{place}: no such {kind}, expected log files there; create it or mend logs.uri")
    files, others = list[LogFile](), list[LogFile]()
    for item in sorted(listed, key=lambda item: item.name):
        reason = _why_not_read(item.name, log_format)
        if reason != HIDDEN:
            (others if reason else files).append(LogFile(**vars(item)))
    return files, others


def told_others(others: Sequence[LogFile]) -> list[str]:
    """Return what is to be said of files that are not read because of their ending; nothing if there are none."""
    return [OTHERS.format(len(others), others[0].name)] if others else []


def passed_over(folder: str, log_format: str) -> list[str]:
    """Return what is in a folder of this machine and is not read, with the reason; none if there is no such folder.

    Examples
    --------
    >>> passed_over("no such folder", "jsonl")
    []
    """
    names = []
    for path in sorted(Path(folder).rglob("*")):
        name = path.relative_to(folder).as_posix().encode("utf-8", "backslashreplace").decode()
        reason = _why_not_read(name, log_format)
        if path.is_dir():
            reason = None if reason else "is a folder"
        elif not path.is_file():
            reason = "leads nowhere" if path.is_symlink() else "is no regular file"
        if reason:
            names.append(f"{name} {reason}")
    return names


def _why_not_read(name: str, log_format: str) -> str | None:
    """Return why a file is not read because of its name; None if it is."""
    if any(part.startswith(BEING_WRITTEN) for part in PurePosixPath(name).parts):
        return HIDDEN
    suffix = SUFFIXES[log_format]
    endings = (suffix,) if log_format == "parquet" else (suffix, *(suffix + packed for packed in COMPRESSED))
    return None if name.endswith(endings) else f"does not end in {' or '.join(endings)}"
