"""What feedback may mean otherwise is said: people who are nobody, and trace ids in another spelling."""

import json

import pytest

from include.stages.logs.feedback.feedback_hints import feedback_hints
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.pulling import pull_logs
from tests.builders import DAY, KEY, day, line, make_store, write_lines


def hints(folder, signals, served=()):
    said = {"ts": DAY.isoformat(), "kind": "explicit", "signal": "report"}
    lines = [
        json.dumps({"feedback_id": f"f{n}", "trace_id": f"q{n}", **said, **signal}) for n, signal in enumerate(signals)
    ]
    write_lines(folder, lines, "../feedback/a.jsonl")
    store = make_store(folder, feedback={"uri": str(folder / "feedback")})
    write_lines(folder, [line(n, trace_id=trace_id) for n, trace_id in enumerate(served)])
    pull_logs(store, day(), KEY)
    pull_feedback(store, day(), KEY)
    return feedback_hints(store, day(), KEY)


@pytest.mark.parametrize("name", [0, "0", "anonymous", "Anonymous", "NULL", "null", "none", -1])
def test_person_who_is_nobody_in_particular_is_told_with_the_number_of_signals(tmp_path, name):
    (hint,) = hints(tmp_path, [{"user_id": name}, {"user_id": name}, {"user_id": "ada"}, {}])
    assert hint.startswith(f"user_id: 2 signals say '{name}' and count as one person")


@pytest.mark.parametrize(
    ("said", "served"),
    [
        ("ABC-1", "abc-1"),
        ("6f1c2a", "6F-1C-2A"),
        ("42", "0042"),
        (" t9", "t9"),
        ("cafe\u0301-1", "caf\u00e9-1"),  # macOS's normal form
    ],
)
def test_trace_id_that_another_spelling_would_join_is_told(tmp_path, said, served):
    (hint,) = hints(tmp_path, [{"trace_id": said}, {"trace_id": "lost"}], [served, "other"])
    assert hint.startswith("trace_id: 1 of 2 signals without a prediction would have one")
    assert f"such as {said!r} and {served!r}" in hint


@pytest.mark.parametrize(("said", "served"), [("t1", "t1"), ("lost", "t1"), ("42", "420")])
def test_there_is_no_hint_where_nothing_would_be_joined(tmp_path, said, served):
    assert hints(tmp_path, [{"trace_id": said, "user_id": "ada"}], [served]) == []


def test_without_feedback_there_is_no_hint(tmp_path):
    assert hints(tmp_path, [], ["t1"]) == []


def test_corrections_that_name_no_class_are_told_with_their_number(tmp_path):
    values = ["Earn", {"label": "no class"}, 3, "earn", {"label": "grain"}, None]
    (hint,) = hints(tmp_path, [{"signal": "correction", "value": value} for value in values])
    assert hint.startswith("value: 3 of 5 corrections name no class; ")


def test_corrections_that_name_classes_and_other_signals_are_not_told(tmp_path):
    signals = [{"signal": "correction", "value": "acq"}, {"signal": "rating", "value": 1}, {"signal": "correction"}]
    assert hints(tmp_path, signals) == []
