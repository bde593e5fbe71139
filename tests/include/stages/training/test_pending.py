"""Deciding while the gate's last word is *label more*."""

from datetime import UTC, datetime, timedelta

import pytest

from include.foundation.decisions import PublishedDataset, RetrainPlan
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.selection.evidence_requests import evidence_batch
from include.stages.training.deciding import decide_retrain
from tests.include.stages.training.challenger_builders import (
    add_labels,
    add_request,
    judge_plan,
    label_row,
    publish_labels,
    say_gate,
)


def answer(store: LoopStore, plan: RetrainPlan, *request_ids: str) -> PublishedDataset:
    """Label these requests and publish."""
    for request_id in request_ids:
        number = 100 + int(request_id[1:])
        add_labels(store, [label_row(number, request_id=request_id, evidence_for=plan.subject)])
    return publish_labels(store, range(0))


def set_aside(store: LoopStore, *request_ids: str) -> None:
    rows = [
        {"refusal_id": name, "stage": "labels", "source": name, "reason_code": "ambiguous", "reason": "", "raw": ""}
        for name in request_ids
    ]
    store.append_new("quarantine", rows_of(store.loop, "quarantine", rows))


@pytest.fixture
def plan(store: LoopStore) -> RetrainPlan:
    plan = judge_plan(store, "label_more")
    add_request(store, "r1", evidence_for=plan.subject)
    add_request(store, "r2", evidence_for=plan.subject)
    return plan


def test_decide_retrain_before_the_labels_are_back_waits(store: LoopStore, plan: RetrainPlan) -> None:
    publish_labels(store, range(20, 60))
    decision = decide_retrain(store)
    assert decision.outcome == "no"
    assert decision.reasons == (f"Challenger {plan.subject} is pending: 2 labels are not back yet.",)


def test_decide_retrain_while_pending_is_not_forced_by_a_person(store: LoopStore, plan: RetrainPlan) -> None:
    assert decide_retrain(store, force=True).outcome == "no"


def test_decide_retrain_with_all_labels_back_judges_the_same_challenger_on_the_newest_dataset(
    store: LoopStore, plan: RetrainPlan
) -> None:
    newest = answer(store, plan, "r1", "r2")
    decision = decide_retrain(store)
    assert (decision.outcome, decision.subject) == ("judge_pending", plan.subject)
    assert decision.dataset == plan.dataset
    assert decision.evaluation_dataset == newest.subject
    assert decision.challenger_key == plan.subject


def test_decide_retrain_with_some_labels_back_waits_for_the_rest(store: LoopStore, plan: RetrainPlan) -> None:
    answer(store, plan, "r1")
    assert decide_retrain(store).reasons[0].endswith("1 labels are not back yet.")


@pytest.mark.parametrize(("back", "outcome"), [(17, "no"), (18, "judge_pending")])
def test_decide_retrain_with_a_quorum_of_the_round_back_does_not_wait_for_the_slowest(
    store: LoopStore, back: int, outcome: str
) -> None:
    plan = judge_plan(store, "label_more")
    names = [f"r{number}" for number in range(20)]
    for name in names:
        add_request(store, name, evidence_for=plan.subject, batch_id=evidence_batch(plan.subject, 1))
    answer(store, plan, *names[:back])
    decision = decide_retrain(store)
    assert (decision.outcome, decision.waiting) == (outcome, 20 - back)


def test_decide_retrain_with_an_answer_set_aside_does_not_wait_for_it(store: LoopStore, plan: RetrainPlan) -> None:
    answer(store, plan, "r1")
    set_aside(store, "r2")
    assert decide_retrain(store).outcome == "judge_pending"


def test_decide_retrain_with_requests_of_another_challenger_open_does_not_wait_for_them(
    store: LoopStore, plan: RetrainPlan
) -> None:
    add_request(store, "r3", evidence_for="another")
    answer(store, plan, "r1", "r2")
    assert decide_retrain(store).outcome == "judge_pending"


def test_decide_retrain_with_a_request_that_nobody_answered_in_time_does_not_wait_for_it(
    store: LoopStore, plan: RetrainPlan
) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=store.loop.labeling.deadline_hours + 1)
    add_request(store, "r2", evidence_for=plan.subject, pushed_at=long_ago)
    answer(store, plan, "r1")
    assert decide_retrain(store).outcome == "judge_pending"


def test_decide_retrain_with_a_request_that_is_not_pushed_yet_waits_for_it(store: LoopStore, plan: RetrainPlan) -> None:
    add_request(store, "r2", evidence_for=plan.subject, external_id=None, pushed_at=None)
    answer(store, plan, "r1")
    assert decide_retrain(store).outcome == "no"


def test_decide_retrain_with_every_answer_set_aside_and_no_new_label_says_no(
    store: LoopStore, plan: RetrainPlan
) -> None:
    set_aside(store, "r1", "r2")
    assert decide_retrain(store).reasons == (
        f"Challenger {plan.subject} is pending and no label came in since it was judged.",
    )


def test_decide_retrain_for_a_second_round_is_a_new_decision(store: LoopStore, plan: RetrainPlan) -> None:
    newest = answer(store, plan, "r1", "r2")
    first = decide_retrain(store)
    say_gate(store, plan.subject, "label_more", dataset=newest.subject, round=2)
    add_request(store, "r3", evidence_for=plan.subject)
    assert decide_retrain(store).outcome == "no"
    answer(store, plan, "r3")
    second = decide_retrain(store)
    assert (second.outcome, second.round) == ("judge_pending", 2)
    assert second.reference != first.reference


def test_decide_retrain_once_it_is_judged_goes_on_with_the_rules(store: LoopStore, plan: RetrainPlan) -> None:
    newest = answer(store, plan, "r1", "r2")
    say_gate(store, plan.subject, "reject", dataset=newest.subject, round=2)
    decision = decide_retrain(store)
    assert decision.outcome == "no"
    assert decision.reasons == ("2 new labels to train on, 6 are needed since the last challenger.",)
