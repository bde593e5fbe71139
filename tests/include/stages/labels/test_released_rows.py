"""Held-out rows that are too old to judge are trained on, if a hash says so, and never judge again."""

from datetime import timedelta
from typing import Any

import pytest

from include.foundation.decisions import record
from include.foundation.digests import point_of
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.recent_holdout import holdout_history, judging_rows
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.datasets import read_dataset
from include.stages.training.deciding import decide_retrain
from include.stages.training.recent_labels import training_dataset
from tests.decision_builders import make_gate_verdict
from tests.include.stages.selection.selection_builders import (
    DAY,
    add_rows,
    make_selection_loop,
    make_selection_store,
    prediction_row,
)

SPLIT = {"holdout_days": 10, "holdout_rows": 1}
OLD, NEW = range(40), range(40, 60)


def drawn_store(folder, share, **split):
    """Return a store with labels of rows that were drawn at random: forty 20 days ago, and twenty lately."""
    loop = make_selection_loop(split=SPLIT | split | {"release_share": share})
    store = make_selection_store(folder, [], loop=loop)
    add_rows(store, "draws", [draw(number) for number in (*OLD, *NEW)])
    add_rows(store, "labels", [label(number) for number in (*OLD, *NEW)])
    return store


def moment(number):
    return DAY - timedelta(days=20 if number in OLD else 0, minutes=number)


def draw(number, **changes):
    own: dict[str, Any] = {"batch_id": f"b{number in OLD}", "trace_id": f"t{number}", "stratum": "random"}
    own |= {"inclusion_probability": 0.1}
    said = {"model_version": "1", "predicted": "acq", "content_key": f"c{number}", "asked_trace_id": f"t{number}"}
    return own | said | {"ts": moment(number), "drawn_at": moment(number)} | changes


def label(number, **changes):
    own: dict[str, Any] = {
        "label_id": f"l{number}",
        "trace_id": f"t{number}",
        "request_id": f"r{number}",
        "label": "earn",
    }
    own |= {"decided_by": "majority", "origin": "fresh", "split": "holdout", "stratum": "random"}
    own |= {"inclusion_probability": 0.1, "content_key": f"c{number}", "near_key": f"n{number}", "ts": moment(number)}
    return own | {"decided_at": moment(number), "input_text": prediction_row(number)["input_text"]} | changes


def ids(rows):
    return set(rows.column("trace_id").to_pylist())


def due(share):
    return {f"t{number}" for number in OLD if point_of("released", f"c{number}") < share}


def test_old_rows_are_trained_on_and_recent_ones_judge(tmp_path):
    store = drawn_store(tmp_path, 1.0)
    dataset = read_dataset(store, publish_dataset(store).subject)
    assert ids(dataset.train) == {f"t{number}" for number in OLD}
    assert ids(dataset.holdout) == ids(dataset.drawn) == {f"t{number}" for number in NEW}
    assert set(dataset.train.column("split").to_pylist()) == {"train"}
    assert judging_rows(store.loop, dataset, first=False).num_rows == len(NEW)


def test_nothing_is_released_unless_the_loop_file_says_so(tmp_path):
    store = drawn_store(tmp_path, 0.0)
    dataset = read_dataset(store, publish_dataset(store).subject)
    assert (dataset.train.num_rows, dataset.holdout.num_rows) == (0, 60)


def test_share_is_of_contents_by_a_hash_and_old_rows_that_stay_stand_for_the_others(tmp_path):
    store = drawn_store(tmp_path, 0.5)
    dataset = read_dataset(store, publish_dataset(store).subject)
    assert ids(dataset.train) == due(0.5)
    assert 10 < len(due(0.5)) < 30
    history = holdout_history(store.loop, dataset).to_pylist()
    assert {row["trace_id"] for row in history}.isdisjoint(due(0.5))
    chances = {row["trace_id"]: row["inclusion_probability"] for row in history}
    assert chances == {
        f"t{number}": 0.05 if number in OLD else 0.1 for number in (*OLD, *NEW) if f"t{number}" not in due(0.5)
    }


@pytest.mark.parametrize(
    ("draws", "labels"),
    [
        pytest.param([draw(70, content_key="c3", asked_trace_id="t70")], [], id="its-content-judges-again"),
        pytest.param([draw(3, batch_id="evidence-1", stratum="disagreement")], [], id="it-told-two-models-apart"),
        pytest.param([draw(70)], [label(70, near_key="n3")], id="a-near-duplicate-judges"),
    ],
)
def test_row_that_may_judge_is_not_released(tmp_path, draws, labels):
    store = drawn_store(tmp_path, 1.0)
    answered = [label(70, content_key="c3", near_key="n3")] if draws[0]["content_key"] == "c3" else []
    add_rows(store, "draws", draws)
    add_rows(store, "labels", labels or (answered if draws[0]["trace_id"] == "t70" else []))
    dataset = read_dataset(store, publish_dataset(store).subject)
    assert "t3" not in ids(dataset.train)
    assert "t4" in ids(dataset.train)
    assert "t3" in ids(dataset.holdout)


