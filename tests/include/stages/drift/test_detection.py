"""The verdict: stable on ordinary days, an alarm on a real shift, inconclusive on too little, the same when judged again."""

from pathlib import Path

from include.foundation.decisions import DriftVerdict, find
from include.foundation.store.ledgers.taxonomies import note_taxonomy
from include.foundation.store.rows import rows_of
from include.stages.drift.detection import MOST_COLUMNS, detect_drift
from tests.builders import day, make_store
from tests.include.stages.drift.drift_builders import DRIFT, fill, label_row

LONG = {"input_text": "word " * 60}


def test_verdict_on_ordinary_days_is_stable_and_judging_again_is_the_same_decision(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 15)
    first = detect_drift(store, day(14))
    assert first.outcome == "stable"
    assert first.picture is None
    assert not (Path(store.uri) / "_files" / "drift").exists()
    assert detect_drift(store, day(14)).evidence_digest == first.evidence_digest
    assert len(find(store, DriftVerdict)) == 1


def test_verdict_on_a_shift_is_an_alarm_with_evidence_and_a_picture(tmp_path):
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
    assert Path(verdict.picture).read_bytes().startswith(b"\x89PNG")


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
    fill(store, 14, 1, input_age=lambda place: None if place % 2 else float(place))
    verdict = detect_drift(store, day(14))
    assert verdict.columns[0].statistic == "missing"
    assert verdict.route == "fix_data"


def test_evidence_is_bounded_and_counts_what_was_judged(tmp_path):
    desks = [f"d{number:02d}" for number in range(40)]
    store = make_store(tmp_path, drift={**DRIFT, "min_rows": 2, "most_segment_values": 40})
    fill(store, 0, 8, rows=80, segment_desk=lambda place: desks[place % 40])
    verdict = detect_drift(store, day(7))
    assert len(verdict.columns) == MOST_COLUMNS
    assert verdict.columns_judged > MOST_COLUMNS


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
