"""Signals that label nothing nominate rows once drawn rows have shown that they tell of errors."""

import json
from typing import Any

import pytest

from include.foundation.decisions import SelectedBatch, latest
from include.stages.selection.selecting import select_samples
from include.stages.selection.signal_worth import MEASURED, signal_worths
from tests.include.stages.selection.selection_builders import (
    CLASSES,
    DAY,
    add_rows,
    day_interval,
    make_selection_loop,
    make_selection_store,
    prediction_rows,
    report_row,
    requests_of,
)

DRAWN = 100  # rows, of which the model is wrong in every fifth


def drawn_row(number):
    """A row that was drawn on the day before, with its label."""
    name = f"drawn{number:03d}"
    row: dict[str, Any] = {
        "trace_id": name,
        "stratum": "random",
        "inclusion_probability": 0.5,
        "ts": DAY,
        "model_version": "1",
    }
    row |= {"predicted": CLASSES[0], "content_key": f"c-{name}"}
    label: dict[str, Any] = {"label_id": f"l-{name}", "request_id": f"r-{name}", "label": CLASSES[number % 5 == 0]}
    label |= {"decided_by": "dawid_skene", "origin": "annotation", "split": "holdout", "decided_at": DAY}
    draw: dict[str, Any] = {"batch_id": "b", "asked_trace_id": name, "drawn_at": DAY}
    return row | draw, row | label | {"near_key": f"n-{name}", "input_text": name, "hidden_prelabel": True}


def signal(trace_id, name="thumbs_down", *, kind="explicit", value=None, **overrides):
    said = None if value is None else json.dumps(value)
    return report_row(
        trace_id, signal=name, kind=kind, value=said, feedback_id=f"{name}-{kind}-{trace_id}", **overrides
    )


def measured_store(folder, *signals, **sections):
    """Return a store of a day with labeled draws and one, the second, to choose from, and signals."""
    own = {"selection": {"budget": 10, "random_share": 0.0, "diversify": "none"}, "feedback": {"uri": "feedback"}}
    loop = make_selection_loop(**own | {"labeling": {"hidden_prelabel_share": 0.0}} | sections)
    store = make_selection_store(folder, prediction_rows(40, day=1), loop=loop)
    drawn = [drawn_row(number) for number in range(DRAWN)]
    add_rows(store, "draws", [draw for draw, _ in drawn])
    add_rows(store, "labels", [label for _, label in drawn])
    add_rows(store, "feedback", list(signals))
    return store


def on_drawn(numbers, name="thumbs_down", **fields):
    return [signal(f"drawn{number:03d}", name, **fields) for number in numbers]


WRONG, RIGHT = range(0, 60, 5), [number for number in range(40) if number % 5]
SURE = prediction_rows(2, day=1)  # of which the model is surest


def test_worth_is_the_share_of_drawn_rows_with_the_signal_in_which_the_model_was_wrong(tmp_path):
    signals = [*on_drawn(WRONG), *on_drawn(RIGHT[:4]), *on_drawn(RIGHT, "click", kind="implicit")]
    store = measured_store(tmp_path, *signals, signal("d1-00001"))
    click, thumbs = signal_worths(store, day_interval(1).end)
    assert (thumbs.signal, thumbs.kind, thumbs.wrong.rows, thumbs.overall) == ("thumbs_down", "explicit", 16, 0.2)
    assert thumbs.wrong.value == 0.75
    assert thumbs.wrong.low == pytest.approx(0.4414, abs=1e-4)  # Clopper & Pearson of 12 of 16, at 97.5 %
    assert thumbs.expected == pytest.approx((12 + 2 * 0.2) / 18)
    assert (thumbs.tells_errors, thumbs.tells_right) == (True, False)
    assert (click.signal, click.wrong.rows, click.wrong.value, click.tells_errors, click.tells_right) == (
        "click", 32, 0.0, False, True,
    )  # fmt: skip


def test_signal_that_is_shown_to_tell_of_errors_nominates_its_rows_with_that_reason(tmp_path):
    told = SURE[0]["trace_id"]
    store = measured_store(tmp_path, *on_drawn(WRONG), signal(told, ts=day_interval(1).start))
    select_samples(store, day_interval(1))
    (row,) = requests_of(store, trace_id=told)
    worth = "thumbs_down (explicit): wrong in 100% of 12 rows, and in 20% of all"
    assert row["reasons"] == [f"a signal that tells of errors: {worth}"]
    assert (row["stratum"], row["split"], row["inclusion_probability"]) == ("certainty", "train", 1.0)
    reasons = latest(store, SelectedBatch, day_interval(1).key).reasons
    assert f"1 of them have a signal that tells of errors; {worth}." in reasons


