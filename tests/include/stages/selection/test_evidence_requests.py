from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from scipy import stats

from include.foundation.store.tables import LoopStore
from include.stages.selection.evidence_requests import evidence_batch, request_disagreements, undrawn_rows
from include.stages.selection.selecting import select_samples
from tests.include.stages.selection.selection_builders import (
    add_rows,
    day_interval,
    make_selection_store,
    prediction_row,
    prediction_rows,
    requests_of,
    say,
)

SEEDS = range(150)


@pytest.fixture
def store(tmp_path):
    return make_selection_store(tmp_path, prediction_rows(40))


def apart(store: LoopStore) -> pa.Table:
    """Return the rows whose seconds are even: there the two models are said to disagree."""
    rows = store.read("predictions")
    return rows.filter(pa.array([ts.second % 2 == 0 for ts in rows.column("ts").to_pylist()], pa.bool_()))


def drawn(store: LoopStore, n: int, round_number: int = 1, challenger_key: str = "c1") -> list[dict[str, Any]]:
    """Ask for n of the rows on which the two models are said to disagree."""
    batches = [evidence_batch(challenger_key, number) for number in range(1, round_number)]
    undrawn = undrawn_rows(store, apart(store), (challenger_key, "1"), batches)
    requests = request_disagreements(store, undrawn, n, challenger_key=challenger_key, round_number=round_number)
    rows: list[dict[str, Any]] = requests.to_pylist()
    return rows


def test_disagreement_round_asks_for_rows_the_models_disagree_on(store):
    requests = drawn(store, 5)
    assert len(requests) == 5
    assert all(int(row["trace_id"].split("-")[1]) % 2 == 0 for row in requests)


def test_disagreement_requests_hide_what_the_models_said(store):
    for row in drawn(store, 20):
        assert row["hidden_prelabel"]
        assert (row["stratum"], row["split"], row["evidence_for"]) == ("disagreement", "train", "c1")
        assert row["batch_id"] == "evidence-c1-1"
        assert row["inclusion_probability"] == 1.0
        assert row["asked_at"] == prediction_row(38)["ts"]


def test_disagreement_probability_is_the_share_drawn_of_those_that_disagree(store):
    requests = drawn(store, 5)
    assert {row["inclusion_probability"] for row in requests} == {5 / 20}
    assert {row["reasons"][0] for row in requests} == {"evidence: 5 of 20 rows on which two models disagree"}


def test_disagreement_draw_includes_each_row_as_often_as_its_probability_says(store):
    counts: Counter[str] = Counter()
    for seed in SEEDS:
        counts.update(
            undrawn_rows(store, apart(store), (f"challenger-{seed}", "1"), []).rows.column("trace_id").to_pylist()[:5]
        )
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
    requested = {row["content_key"] for row in requests_of(store)}
    assert requested.isdisjoint({row["content_key"] for row in drawn(store, 40)})


def test_disagreement_round_of_rows_that_were_read_before_a_selection_asks_nothing_twice_that_judges(store):
    undrawn = undrawn_rows(store, store.read("predictions"), ("c1", "1"), [])
    select_samples(store, day_interval(), budget=15)
    judging = {row["content_key"] for row in requests_of(store) if row["stratum"] == "random"}
    requests = request_disagreements(store, undrawn, 40, challenger_key="c1", round_number=1).to_pylist()
    assert 3 <= len(judging) < 15
    assert {row["content_key"] for row in requests} == set(undrawn.content_keys) - judging


@pytest.mark.parametrize(("judges", "free"), [("c1", True), ("c2", False), (None, False)])
def test_disagreement_takes_no_answer_that_the_challenger_may_have_learnt(store, judges, free):
    first, other = store.read("predictions").to_pylist()[:2]
    draw = {"c1": "c1", "c2": "c2", None: "c1"}[judges]
    undrawn = undrawn_rows(store, store.read("predictions").slice(0, 1), (draw, "1"), [])
    request_disagreements(store, undrawn, 1, challenger_key=draw, round_number=1)
    again = other | {"trace_id": "again"} | {name: value for name, value in first.items() if name.startswith("input_")}
    add_rows(store, "predictions", [again])
    rows = store.read("predictions", filters=[("trace_id", "=", "again")])
    found = undrawn_rows(store, rows, ("c1" if judges else "c3", "1"), [])
    assert (found.rows.num_rows, found.askable) == (1, 0 if free else 1)


def test_disagreement_rows_that_were_asked_before_are_not_drawn(store):
    select_samples(store, day_interval(), budget=15)
    undrawn = undrawn_rows(store, store.read("predictions"), ("c1", "1"), [])
    assert (undrawn.rows.num_rows, undrawn.askable) == (25, 25)
    assert not {row["trace_id"] for row in requests_of(store)} & set(undrawn.rows.column("trace_id").to_pylist())


@pytest.mark.parametrize(("n", "rows"), [(0, 3), (5, 0)])
def test_disagreement_round_without_rows_writes_nothing(store, n, rows):
    undrawn = undrawn_rows(store, apart(store).slice(0, rows), ("c1", "1"), [])
    requests = request_disagreements(store, undrawn, n, challenger_key="c1", round_number=1)
    assert (requests.num_rows, store.version("requests"), store.version("draws")) == (0, None, None)
