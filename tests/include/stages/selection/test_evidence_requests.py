from collections import Counter
from typing import Any

import pytest
from scipy import stats

from include.foundation.store.tables import LoopStore
from include.stages.selection.evidence_requests import request_disagreements
from include.stages.selection.frame import sampling_frame
from include.stages.selection.selecting import select_samples
from tests.include.stages.selection.selection_builders import (
    DAY,
    day_interval,
    make_selection_store,
    prediction_row,
    prediction_rows,
    requests_of,
    say,
)

EVERYTHING = [("ts", ">=", DAY)]
SEEDS = range(400)


@pytest.fixture
def store(tmp_path):
    return make_selection_store(tmp_path, prediction_rows(40))


def drawn(store: LoopStore, n: int, round_number: int = 1, challenger_key: str = "c1") -> list[dict[str, Any]]:
    """Ask for n of the rows whose seconds are even: there the two models are said to disagree."""
    frame = sampling_frame(store, EVERYTHING, challenger_key)
    apart = [place for place, ts in enumerate(frame.rows.column("ts").to_pylist()) if ts.second % 2 == 0]
    asked = request_disagreements(store, frame, apart, n, challenger_key=challenger_key, round_number=round_number)
    rows: list[dict[str, Any]] = asked.to_pylist()
    return rows


def test_disagreement_round_asks_for_rows_the_models_disagree_on(store):
    asked = drawn(store, 5)
    assert len(asked) == 5
    assert all(int(row["trace_id"].split("-")[1]) % 2 == 0 for row in asked)


def test_disagreement_requests_hide_what_the_models_said(store):
    for row in drawn(store, 20):
        assert row["hidden_prelabel"]
        assert (row["stratum"], row["split"], row["evidence_for"]) == ("disagreement", "train", "c1")
        assert row["batch_id"] == "evidence-c1-1"
        assert row["inclusion_probability"] == 1.0
        assert row["asked_at"] == prediction_row(39)["ts"]


def test_disagreement_probability_is_the_share_drawn_of_those_that_disagree(store):
    asked = drawn(store, 5)
    assert {row["inclusion_probability"] for row in asked} == {5 / 20}
    assert {row["reasons"][0] for row in asked} == {"evidence: 5 of 20 rows on which two models disagree"}


def test_disagreement_draw_includes_each_row_as_often_as_its_probability_says(store):
    counts: Counter[str] = Counter()
    for seed in SEEDS:
        ids = sampling_frame(store, EVERYTHING, f"challenger-{seed}").rows.column("trace_id").to_pylist()
        counts.update([name for name in ids if int(name.split("-")[1]) % 2 == 0][:5])
    low, high = stats.binom.interval(1 - 1e-3 / 20, len(SEEDS), 5 / 20)
    say(f"{len(SEEDS)} draws, stored 0.250, observed {min(counts.values()) / len(SEEDS):.3f} to "
          f"{max(counts.values()) / len(SEEDS):.3f}")  # fmt: skip
    assert len(counts) == 20
    assert all(low <= count <= high for count in counts.values())


def test_disagreement_round_is_drawn_once(store):
    first = drawn(store, 5)
    version = store.version("requests")
    assert drawn(store, 9) == first
    assert store.version("requests") == version


def test_disagreement_rounds_do_not_ask_for_the_same_rows(store):
    ids = [row["trace_id"] for number in (1, 2, 3) for row in drawn(store, 8, round_number=number)]
    assert len(ids) == len(set(ids)) == 20
    assert {row["batch_id"] for row in requests_of(store)} == {"evidence-c1-1", "evidence-c1-2", "evidence-c1-3"}


def test_disagreement_round_after_a_selection_leaves_its_rows_alone(store):
    select_samples(store, day_interval(), budget=15)
    before = {row["content_key"] for row in requests_of(store)}
    assert before.isdisjoint({row["content_key"] for row in drawn(store, 40)})


def test_disagreement_round_drawn_from_an_old_frame_asks_nothing_twice(store):
    frame = sampling_frame(store, EVERYTHING, "c1")
    everywhere = range(frame.rows.num_rows)
    select_samples(store, day_interval(), budget=15)
    before = {row["content_key"] for row in requests_of(store)}
    asked = request_disagreements(store, frame, everywhere, 10, challenger_key="c1", round_number=1).to_pylist()
    assert before.isdisjoint({row["content_key"] for row in asked})
    assert {row["inclusion_probability"] for row in asked} == {10 / 25}


@pytest.mark.parametrize(("n", "places"), [(0, [1, 2]), (5, [])])
def test_disagreement_round_without_rows_writes_nothing(store, n, places):
    frame = sampling_frame(store, EVERYTHING, "c1")
    asked = request_disagreements(store, frame, places, n, challenger_key="c1", round_number=1)
    assert (asked.num_rows, store.version("requests")) == (0, None)
