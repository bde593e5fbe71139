"""The files below ``answers/``: what a vendor or Ground Truth wrote there, and what each of them is."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from include.foundation.digests import digest_of
from include.foundation.lines.file_bytes import opened_file
from include.foundation.lines.file_formats import is_compressed
from include.foundation.lines.line_files import Line, read_lines
from include.foundation.lines.sources import BEING_WRITTEN, HIDDEN, LogFile
from include.foundation.lines.values import LONGEST_LINE, Problem, parse_object
from include.foundation.store.objects.object_store import FOLDER
from include.foundation.store.objects.opening import objects_at
from include.foundation.uris import is_remote

RESPONSE = re.compile(r"^(?P<job>.+)/annotations/worker-response/[^/]+/(?P<place>\d{1,9})/(?:[^/]+/)*[^/]+\.json$")
OUTPUT = re.compile(r"^(?P<job>.+?)/manifests/output/[^/]+\.manifest$")
MANIFEST = re.compile(r"^(?P<job>.+)\.(manifest|jsonl)(\.gz|\.zst)?$")
OF_A_JOB = re.compile(
    r"^(?P<job>.+?)/(activelearning|annotations|inference|manifests|training)/"
)  # Ground Truth's folders


AT_ONCE = 16  # objects on S3 that are read
Response = tuple[int, LogFile]  # with the place of its object in the manifest, from 0


@dataclass
class Returned:
    """What is below a folder of answers.

    Attributes
    ----------
    manifests
        Augmented manifests, by job.
    responses
        Responses of workers, by job.
    others
        What is not read, with the reason.
    """

    manifests: dict[str, list[LogFile]] = field(default_factory=lambda: defaultdict(list))
    responses: dict[str, list[Response]] = field(default_factory=lambda: defaultdict(list))
    others: list[str] = field(default_factory=list)


def returned_files(folder: str, s3_options: dict[str, Any]) -> Returned:
    """Return what is below a folder of answers; nothing if there is no such folder.

    Parameters
    ----------
    folder
        Of this machine, or ``s3://bucket/prefix``.
    s3_options
        Credentials and endpoint as ``boto3.client`` takes them.
    """
    returned, listing = Returned(), objects_at(folder, s3_options).listing(folder)
    if listing is None:
        return returned
    files = [LogFile(**vars(item)) for item in sorted(listing.objects, key=lambda item: item.name)]
    unsorted = [file for file in files if not _is_of_ground_truth(file, returned)]
    jobs = returned.responses.keys() | returned.manifests.keys()
    for file in unsorted:
        if (match := OF_A_JOB.match(file.name)) and match["job"] in jobs:
            continue  # what Ground Truth keeps beside the answers
        if BEING_WRITTEN.search(file.name):
            returned.others.append(f"{file.name} {HIDDEN}")
        elif match := MANIFEST.match(file.name):
            returned.manifests[match["job"]].append(file)
        else:
            returned.others.append(f"{file.name} does not end in .manifest or .jsonl and is no response of a worker")
    for item, oddity in listing.oddities:
        if oddity != FOLDER or MANIFEST.match(item.name):
            returned.others.append(f"{item.name} {oddity}")
    return returned


def manifest_content(file: LogFile, s3_options: dict[str, Any], patience: timedelta) -> tuple[list[Line], bool]:
    """Return the lines of a manifest, and whether these are all: half a last line may still be being written.

    Parameters
    ----------
    file
        The manifest.
    s3_options
        Credentials and endpoint as ``boto3.client`` takes them.
    patience
        How long after a local file was written the rest of a last line may still come.
    """
    with file.opened(s3_options) as path:
        lines = list(read_lines(path))
        waits = _is_being_written(file, patience) and bool(lines) and _is_half(lines[-1], path)
    return (lines[:-1], False) if waits else (lines, True)


def contents_of(
    files: Sequence[LogFile], s3_options: dict[str, Any], patience: timedelta
) -> Iterator[dict[str, Any] | Line | None]:
    """Yield the content of each file of responses, see `_response_content`; objects on S3 are read several at once.

    Parameters
    ----------
    files
        The files.
    s3_options
        Credentials and endpoint as ``boto3.client`` takes them.
    patience
        How long after a local file was written the rest of it may still come.
    """
    read = partial(_response_content, s3_options=s3_options, patience=patience)
    if not files or not is_remote(files[0].uri):
        yield from map(read, files)
        return
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(read, files)


def files_digest(files: Iterable[LogFile]) -> str:
    """Return a digest of which files there are and what is in them."""
    return digest_of(sorted((file.name, file.fingerprint) for file in files))


def _response_content(file: LogFile, s3_options: dict[str, Any], patience: timedelta) -> dict[str, Any] | Line | None:
    """Return the object in a file of worker responses, or why there is none; None while it may still be being written.

    Nothing of a file that cannot be read is kept: it would name workers.

    Parameters
    ----------
    file
        The file.
    s3_options
        Credentials and endpoint as ``boto3.client`` takes them.
    patience
        How long after a local file was written the rest of it may still come.
    """
    if file.size > LONGEST_LINE:
        return _refused("line_too_long", f"{file.size} bytes, expected at most {LONGEST_LINE}")
    record, problems = parse_object(b"".join(file.blocks(s3_options)))
    if record is not None:
        return record
    return None if _is_being_written(file, patience) else _refused(problems[0].code, "no JSON object")


def _is_of_ground_truth(file: LogFile, returned: Returned) -> bool:
    """Put a file where it belongs, if it is a response or an output manifest by its place in the folder of a job."""
    if BEING_WRITTEN.search(file.name):
        return False
    if response := RESPONSE.match(file.name):
        returned.responses[response["job"]].append((int(response["place"]), file))
    elif output := OUTPUT.match(file.name):
        returned.manifests[output["job"]].append(file)
    else:
        return False
    return True


def _refused(code: str, got: str) -> Line:
    return Line.of_file([Problem(code, f"got {got}, expected the answers of workers as Ground Truth writes them")])


def _is_half(last: Line, path: Path) -> bool:
    """Tell whether the last line of a file is no JSON and has no end; what is packed is whole, or broken off."""
    if last.number is None or last.record is not None or is_compressed(path.name):
        return False
    with opened_file(path) as opened:
        opened.seek(-1, os.SEEK_END)
        return opened.read() != b"\n"


def _is_being_written(file: LogFile, patience: timedelta) -> bool:
    """Tell whether a local file is young enough to be half written; an object on S3 is always whole."""
    return not is_remote(file.uri) and datetime.now(UTC) - file.written_at < patience
