"""What a line of an answer file must be: an answer to a request, or refused with every reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.foundation.errors import short
from include.foundation.lines.fields import read_class, read_id, read_moment, read_seconds
from include.foundation.lines.line_files import Line
from include.foundation.lines.values import Problem, text_of
from include.stages.labeling.backend_contract import Answer

RULES = 1  # raise it when the rules change: every file is then read anew
LONGEST_LEAD = 30 * 86_400.0  # seconds


@dataclass(frozen=True)
class AnswerReader:
    """Read the lines of answers to some requests.

    Attributes
    ----------
    classes
        Names that an answer may give: the loop's classes, and their former names.
    requests
        Trace id by request id.
    request_of
        The other way round: an answer may name either.
    """

    classes: Sequence[str]
    requests: Mapping[str, str]
    request_of: Mapping[str, str]

    def read(self, line: Line, latest: datetime, source: str) -> Answer | Line:
        """Return the answer in a line, or the line with the problems for which it is refused.

        Parameters
        ----------
        line
            The line.
        latest
            Latest plausible time.
        source
            Name of the file.
        """
        if line.problems or line.record is None:
            return line
        record, problems = line.record, list[Problem]()
        request_id = self._request_id(record, problems)
        declines = "label" in record and record["label"] is None
        label = None if declines else read_class("label", record.get("label"), self.classes, problems, "unknown_label")
        annotator = read_id(record, "annotator", problems)
        created_at = read_moment(record, "created_at", latest, problems)
        lead_time = read_seconds("lead_time_seconds", record.get("lead_time_seconds"), LONGEST_LEAD, problems)
        if problems or request_id is None or annotator is None or created_at is None:
            return line.refused_for(problems)
        return Answer(
            request_id=request_id,
            trace_id=self.requests[request_id],
            annotator=annotator,
            label=label,
            created_at=created_at,
            source=source,
            comment=text_of(record.get("comment")),
            lead_time_seconds=lead_time,
        )

    def _request_id(self, record: Mapping[str, Any], problems: list[Problem]) -> str | None:
        """Return the request id that a record names, itself or by its trace id."""
        key = "trace_id" if record.get("request_id") in (None, "") else "request_id"
        named = str(read_id(record, key, []))
        request_id = named if named in self.requests else self.request_of.get(named)
        if request_id is None:
            problems.append(
                Problem("unknown_request", f"{key}: got {short(record.get(key))}, no such request was made")
            )
        return request_id
