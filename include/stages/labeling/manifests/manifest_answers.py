"""One look at what has come back: the responses of workers, and the labels that were made of them where there are none."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of
from include.foundation.lines.fields import read_id
from include.foundation.lines.line_files import Line
from include.foundation.lines.sources import LogFile
from include.foundation.taxonomy import Taxonomy
from include.stages.labeling import answer_lines
from include.stages.labeling.answer_lines import AnswerReader
from include.stages.labeling.answers_read import FileMark, FolderMark, Mark
from include.stages.labeling.backend_contract import Answer, Answers, WholeTask
from include.stages.labeling.manifests.augmented_lines import consolidated_answer, worker_answers
from include.stages.labeling.manifests.manifest_batches import ManifestBatches
from include.stages.labeling.manifests.returned_files import (
    Response,
    Returned,
    contents_of,
    files_digest,
    manifest_content,
)

RULES = 1  # raise it when the rules change: every file is then read anew
RESPONSES = "/annotations/worker-response"  # in the folder of a job
UNSETTLED = timedelta(minutes=1)  # clocks of servers that write differ by less
STARTED_AGAIN = re.compile(r"-\d{1,2}$")  # behind the name of a job that was started in the place of another


class AnswerLook:
    """Read what is new below a folder of answers.

    Parameters
    ----------
    loop
        Says which classes there are, and how long a half-written file is waited for.
    batches
        The manifests that were pushed: they say which request an object of a job is.
    returned
        What is below the folder.
    s3_options
        Credentials and endpoint as ``boto3.client`` takes them.
    requests
        Trace ids by request id.
    read
        How far each file was read before.
    """

    def __init__(
        self,
        loop: Loop,
        batches: ManifestBatches,
        returned: Returned,
        s3_options: dict[str, Any],
        requests: Mapping[str, str],
        read: Mapping[str, Mark],
    ) -> None:
        names = sorted(Taxonomy.of(loop.task).meanings)  # answers may use former names
        self._request_of = {trace_id: request_id for request_id, trace_id in requests.items()}
        self._reader = AnswerReader(names, requests, self._request_of)
        self._rules = digest_of(RULES, answer_lines.RULES, names)
        self._patience = timedelta(hours=loop.logs.look_back_hours)
        self._skew = loop.logs.clock_skew_seconds
        self._batches = batches
        self._returned = returned
        self._s3_options = s3_options
        self._read = read
        self._orders: dict[str, dict[int, str]] = {}
        self._answers = Answers([], passed_over=list(returned.others))

    def answers(self) -> Answers:
        """Return the answers that were not read yet, and what is none."""
        for job, responses in self._returned.responses.items():
            new = self._unread_responses(job, responses)
            if new and (order := self._order(job)):
                self._take_responses(job, responses, new, order)
            elif new:
                why = f"has {len(new)} responses, and no manifest says to which requests: name the job as its manifest"
                self._answers.passed_over.append(f"{job} {why}")
        for job, files in self._returned.manifests.items():
            for file in files:
                mark = self._read.get(file.name)
                known = isinstance(mark, FileMark) and (mark.fingerprint, mark.reader)
                if known != (file.fingerprint, self._rules):
                    self._take_labels(job, file)
        return self._answers

    def _unread_responses(self, job: str, responses: Sequence[Response]) -> Sequence[Response]:
        """Return the responses that may be new: those since the last look, all if there are others among those before."""
        mark = self._read.get(f"{job}{RESPONSES}")
        if not isinstance(mark, FolderMark) or mark.reader != self._rules:
            return responses
        if mark.fingerprint == files_digest(file for _, file in responses):
            return []
        settled = [file for _, file in responses if file.written_at < mark.settled_before]
        if files_digest(settled) != mark.content:
            return responses
        return [(place, file) for place, file in responses if file.written_at >= mark.settled_before]

    def _order(self, job: str) -> dict[int, str]:
        """Return the request of each object of a job, by its place; none if no manifest says it."""
        if job not in self._orders:
            self._orders[job] = self._read_order(job)
        return self._orders[job]

    def _read_order(self, job: str) -> dict[int, str]:
        name = job.rpartition("/")[2]
        for own in (name, STARTED_AGAIN.sub("", name)):
            if ids := self._batches.request_ids(own):
                return {place: request_id for place, request_id in enumerate(ids) if request_id}
        lines = [
            line
            for file in self._returned.manifests.get(job, [])
            for line in manifest_content(file, self._s3_options, self._patience)[0]
        ]
        named = {line.number: read_id(line.record or {}, "request_id", []) for line in lines}
        return {number - 1: request_id for number, request_id in named.items() if number and request_id}

    def _take_responses(
        self, job: str, responses: Sequence[Response], new: Sequence[Response], order: Mapping[int, str]
    ) -> None:
        waiting = set()
        contents = contents_of([file for _, file in new], self._s3_options, self._patience)
        for (place, file), content in zip(new, contents, strict=True):
            request_id = order.get(place, f"{job}/{place}")
            if content is None:
                waiting.add(file.name)
                continue
            lines = [content] if isinstance(content, Line) else worker_answers(content, request_id)
            for line in lines:
                self._take(file, line, file.name)
            # If a label came first, it was the vendor's answer: now those of the workers are known.
            self._answers.whole.append(WholeTask(_label_of(job, request_id), request_id, file.written_at))
        self._note_responses(job, [file for _, file in responses if file.name not in waiting])

    def _note_responses(self, job: str, files: Sequence[LogFile]) -> None:
        if not files:
            return
        settled_before = max(file.written_at for file in files) - UNSETTLED
        self._answers.read.append(
            FolderMark(
                source=f"{job}{RESPONSES}",
                reader=self._rules,
                fingerprint=files_digest(files),
                settled_before=settled_before,
                content=files_digest(file for file in files if file.written_at < settled_before),
            )
        )

    def _take_labels(self, job: str, file: LogFile) -> None:
        """Take the labels of the requests to which there is no response."""
        lines, is_whole = manifest_content(file, self._s3_options, self._patience)
        categories = self._batches.labels(STARTED_AGAIN.sub("", job.rpartition("/")[2]))
        responses = self._returned.responses.get(job)
        order = self._order(job) if responses else {}
        responded = {order.get(place) for place, _ in responses or []} - {None}
        for line in lines:
            answer = consolidated_answer(line, categories)
            request_id = self._named(answer)
            if answer is not None and (answer.record is None or request_id not in responded):
                self._take(file, answer, _label_of(job, request_id))
        if is_whole:
            mark = FileMark(
                source=file.name,
                reader=self._rules,
                fingerprint=file.fingerprint,
                end_byte=file.size,
                lines=len(lines),
                content="",
            )
            self._answers.read.append(mark)

    def _named(self, line: Line | None) -> str | None:
        """Return the request that a line names, itself or by its row; None if it names none."""
        record = (line and line.record) or {}
        request_id = read_id(record, "request_id", [])
        return request_id or self._request_of.get(str(read_id(record, "trace_id", [])))

    def _take(self, file: LogFile, line: Line, source: str) -> None:
        answer = self._reader.read(line, file.latest(self._skew), source)
        if isinstance(answer, Answer):
            self._answers.rows.append(answer)
        else:
            self._answers.refused.append((file.name, answer))


def _label_of(job: str, request_id: str | None) -> str:
    """Return what the label of a request in a job is stored as having been read from."""
    return f"{job}: label of {request_id}"
