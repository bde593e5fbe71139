"""A line of answers is an answer to a request, named either way, or refused with every reason."""

from datetime import timedelta

import pytest

from include.foundation.lines.line_files import Line
from include.stages.labeling.answer_lines import AnswerReader
from include.stages.labeling.backend_contract import Answer
from tests.builders import CLASSES, DAY

READER = AnswerReader(CLASSES, {"r1": "t1", "5": "t5"}, {"t1": "r1", "t5": "5"})
GOOD = {"request_id": "r1", "annotator": "ann", "label": "earn", "created_at": DAY.isoformat()}
MONTH = 30 * 86_400


def read(**changes):
    record = {name: value for name, value in (GOOD | changes).items() if value != "left out"}
    return READER.read(Line(1, record, [], "raw"), DAY + timedelta(hours=1), "a.jsonl")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ("r1", "t1", "earn", None, None)),
        ({"request_id": 5}, ("5", "t5", "earn", None, None)),
        ({"request_id": "", "trace_id": "t5"}, ("5", "t5", "earn", None, None)),
        ({"label": None, "comment": "unclear"}, ("r1", "t1", None, None, "unclear")),
        ({"lead_time_seconds": MONTH}, ("r1", "t1", "earn", MONTH, None)),
    ],
)
def test_line_is_the_answer_that_it_says(changes, told):
    answer = read(**changes)
    assert isinstance(answer, Answer)
    assert told == (answer.request_id, answer.trace_id, answer.label, answer.lead_time_seconds, answer.comment)
    assert (answer.annotator, answer.created_at, answer.source) == ("ann", DAY, "a.jsonl")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"request_id": "r2"}, ["request_id"]),
        ({"request_id": None, "trace_id": "t9"}, ["trace_id"]),
        ({"label": "left out"}, ["label"]),
        ({"label": "oil"}, ["label"]),
        ({"annotator": None}, ["annotator"]),
        ({"created_at": "left out"}, ["created_at"]),
        ({"created_at": (DAY + timedelta(hours=2)).isoformat()}, ["created_at"]),
        ({"lead_time_seconds": MONTH + 1}, ["lead_time_seconds"]),
        ({"request_id": "r2", "annotator": "", "label": 3}, ["request_id", "label", "annotator"]),
    ],
)
def test_line_that_is_no_answer_is_refused_with_every_reason(changes, named):
    line = read(**changes)
    assert isinstance(line, Line)
    assert [problem.reason.split(":")[0] for problem in line.problems] == named


def test_line_that_cannot_be_read_stays_as_it_is():
    unread = Line(1, None, [], "{")
    assert READER.read(unread, DAY, "a.jsonl") is unread
