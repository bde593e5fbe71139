"""Of whom an annotation is, what it says, and what of it is no answer."""

from datetime import UTC, datetime

import pytest

from include.stages.labeling.answer_lines import AnswerReader
from include.stages.labeling.backend_contract import Answer
from include.stages.labeling.label_studio.studio_answers import AnnotationReader
from tests.include.stages.labeling.label_studio.test_studio_tasks import PROJECT

TASK = {"id": 5, "data": {"request_id": "r1"}}
READER = AnnotationReader(
    AnswerReader(["acq", "earn"], {"r1": "t1"}, {}),
    PROJECT,
    {1: "ada@x.org", 2: "ben@x.org"},
    datetime(2026, 4, 1, tzinfo=UTC),
)


def choice(*labels):
    return {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": list(labels)}}


COMMENT = {"from_name": "comment", "to_name": "text", "type": "textarea", "value": {"text": ["unsure", "really"]}}


def annotation(*result, **changes):
    at = "2026-03-12T08:00:00.123456Z"
    own = {"id": 9, "result": list(result), "completed_by": 1, "updated_by": 1, "updated_at": at, "lead_time": 3.2}
    return own | {"was_cancelled": False} | changes


def test_annotation_is_an_answer_of_who_wrote_it_last():
    answer = READER.read(TASK, annotation(choice("earn"), COMMENT))
    assert answer == Answer(
        "r1", "t1", "ada@x.org", "earn", datetime(2026, 3, 12, 8, 0, 0, 123456, tzinfo=UTC),
        "http://studio/projects/1/data?task=5", "unsure\nreally", 3.2,
    )  # fmt: skip


def test_annotation_in_another_name_is_of_its_author_and_noted():
    answer = READER.read(TASK, annotation(choice("earn"), completed_by=2))
    assert (answer.annotator, answer.given_for) == ("ada@x.org", "ben@x.org")
    imported = READER.read(TASK, annotation(choice("earn"), completed_by=7, updated_by=None))
    assert (imported.annotator, imported.given_for) == ("user 7", None)


def test_skip_is_a_decline_whatever_it_holds():
    assert READER.read(TASK, annotation(choice("earn"), was_cancelled=True)).label is None


@pytest.mark.parametrize("lead", [None, -1, 1e12, "long"])
def test_time_that_cannot_be_is_not_known(lead):
    assert READER.read(TASK, annotation(choice("earn"), lead_time=lead)).lead_time_seconds is None


@pytest.mark.parametrize(
    "result",
    [
        [], [choice()], [choice("earn", "acq")], [choice("earn"), choice("earn")], [choice("weather")], "oops", None, ["oops"],
        [{"from_name": "label", "value": "earn"}], [{"from_name": "other", "value": {"choices": ["earn"]}}],
        [{"from_name": "label", "value": {"choices": "earn"}}], [COMMENT],
    ],
    ids=str,
)  # fmt: skip
def test_what_names_no_one_class_is_refused_with_its_annotation(result):
    line = READER.read(TASK, annotation() | {"result": result})
    assert not isinstance(line, Answer)
    assert (line.number, line.problems[0].code) in [(9, "unknown_label"), (9, "wrong_type"), (9, "missing_field")]


def test_annotation_without_a_person_or_a_time_is_refused():
    line = READER.read(TASK, annotation(choice("earn"), completed_by=None, updated_by=None, updated_at=None))
    assert len(line.problems) == 2
