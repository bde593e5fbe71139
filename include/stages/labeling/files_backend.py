"""The ``files`` backend: requests and answers are JSONL files in two folders, which is what most vendors exchange."""

import glob
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from include.foundation.config.loading import resolve
from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of
from include.foundation.errors import ConfigError, LabelingError, short
from include.foundation.lines.line_files import Line
from include.foundation.lines.values import Problem, moment_of, parse_object
from include.foundation.store.objects.local_objects import LocalObjects
from include.foundation.uris import is_remote
from include.stages.labeling.answers_read import Mark
from include.stages.labeling.backend_contract import Answer, Answers, LabelRequest

PUBLIC = ("request_id", "trace_id", "input", "prelabel", "reasons", "tier")


class FilesBackend:
    """Write request files and read answer files.

    Each batch becomes one file in ``requests/``, which appears complete or not at all. Every JSONL file in ``answers/`` is
    read; a last line without an end is not read until it has one.

    Parameters
    ----------
    loop
        Its ``labeling.uri``, by default ``data/<loop>/labeling``, holds both folders.

    Raises
    ------
    ConfigError
        If ``labeling.uri`` is not a folder of a file system.
    """

    def __init__(self, loop: Loop) -> None:
        folder = resolve(loop.labeling.uri or f"data/{loop.name}/labeling")
        if is_remote(folder):
            raise ConfigError(
                f"labeling.uri: got {folder}, expected a folder: the files backend writes to a file system"
            )
        self.loop = loop
        self.request_folder = Path(folder) / "requests"
        self.answer_folder = Path(folder) / "answers"

    def existing(self, requests: Sequence[LabelRequest]) -> dict[str, str]:
        """Return the file and line of each of these requests that was written, by request id."""
        wanted, positions = {request.request_id for request in requests}, {}
        for batch in sorted({_file_name(request.batch_id) for request in requests}):
            for path in sorted(self.request_folder.glob(f"{glob.escape(batch)}-*.jsonl")):
                for number, text in enumerate(path.read_bytes().split(b"\n"), start=1):
                    request_id = (parse_object(text)[0] or {}).get("request_id")
                    if request_id in wanted:
                        positions[request_id] = f"{path.name}:{number}"
        return positions

    def push(self, requests: Sequence[LabelRequest]) -> None:
        """Write one file for each batch, named by its content, so that writing it again makes no second file."""
        self.request_folder.mkdir(parents=True, exist_ok=True)
        self.answer_folder.mkdir(parents=True, exist_ok=True)
        ordered = sorted(requests, key=lambda request: (request.batch_id, request.request_id))
        for batch_id, group in groupby(ordered, key=lambda request: request.batch_id):
            batch = list(group)
            lines = [{name: value for name, value in asdict(request).items() if name in PUBLIC} for request in batch]
            name = f"{_file_name(batch_id)}-{digest_of([request.request_id for request in batch])[:8]}.jsonl"
            content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            LocalObjects().write(str(self.request_folder / name), content.encode())

    def answers(self, requests: Mapping[str, str], read: Mapping[str, Mark]) -> Answers:
        """Read what is new in every answer file; a line that is no answer to one of the requests is refused with its reasons.

        An answer may name the trace id instead of the request id.

        Parameters
        ----------
        requests
            Trace ids by request id.
        read
            How far each file was read before. One whose beginning has changed since is read anew.
        """
        answers = Answers([])
        request_of = {trace_id: request_id for request_id, trace_id in requests.items()}
        for path in sorted(self.answer_folder.glob("*.jsonl")):
            for number, text in self._unread(path, read.get(path.name), answers.read):
                record, problems = parse_object(text)
                request_id = _request_id(record or {}, request_of)
                if record is not None:
                    problems = self._problems(record, request_id, requests)
                if record is None or problems:
                    raw = text.decode("utf-8", "backslashreplace")
                    answers.refused.append((path.name, Line(number, record, problems, raw)))
                else:
                    answers.rows.append(_answer(record, request_id, requests[request_id], path.name))
        return answers

    def _unread(self, path: Path, mark: Mark | None, marks: list[Mark]) -> Iterator[tuple[int, bytes]]:
        """Yield the whole lines of a file that were not read yet, with their numbers, and add how far it was read then."""
        status, reader = path.stat(), digest_of(self.loop.task.classes)
        fingerprint = f"{status.st_size}:{status.st_mtime_ns}"
        if mark is not None and (mark.fingerprint, mark.reader) == (fingerprint, reader):
            return
        content = path.read_bytes()
        goes_on = mark is not None and mark.reader == reader and _digest(content[: mark.end_byte]) == mark.content
        start, before = (mark.end_byte, mark.lines) if mark is not None and goes_on else (0, 0)
        end = content.rfind(b"\n") + 1
        lines = content[start:end].split(b"\n")[:-1]
        for number, text in enumerate(lines, start=before + 1):
            if text.strip():
                yield number, text
        marks.append(Mark(path.name, fingerprint, reader, end, before + len(lines), _digest(content[:end])))

    def _problems(self, record: dict[str, Any], request_id: Any, requests: Mapping[str, str]) -> list[Problem]:
        problems: list[Problem] = []
        if request_id not in requests:
            problems.append(
                Problem("unknown_request", f"request_id: got {short(request_id)}, no such request was made")
            )
        if record.get("label", "") not in [None, *self.loop.task.classes]:
            problems.append(
                Problem(
                    "unknown_label",
                    f"label: got {short(record.get('label'))}, expected one of task.classes, or null from who declines",
                )
            )
        if not isinstance(record.get("annotator"), str) or not record["annotator"]:
            problems.append(Problem("missing_field", "annotator: missing, expected who answered"))
        if moment_of(record.get("created_at")) is None:
            problems.append(
                Problem("bad_timestamp", f"created_at: got {short(record.get('created_at'))}, expected ISO 8601")
            )
        lead_time = record.get("lead_time_seconds")
        if lead_time is not None and not isinstance(lead_time, int | float):
            problems.append(Problem("wrong_type", f"lead_time_seconds: got {short(lead_time)}, expected seconds"))
        return problems


def _request_id(record: dict[str, Any], request_of: dict[str, str]) -> Any:
    """Return the request id that a record names, itself or by its trace id."""
    return record.get("request_id") or request_of.get(str(record.get("trace_id")))


def _answer(record: dict[str, Any], request_id: str, trace_id: str, source: str) -> Answer:
    moment = moment_of(record["created_at"])
    if moment is None:
        raise LabelingError(f"created_at: got {record['created_at']!r}, expected ISO 8601")
    comment = record.get("comment")
    return Answer(
        request_id=request_id,
        trace_id=trace_id,
        annotator=record["annotator"],
        label=record["label"],
        created_at=moment,
        source=source,
        comment=None if comment is None else str(comment),
        lead_time_seconds=record.get("lead_time_seconds"),
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _file_name(batch_id: str) -> str:
    return "".join(letter if letter.isalnum() or letter == "-" else "_" for letter in batch_id.replace("+00:00", ""))
