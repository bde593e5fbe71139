"""The ``files`` backend: requests and answers are JSONL files in two folders, as most vendors exchange them."""

import json
from collections.abc import Sequence
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
from include.stages.labeling.backend_contract import Answer, Answers, LabelTask

PUBLIC = ("request_id", "trace_id", "input", "prelabel", "reasons", "tier")


class FilesBackend:
    """Write request files and read answer files.

    One file a batch appears in ``requests/`` whole or not at all; any JSONL file in ``answers/`` is read. A last line that
    has no end yet is left for the next look.

    Parameters
    ----------
    loop
        Its ``labeling.uri``, or ``data/<loop>/labeling``, holds both folders.
    """

    def __init__(self, loop: Loop) -> None:
        place = resolve(loop.labeling.uri or f"data/{loop.name}/labeling")
        if is_remote(place):
            raise ConfigError(
                f"labeling.uri: got {place}, expected a folder: the files backend writes to a file system"
            )
        self.loop = loop
        self.requests = Path(place) / "requests"
        self.answered = Path(place) / "answers"

    def existing(self, request_ids: Sequence[str]) -> dict[str, str]:
        """Return the file and line of each request that was written, by request id."""
        wanted, found = set(request_ids), {}
        for path in sorted(self.requests.glob("*.jsonl")):
            for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                request_id = json.loads(text)["request_id"]
                if request_id in wanted:
                    found[request_id] = f"{path.name}:{number}"
        return found

    def push(self, tasks: Sequence[LabelTask]) -> None:
        """Write the tasks, one file a batch, named by its content: writing them again makes no second file."""
        self.requests.mkdir(parents=True, exist_ok=True)
        self.answered.mkdir(parents=True, exist_ok=True)
        ordered = sorted(tasks, key=lambda task: (task.batch_id, task.request_id))
        for batch_id, group in groupby(ordered, key=lambda task: task.batch_id):
            batch = list(group)
            lines = [{name: value for name, value in asdict(task).items() if name in PUBLIC} for task in batch]
            name = f"{_file_name(batch_id)}-{digest_of([task.request_id for task in batch])[:8]}.jsonl"
            content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            LocalObjects().write(str(self.requests / name), content.encode())

    def answers(self, open_requests: dict[str, str]) -> Answers:
        """Read every answer file; what is no answer to a request of this loop is refused with reasons."""
        found = Answers([])
        by_trace = {trace_id: request_id for request_id, trace_id in open_requests.items()}
        for path in sorted(self.answered.glob("*.jsonl")):
            raw = path.read_bytes()
            ended = raw[: raw.rfind(b"\n") + 1]
            for number, text in enumerate(ended.split(b"\n")[:-1], start=1):
                if text.strip():
                    self._read(text, f"{path.name}", number, (open_requests, by_trace), found)
        return found

    def _read(
        self, text: bytes, source: str, number: int, known: tuple[dict[str, str], dict[str, str]], found: Answers
    ) -> None:
        record, problems = parse_object(text)
        requests, by_trace = known
        if record is not None:
            request_id = record.get("request_id") or by_trace.get(str(record.get("trace_id")))
            problems = self._problems(record, request_id, requests)
            if not problems:
                found.rows.append(_answer(record, str(request_id), requests[str(request_id)], source))
                return
        raw = text.decode("utf-8", "backslashreplace")
        found.refused.append((source, Line(number, record, problems, raw)))

    def _problems(self, record: dict[str, Any], request_id: Any, requests: dict[str, str]) -> list[Problem]:
        problems: list[Problem] = []
        if request_id not in requests:
            problems.append(
                Problem("unknown_request", f"request_id: got {short(request_id)}, no such request was made")
            )
        if record.get("label") not in self.loop.task.classes:
            problems.append(
                Problem("unknown_label", f"label: got {short(record.get('label'))}, expected one of task.classes")
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


def _file_name(batch_id: str) -> str:
    return "".join(letter if letter.isalnum() or letter == "-" else "_" for letter in batch_id.replace("+00:00", ""))
