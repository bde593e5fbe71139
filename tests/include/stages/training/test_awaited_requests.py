"""A challenger that waits for live requests is judged again once there are enough, and not before."""

from pathlib import Path

from include.foundation.decisions import LiveComparison, PublishedDataset, RegisteredVersion, latest, record
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.training.deciding import decide_retrain
from tests.include.stages.training.challenger_builders import (
    DAY,
    judge_plan,
    make_label_store,
    make_text_loop,
    publish_labels,
)

SHADOW = {"strategy": "shadow", "shadow": {"uri": "shadow", "requests": 3}}


def waiting_store(folder: Path, **deploy: object) -> tuple[LoopStore, str]:
    store = make_label_store(folder, make_text_loop(deploy=SHADOW | deploy))
    key = judge_plan(store, "await_live").subject
    record(store, RegisteredVersion(subject=key, outcome="registered", reasons=(), version="7", run_id="run"))
    return store, key


def ask(store: LoopStore, *numbers: int, version: str = "7") -> None:
    rows = [{"trace_id": f"t{each}", "model_version": version, "ts": DAY, "predicted": "crude"} for each in numbers]
    store.append_new("shadow_answers", rows_of(store.loop, "shadow_answers", rows))


def test_pending_challenger_waits_until_live_requests_are_in(tmp_path: Path) -> None:
    store, key = waiting_store(tmp_path)
    ask(store, 1, 2)
    ask(store, 1, 2, 3, version="6")
    decision = decide_retrain(store, force=True)
    assert decision.outcome == "no"
    assert decision.reasons == (f"Challenger {key} waits for live requests: 2 of 3.",)
    ask(store, 3)
    dataset = str(getattr(latest(store, PublishedDataset), "subject", None))
    publish_labels(store, range(20, 30))
    decision = decide_retrain(store)
    assert (decision.outcome, decision.subject, decision.evaluation_dataset) == ("judge_pending", key, dataset)


def test_requests_that_did_not_decide_are_not_looked_at_twice(tmp_path: Path) -> None:
    store, key = waiting_store(tmp_path)
    ask(store, 1, 2, 3)
    told = {"champion": "1", "challenger": "7", "needed": 3}
    record(store, LiveComparison(subject=key, outcome="waiting", reasons=(), requests=3, **told))
    assert decide_retrain(store).outcome == "no"
    ask(store, 4)
    assert decide_retrain(store).outcome == "judge_pending"


def test_loop_file_that_asks_for_live_requests_no_more_lets_it_go_on(tmp_path: Path) -> None:
    store = make_label_store(tmp_path)
    judge_plan(store, "await_live")
    assert decide_retrain(store).outcome == "judge_pending"