def test_rows_of_groups_stay_held_out(tmp_path):
    store = drawn_store(tmp_path, 1.0)
    add_rows(store, "labels", [label(80, group_key="g", ts=moment(3)), label(81, ts=moment(3))])
    add_rows(store, "draws", [draw(80, group_key="g", ts=moment(3)), draw(81, ts=moment(3))])
    dataset = read_dataset(store, publish_dataset(store).subject)
    assert "t81" in ids(dataset.train)
    assert "t80" not in ids(dataset.train)


def test_dataset_is_read_as_it_was_after_the_loop_file_changed(tmp_path):
    store = drawn_store(tmp_path, 0.5)
    published = publish_dataset(store)
    later = LoopStore(make_selection_loop(split=SPLIT | {"release_share": 1.0}), str(tmp_path / "store"))
    assert ids(read_dataset(later, published.subject).train) == due(0.5)
    again = publish_dataset(later)
    assert (published.train, again.train) == (len(due(0.5)), len(OLD))
    assert ids(read_dataset(store, published.subject).train) == due(0.5)


LATER = range(90, 100)


def later_rows(store):
    """Add rows served so late that none of the others judge any more, and one label, without which nothing is published."""
    moments = {"ts": DAY + timedelta(days=30), "decided_at": DAY + timedelta(days=30)}
    add_rows(store, "draws", [draw(n, ts=moments["ts"], drawn_at=moments["ts"], batch_id="later") for n in LATER])
    add_rows(store, "labels", [label(n, **moments) for n in LATER])


@pytest.mark.parametrize(("outcome", "is_pending"), [("label_more", True), ("promote", False), ("reject", False)])
def test_row_that_judged_a_pending_challenger_is_not_released(tmp_path, outcome, is_pending):
    store = drawn_store(tmp_path, 1.0)
    first = publish_dataset(store)
    judged = ids(judging_rows(store.loop, read_dataset(store, first.subject), first=False))
    record(store, make_gate_verdict("challenger", outcome, dataset=first.subject))
    later_rows(store)
    dataset = read_dataset(store, publish_dataset(store).subject)
    assert judged == {f"t{number}" for number in NEW}
    assert ids(dataset.train) == {f"t{number}" for number in (OLD if is_pending else (*OLD, *NEW))}
    history = holdout_history(store.loop, dataset).to_pylist()
    assert {row["inclusion_probability"] for row in history} == {0.1}


def test_row_that_judged_a_challenger_in_its_first_round_waits_until_it_is_decided(tmp_path):
    """Though later rounds judge it by newer rows; then the row is released."""
    store = drawn_store(tmp_path, 1.0)
    first = publish_dataset(store).subject
    record(store, make_gate_verdict("challenger", "label_more", dataset=first, round=1))
    later_rows(store)
    second = publish_dataset(store).subject
    record(store, make_gate_verdict("challenger", "label_more", dataset=second, round=2))
    add_rows(store, "labels", [label(101, split="train", stratum="certainty")])
    third = publish_dataset(store).subject
    assert ids(read_dataset(store, third).train) == {f"t{number}" for number in (*OLD, 101)}
    record(store, make_gate_verdict("challenger", "reject", dataset=third, round=3))
    assert ids(read_dataset(store, publish_dataset(store).subject).train) == {f"t{n}" for n in (*OLD, *NEW, 101)}
    assert ids(read_dataset(store, third).train) == {f"t{number}" for number in (*OLD, 101)}


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_challenger_trains_on_released_rows_and_is_judged_by_none_of_them(tmp_path, share):
    store = drawn_store(tmp_path, share)
    add_rows(store, "labels", [label(200 + n, split="train", stratum="certainty", label="acq") for n in range(5)])
    publish_dataset(store)
    plan = decide_retrain(store, force=True)
    dataset = training_dataset(store, plan.dataset)
    assert (plan.outcome, plan.train) == ("train", len(due(share)) + 5)
    assert ids(dataset.train) == due(share) | {f"t{200 + n}" for n in range(5)}
    judged = read_dataset(store, plan.evaluation_dataset)
    for rows in (judging_rows(store.loop, judged, first=False), holdout_history(store.loop, judged)):
        assert rows.num_rows >= len(NEW)
        assert not ids(rows) & ids(dataset.train)
