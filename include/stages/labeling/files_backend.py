"""The ``files`` backend: requests and answers are JSONL files in two folders, which is what most vendors exchange."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from itertools import groupby
from pathlib import Path

from include.foundation.config.loading import resolve
from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of
from include.foundation.errors import ConfigError
from include.foundation.lines.fields import read_id
from include.foundation.lines.line_files import read_lines
from include.foundation.lines.values import json_line
from include.foundation.store.objects.local_objects import LocalObjects
from include.foundation.taxonomy import Taxonomy
from include.foundation.uris import is_remote
from include.stages.labeling.answer_files import files_in, unread_lines
from include.stages.labeling.answer_lines import RULES, AnswerReader
from include.stages.labeling.answers_read import FileMark, Mark
from include.stages.labeling.backend_contract import Answer, Answers, LabelRequest
from include.stages.labeling.instructions import instructions_text

PUBLIC = (
    "request_id", "trace_id", "input", "prelabel", "reasons", "tier", "ts", "model_version", "segments", "feedback",
    "assigned_to",
)  # fmt: skip


class FilesBackend:
    """Write request files and read answer files.

    Each batch becomes one file in ``requests/``, which appears complete or not at all. Every JSONL file in ``answers/`` and
    below it is read, as log files are: compressed ones too, and not those that are being written.

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
        batches = {re.escape(_file_name(request.batch_id)) for request in requests}
        for file in files_in(self.request_folder, re.compile(f"^({'|'.join(sorted(batches))})-"))[0]:
            for line in read_lines(Path(file.uri)):
                request_id = read_id(line.record or {}, "request_id", [])
                if request_id in wanted:
                    positions[request_id] = f"{file.name}:{line.number}"
        return positions

    def push(self, requests: Sequence[LabelRequest]) -> None:
        """Write one file for each batch, named by its content, so that writing it again makes no second file."""
        self.request_folder.mkdir(parents=True, exist_ok=True)
        self.answer_folder.mkdir(parents=True, exist_ok=True)
        if told := instructions_text(self.loop):
            LocalObjects().write(str(self.request_folder.parent / "instructions.md"), told.encode())
        ordered = sorted(requests, key=lambda request: (request.batch_id, request.request_id))
        for batch_id, group in groupby(ordered, key=lambda request: request.batch_id):
            batch = list(group)
            lines = [{name: value for name, value in asdict(request).items() if name in PUBLIC} for request in batch]
            name = f"{_file_name(batch_id)}-{digest_of([request.request_id for request in batch])[:8]}.jsonl"
            content = "".join(json_line(line) + "\n" for line in lines)
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
        task, logs = self.loop.task, self.loop.logs
        request_of = {trace_id: request_id for request_id, trace_id in requests.items()}
        names = sorted(Taxonomy.of(task).meanings)  # answers may use former names
        reader, rules = AnswerReader(names, requests, request_of), digest_of(RULES, names)
        patience = timedelta(hours=logs.look_back_hours)
        files, others = files_in(self.answer_folder)
        answers = Answers([], passed_over=[str(other) for other in others])
        for file in files:
            before = read.get(file.name)
            lines, mark = unread_lines(file, before if isinstance(before, FileMark) else None, rules, patience)
            for answer in (reader.read(line, file.latest(logs.clock_skew_seconds), file.name) for line in lines):
                if isinstance(answer, Answer):
                    answers.rows.append(answer)
                else:
                    answers.refused.append((file.name, answer))
            answers.read.extend([mark] if mark else [])
        return answers


def _file_name(batch_id: str) -> str:
    return "".join(letter if letter.isalnum() or letter == "-" else "_" for letter in batch_id.replace("+00:00", ""))