@pytest.mark.parametrize(
    "signals",
    [on_drawn(WRONG[:2]), on_drawn([*WRONG, *RIGHT, *range(60, 100)]), on_drawn(WRONG, held_back="burst_source"), []],
    ids=["two rows show nothing", "as often as in all rows", "held back", "never seen in drawn rows"],
)
def test_signal_that_is_not_shown_to_tell_of_errors_nominates_nothing(tmp_path, signals):
    told = SURE[0]["trace_id"]
    store = measured_store(tmp_path, *signals, signal(told, ts=day_interval(1).start))
    select_samples(store, day_interval(1))
    assert requests_of(store, trace_id=told) == []


def test_values_of_a_signal_are_told_apart_where_they_are_few(tmp_path):
    stars = [*on_drawn(WRONG, "rating", value=1), *on_drawn(RIGHT, "rating", value=5)]
    words = [signal(f"drawn{n:03d}", "note", value=f"word{n}") for n in range(20)]
    fault = on_drawn(WRONG, "fault", kind="automated", value={"device": 7})
    store = measured_store(tmp_path, *stars, *words, *fault)
    names = {(worth.signal, worth.kind) for worth in signal_worths(store, day_interval(1).end)}
    assert names == {("rating=1", "explicit"), ("rating=5", "explicit"), ("note", "explicit"), ("fault", "automated")}
    bad, good = (row["trace_id"] for row in SURE)
    lately = [signal(name, "rating", value=value, ts=day_interval(1).start) for name, value in ((bad, 1), (good, 5))]
    add_rows(store, "feedback", lately)
    select_samples(store, day_interval(1))
    assert [len(requests_of(store, trace_id=name)) for name in (bad, good)] == [1, 0]


def test_correction_is_one_signal_whatever_class_it_names(tmp_path):
    said = [*on_drawn(WRONG, "correction", value="earn"), *on_drawn(RIGHT, "correction", value="ship")]
    store = measured_store(tmp_path, *said)
    assert [worth.signal for worth in signal_worths(store, day_interval(1).end)] == ["correction"]


@pytest.mark.parametrize("value", ["call me, ann@example.org", 10**400, float("inf"), float("nan"), [1], {"a": 1}, ""])
def test_what_is_no_short_word_or_number_is_no_value_that_is_shown(tmp_path, value):
    store = measured_store(tmp_path, *on_drawn(WRONG, "note", value=value))
    assert [worth.signal for worth in signal_worths(store, day_interval(1).end)] == ["note"]


def test_reports_go_before_weak_signals_and_both_share_the_batch(tmp_path):
    weak = [signal(f"d1-{n:05d}", user_key=f"w{n}", ts=day_interval(1).start) for n in range(10)]
    reports = [report_row(f"d1-{n:05d}", user_key=f"p{n}", ts=day_interval(1).start) for n in range(20, 23)]
    store = measured_store(tmp_path, *on_drawn(WRONG), *weak, *reports)
    assert select_samples(store, day_interval(1)).reported == 3
    reasons = [row["reasons"][0].split(":")[0] for row in requests_of(store, stratum="certainty")]
    assert sorted(reasons)[:2] == ["a signal that tells of errors"] * 2
    assert reasons.count("a signal that tells of errors") == 2


def test_who_sees_no_pre_label_reads_neither_reports_nor_signals(tmp_path):
    names = [f"d1-{n:05d}" for n in range(2)]
    reports = [signal(names[0], ts=day_interval(1).start), report_row(names[1], comment="it is earn")]
    store = measured_store(tmp_path, *on_drawn(WRONG), *reports, labeling={"hidden_prelabel_share": 1.0})
    select_samples(store, day_interval(1))
    reasons = [requests_of(store, trace_id=name)[0]["reasons"] for name in names]
    assert reasons == [["a signal that tells of errors"], ["reported by a user"]]


def test_signals_of_chosen_rows_and_of_long_ago_measure_nothing(tmp_path):
    store = measured_store(tmp_path, *on_drawn(WRONG))
    assert signal_worths(store, DAY + MEASURED)
    assert signal_worths(store, DAY) == []
    assert signal_worths(store, DAY + MEASURED + (day_interval(1).end - DAY)) == []
