"""The verdict: stable on ordinary days, an alarm on a real shift, inconclusive on too little, the same when judged again."""

import re
from pathlib import Path

import numpy as np
import pytest

from include.foundation.decisions import DriftVerdict, find
from include.foundation.intervals import Interval
from include.foundation.store.ledgers.taxonomies import note_taxonomy
from include.foundation.store.rows import rows_of
from include.stages.drift.acceptance import accept_normal
from include.stages.drift.detection import detect_drift
from include.stages.drift.page.drift_charts import CHARTS
from tests.builders import day, make_store
from tests.include.stages.drift.drift_builders import DRIFT, fill, label_row

LONG = {"input_text": "word " * 60}
MORE = {
    "text": {"type": "text"}, "age": {"type": "numeric", "required": False},
    "plan": {"type": "categorical", "required": False},
}  # fmt: skip


def flagged_columns(verdict):
    return {finding.column for finding in verdict.columns if finding.flagged}


def test_verdict_on_ordinary_days_is_stable_and_judging_again_is_the_same_decision(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 15)
    first = detect_drift(store, day(14))
    assert first.outcome == "stable"
    assert first.picture is None
    assert not (Path(store.uri) / "_files" / "drift").exists()
    assert detect_drift(store, day(14)).evidence_digest == first.evidence_digest
    assert len(find(store, DriftVerdict)) == 1


def test_verdict_on_a_shift_is_an_alarm_with_evidence_and_charts(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 14)
    fill(store, 14, 1, **LONG)
    verdict = detect_drift(store, day(14))
    assert verdict.outcome == "alarm"
    assert verdict.flagged
    first = verdict.columns[0]
    assert first.flagged
    assert first.rows == 30
    assert (verdict.rows, verdict.reference_days) == (60, 14)
    assert {finding.segment for finding in verdict.columns} == {"", "desk=eu", "desk=us"}
    assert verdict.picture is not None
    assert CHARTS.validate_json(Path(verdict.picture).read_bytes())


def test_verdict_that_flags_nothing_says_what_its_differences_lack(tmp_path):
    """Few rows differ a lot by chance; every row alike does not differ at all."""
    reasons = []
    for name, changes in (("few", {}), ("alike", {"input_text": "word", "predicted": "earn", "confidence": 0.9})):
        (tmp_path / name).mkdir()
        store = make_store(tmp_path / name, drift=DRIFT)
        fill(store, 0, 15, **changes)
        reasons.append(detect_drift(store, day(14)).reasons[0])
    assert re.fullmatch(
        r"None of \d+ comparisons with 14 ordinary days is flagged: \d+ large enough to matter, but not .*", reasons[0]
    )
    assert re.fullmatch(
        r"None of \d+ comparisons with 14 ordinary days is significant, or shows an effect .*", reasons[1]
    )


def test_shift_of_one_segment_is_found_in_it(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 14, rows=400)
    fill(store, 14, 1, rows=400, input_text=lambda place: "word " * (60 if place % 2 else 20))
    flagged = [finding for finding in detect_drift(store, day(14)).columns if finding.flagged]
    assert "desk=us" in {finding.segment for finding in flagged}


