"""What was drawn at random and led to no label: set aside, or not answered until its deadline."""

from datetime import timedelta
from pathlib import Path

import pytest

from include.foundation.store.ledgers.unlabeled_draws import unlabeled_draws
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from tests.include.stages.evaluation.drawn_builders import ask, set_aside
from tests.include.stages.evaluation.judged_builders import DAY, answered_row, answered_rows, make_judged_store

BEFORE, LATER = DAY - timedelta(days=1), DAY + timedelta(days=30)


@pytest.fixture
def store(tmp_path: Path) -> LoopStore:
    store = make_judged_store(tmp_path)
    ask(store, answered_rows("aaa*4"))
    return store


def test_what_is_set_aside_is_there_at_once_and_what_is_unanswered_after_its_deadline(store: LoopStore) -> None:
    set_aside(store, 2)
    assert set(unlabeled_draws(store, set(), BEFORE, DAY)) == {"r2"}
    found = unlabeled_draws(store, set(), BEFORE, LATER)
    assert set(found) == {"r0", "r1", "r2", "r3"}
    assert {(content.weight, content.predicted) for content in found.values()} == {(5.0, "a")}


def test_what_is_left_to_a_further_tier_is_there_at_once_until_that_makes_a_label(store: LoopStore) -> None:
    (first,) = store.read("requests", filters=[("request_id", "=", "r2")]).to_pylist()
    later = first | {"request_id": "later", "tier": 2, "escalates": "r2", "asked_at": DAY + timedelta(hours=1)}
    store.append_new("requests", rows_of(store.loop, "requests", [later]))
    assert set(unlabeled_draws(store, set(), BEFORE, DAY)) == {"r2"}, "and counts by the answers that there are"
    row = answered_row(2, "aaa", request_id="later", predicted="a", model_version="1")
    store.append_new("labels", rows_of(store.loop, "labels", [row]))
    assert set(unlabeled_draws(store, set(), BEFORE, DAY)) == set()


def test_what_has_a_label_after_all_or_is_older_does_not_count(store: LoopStore) -> None:
    set_aside(store, 1)
    row = answered_row(1, "aaa", request_id="r1", predicted="a", model_version="1")
    store.append_new("labels", rows_of(store.loop, "labels", [row]))
    assert set(unlabeled_draws(store, {"t00000"}, BEFORE, LATER)) == {"r2", "r3"}
    assert set(unlabeled_draws(store, set(), DAY + timedelta(minutes=3), LATER)) == {"r3"}


def test_rows_that_repeat_a_content_add_to_its_weight(store: LoopStore) -> None:
    again = {
        "batch_id": "b", "trace_id": "again", "stratum": "random", "inclusion_probability": 0.5, "ts": DAY,
        "model_version": "2", "predicted": "b", "content_key": "c0", "asked_trace_id": "t00000", "drawn_at": DAY,
    }  # fmt: skip
    store.append_new("draws", rows_of(store.loop, "draws", [again]))
    assert unlabeled_draws(store, set(), BEFORE, LATER)["r0"].weight == 5 + 2
    (of_version,) = unlabeled_draws(store, set(), BEFORE, LATER, model_version="2").values()
    assert (of_version.weight, of_version.predicted) == (2.0, "b")


def test_rows_that_were_drawn_where_two_models_disagree_are_not_drawn_at_random(store: LoopStore) -> None:
    contested = {
        "batch_id": "evidence-c-1", "trace_id": "t00001", "stratum": "disagreement", "inclusion_probability": 0.5, "ts": DAY,
        "model_version": "1", "predicted": "a", "content_key": "c1", "asked_trace_id": "t00001", "drawn_at": DAY,
    }  # fmt: skip
    store.append_new("draws", rows_of(store.loop, "draws", [contested]))
    assert unlabeled_draws(store, set(), BEFORE, LATER)["r1"].weight == 5


def test_random_requests_of_an_earlier_version_are_draws(store: LoopStore) -> None:
    former = {
        "request_id": "former", "batch_id": "a", "tier": 1, "stratum": "random", "split": "holdout", "trace_id": "former",
        "inclusion_probability": 0.1, "reasons": [], "hidden_prelabel": False, "content_key": "k", "asked_at": DAY,
        "pushed_at": DAY, "ts": DAY, "prelabel": "c",
    }  # fmt: skip
    store.append_new("requests", rows_of(store.loop, "requests", [former]))
    found = unlabeled_draws(store, set(), BEFORE, LATER)["former"]
    assert (found.weight, found.predicted) == (10.0, "c")
    assert "former" not in unlabeled_draws(store, set(), BEFORE, LATER, model_version="1")