def test_texts_with_new_words_are_flagged_for_them(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    words = ["wheat", "corn", "oats", "rice", "rye"]
    text = {"input_text": lambda place: " ".join(words[(place + n) % 5] for n in range(10))}
    fill(store, 0, 14, **text)
    fill(store, 14, 1, input_text=lambda place: " ".join(f"new{place % 7}" if n < 5 else "wheat" for n in range(10)))
    flagged = {finding.column for finding in detect_drift(store, day(14)).columns if finding.flagged}
    assert "input_text:unknown_words" in flagged


def age(place):
    return float(20 + place % 30)


def plan(place):
    return "ab"[place % 2]


@pytest.mark.parametrize(
    ("before", "now", "flagged", "outcome"),
    [
        pytest.param((age, plan), (None, None), {"input_age", "input_plan"}, "alarm", id="empty-now"),
        pytest.param((None, None), (age, plan), set(), "stable", id="empty-before"),
        pytest.param((None, None), (None, None), set(), "stable", id="empty-always"),
        pytest.param((5.0, "a"), (5.0, "a"), set(), "stable", id="constant"),
        pytest.param((5.0, "a"), (6.0, "b"), {"input_age", "input_plan"}, "alarm", id="another-constant"),
        pytest.param(
            (age, plan),
            (lambda place: age(place) if place % 3 else None, lambda place: plan(place) if place % 3 else None),
            {"input_age", "input_plan"}, "alarm", id="nulls-only-now",
        ),
    ],
)  # fmt: skip
def test_columns_without_values_or_with_one_are_judged_and_stop_no_other(tmp_path, before, now, flagged, outcome):
    """Where other tools end in an error, or drop the rows and see nothing (evidently#187, #330, #1480, #1929, NannyML#339)."""
    store = make_store(tmp_path, drift=DRIFT, inputs=MORE)
    fill(store, 0, 14, input_age=before[0], input_plan=before[1])
    fill(store, 14, 1, input_age=now[0], input_plan=now[1])
    verdict = detect_drift(store, day(14))
    assert (verdict.outcome, flagged_columns(verdict)) == (outcome, flagged)
    assert {"input_text:characters", "predicted"} <= {finding.column for finding in verdict.columns}


def test_verdict_needs_rows_and_days(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 5)
    assert "too few to know what is ordinary" in detect_drift(store, day(4)).reasons[0]
    fill(store, 5, 1, rows=10)
    assert "too few to judge" in detect_drift(store, day(5)).reasons[0]
    assert "too few to judge" in detect_drift(store, day(9)).reasons[0]
    assert {verdict.outcome for verdict in find(store, DriftVerdict)} == {"inconclusive"}
    assert not any(verdict.flagged for verdict in find(store, DriftVerdict))


def test_alarm_needs_k_of_m_and_none_is_raised_in_the_cool_down(tmp_path):
    store = make_store(tmp_path, drift={**DRIFT, "confirm": "2 of 3", "cooldown_days": 2})
    fill(store, 0, 14)
    fill(store, 14, 4, **LONG)
    outcomes = [detect_drift(store, day(number)).outcome for number in range(14, 18)]
    assert outcomes == ["drift", "alarm", "drift", "drift"]


def test_missing_values_that_appear_are_routed_to_the_data(tmp_path):
    inputs = {"text": {"type": "text"}, "age": {"type": "numeric", "required": False}}
    store = make_store(tmp_path, inputs=inputs, drift=DRIFT)
    fill(store, 0, 14, input_age=float)
    fill(store, 14, 1, input_age=lambda place: None if place % 4 < 2 else float(place))
    verdict = detect_drift(store, day(14))
    assert verdict.columns[0].statistic == "missing"
    assert verdict.route == "fix_data"


def test_evidence_is_bounded_and_counts_what_was_judged(tmp_path):
    desks = [f"d{number:02d}" for number in range(40)]
    store = make_store(tmp_path, drift={**DRIFT, "min_rows": 2, "most_segment_values": 40})
    fill(store, 0, 8, rows=80, segment_desk=lambda place: desks[place % 40])
    verdict = detect_drift(store, day(7))
    assert len(verdict.columns) == 200 < verdict.columns_judged


def test_window_judged_again_keeps_its_verdict_though_labels_came_back(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 15)
    first = detect_drift(store, day(14))
    labels = [label_row(number, correct=False) | {"ts": day(14).start} for number in range(80)]
    store.append_new("labels", rows_of(store.loop, "labels", labels))
    assert detect_drift(store, day(14)).reference == first.reference
    assert store.version("decisions") == 0


def test_declared_change_of_classes_is_no_drift_and_an_undeclared_one_is(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    note_taxonomy(store, day(0).start)
    fill(store, 0, 14)
    fill(store, 14, 1, predicted=lambda place: ["earn", "cereals", "wheat", "corn"][place % 4])
    task = {"classes": ["earn", "cereals", "wheat", "corn"], "renamed": {"grain": "cereals"}, "retired": ["acq"]}
    declared = make_store(tmp_path, drift=DRIFT, task=task)
    note_taxonomy(declared, day(14).start)
    assert detect_drift(declared, day(14)).outcome == "stable"
    undeclared = make_store(tmp_path, drift=DRIFT)
    assert {finding.column for finding in detect_drift(undeclared, day(14)).columns if finding.flagged} == {"predicted"}


NOVEL = "brand new words that nobody ever wrote here"


def words_of(vocabulary):
    return {"input_text": lambda place: " ".join(vocabulary[(place + n) % len(vocabulary)] for n in range(8))}


OLD, NEW = words_of(["wheat", "corn", "oats", "rice", "rye"]), words_of(["zinc", "iron", "lead", "gold", "tin"])


@pytest.mark.parametrize("first", [1, 5])
def test_one_row_of_a_smoke_test_does_not_blind_the_watch_on_words_and_numbers(tmp_path, first):
    inputs = {"text": {"type": "text"}, "age": {"type": "numeric"}}
    store = make_store(tmp_path, inputs=inputs, drift=DRIFT)
    generator = np.random.default_rng(5)
    ages = {"input_age": lambda _: float(generator.normal(50, 5))}
    fill(store, 0, 1, rows=first, input_text=NOVEL, input_age=50.0)
    fill(store, 1, 14, rows=300, **OLD, **ages)
    assert detect_drift(store, day(14)).outcome == "stable"
    fill(store, 15, 1, rows=300, **NEW, **ages)
    assert "input_text:unknown_words" in flagged_columns(detect_drift(store, day(15)))
    fill(store, 16, 1, rows=300, **OLD, input_age=lambda _: float(generator.normal(50, 15)))
    assert "input_age" in flagged_columns(detect_drift(store, day(16)))


def test_new_words_become_ordinary_and_other_new_words_are_seen_again(tmp_path):
    store = make_store(tmp_path, drift={**DRIFT, "reference_days": 7})
    fill(store, 0, 9, **OLD)
    fill(store, 9, 24, **NEW)
    assert [detect_drift(store, day(number)).outcome for number in range(9, 30)] == ["alarm"] * 21
    accept_normal(store, day(9).start.date(), day(30))
    for number in range(30, 33):
        verdict = detect_drift(store, day(number))
    assert verdict.outcome == "stable"
    fill(store, 33, 1, **words_of(["red", "green", "blue", "white", "black"]))
    assert "input_text:unknown_words" in flagged_columns(detect_drift(store, day(33)))


def test_vocabulary_that_takes_over_flags_nothing(tmp_path):
    store = make_store(tmp_path, drift={**DRIFT, "reference_days": 7})
    fill(store, 0, 30, **OLD)
    outcomes = {detect_drift(store, day(number)).outcome for number in range(7, 30)}
    assert outcomes == {"stable"}


def test_beginning_to_log_probabilities_is_told_and_is_no_drift(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 14, confidence=None)
    fill(store, 14, 4)
    first = detect_drift(store, day(14))
    assert (first.outcome, first.route, first.flagged) == ("stable", "none", False)
    assert "confidence: is logged now and was not before: a change of what is logged, not drift." in first.reasons
    assert [detect_drift(store, day(number)).outcome for number in (15, 16, 17)] == ["stable"] * 3


@pytest.mark.parametrize("column", ["segment_desk", "input_age", "input_plan"])
def test_any_column_that_begins_to_be_logged_is_told_and_is_no_drift(tmp_path, column):
    store = make_store(tmp_path, inputs=MORE, drift=DRIFT)
    values = {"segment_desk": lambda place: ["eu", "us"][place % 2], "input_age": float, "input_plan": "free"}
    nothing = dict.fromkeys(["input_age", "input_plan"])
    fill(store, 0, 14, **{**nothing, column: None})
    fill(store, 14, 3, **{**nothing, column: values[column]})
    verdicts = [detect_drift(store, day(number)) for number in (14, 15, 16)]
    assert [verdict.outcome for verdict in verdicts] == ["stable"] * 3
    assert any(reason.startswith(f"{column}: is logged now") for reason in verdicts[0].reasons)


@pytest.mark.parametrize("column", ["confidence", "segment_desk", "input_age"])
def test_column_that_is_not_logged_any_more_is_a_fault_of_the_data(tmp_path, column):
    store = make_store(tmp_path, inputs=MORE, drift=DRIFT)
    fill(store, 0, 14, input_age=float, input_plan="free")
    fill(store, 14, 1, **{"input_age": float, "input_plan": "free", column: None})
    verdict = detect_drift(store, day(14))
    assert verdict.route == "fix_data"
    assert [(found.column, found.statistic) for found in verdict.columns if found.flagged and not found.segment] == [
        (column, "not_logged")
    ]
    assert any(f"{column}: is not logged any more: a change of what is logged" in reason for reason in verdict.reasons)


def test_weekly_loop_is_judged_from_its_fourth_week_on_though_it_logs_on_one_day_a_week(tmp_path):
    store = make_store(tmp_path, drift=DRIFT, logs={"schedule": "@weekly"})
    weeks = [Interval(day(7 * number).start, day(7 * number + 6).end) for number in range(6)]
    for number in range(5):
        fill(store, 7 * number + 2, 1, rows=200)
    fill(store, 7 * 5 + 2, 1, rows=200, **LONG)
    outcomes = [detect_drift(store, week).outcome for week in weeks]
    assert outcomes == ["inconclusive"] * 3 + ["stable"] * 2 + ["alarm"]


def test_window_of_the_largest_numbers_is_judged(tmp_path):
    store = make_store(tmp_path, inputs=MORE, drift=DRIFT)
    generator = np.random.default_rng(1)
    age = {"input_age": lambda place: 1.79e308 if place % 20 == 0 else float(generator.normal())}
    fill(store, 0, 15, **age)
    assert detect_drift(store, day(14)).outcome == "stable"
    fill(store, 15, 1, input_age=lambda place: 1.79e308 * (-1) ** place)
    assert "input_age" in flagged_columns(detect_drift(store, day(15)))


def test_trend_is_told_once_and_never_flagged(tmp_path):
    numbers = {"text": {"type": "text"}, "age": {"type": "numeric"}, "size": {"type": "numeric"}}
    store = make_store(
        tmp_path, inputs=numbers, drift={**DRIFT, "reference_days": 21, "confirm": "2 of 3", "segments": []}
    )
    generator = np.random.default_rng(6)
    for number in range(36):
        age = {"input_age": lambda _, mean=40 + 0.5 * number: float(generator.normal(mean, 10))}
        fill(store, number, 1, rows=200, **age, input_size=lambda _: float(generator.normal(5, 1)))
    verdicts = [detect_drift(store, day(number)) for number in range(30, 36)]
    assert not any(verdict.flagged for verdict in verdicts)
    assert [sum("input_age: follows a trend" in reason for reason in verdict.reasons) for verdict in verdicts] == [
        1,
        0,
        0,
        0,
        0,
        0,
    ]
    states = [next(one.per_day for one in verdict.columns if one.column == "input_age") for verdict in verdicts]
    assert all(per_day is not None and per_day > 0 for per_day in states)
