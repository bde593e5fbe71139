"""What a drift verdict asks of training: sooner for a lost accuracy, not at all on broken data, and neither for ever."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from include.foundation.decisions import DriftVerdict, RetrainPlan, find, record
from include.foundation.intervals import Interval
from include.foundation.store.tables import LoopStore
from include.stages.training.deciding import decide_retrain
from tests.decision_builders import make_drift_verdict
from tests.include.stages.training.challenger_builders import (
    DAY,
    judge_plan,
    make_label_store,
    make_text_loop,
    publish_labels,
)

FEW, ENOUGH = range(12, 14), range(12, 18)  # of two and of six labels that are needed


def judged(store: LoopStore, day: int, outcome: str, route: str, **more: Any) -> DriftVerdict:
    window = Interval(DAY + timedelta(days=day), DAY + timedelta(days=day + 1))
    return record(store, make_drift_verdict(window.key, outcome, route=route, **more))


def decided(store: LoopStore, labels: range, *verdicts: tuple[int, str, str]) -> RetrainPlan:
    """Decide with these labels since the last challenger, and these verdicts, recorded in this order."""
    judge_plan(store)
    publish_labels(store, labels)
    for verdict in verdicts:
        judged(store, *verdict)
    return decide_retrain(store)


def test_without_any_verdict_the_labels_alone_decide(store: LoopStore) -> None:
    decision = decided(store, FEW)
    assert decision.reasons == ("2 new labels to train on, 6 are needed since the last challenger.",)
    assert (decision.route, decision.drift) == ("none", False)


def test_route_retrain_trains_with_few_labels_and_says_why(store: LoopStore) -> None:
    decision = decided(store, FEW, (1, "alarm", "retrain"))
    assert decision.outcome == "train"
    assert decision.reasons == ("2 new labels to train on; 2 are needed while drift is confirmed.",)
    assert (decision.route, decision.drift) == ("retrain", True)


def test_route_retrain_still_needs_the_labels_of_a_drift_and_the_cool_down(tmp_path: Any) -> None:
    loop = make_text_loop(retrain={"min_new_labels": 6, "min_new_labels_on_drift": 2, "cooldown_hours": 24})
    store = make_label_store(tmp_path, loop)
    judge_plan(store)
    judged(store, 1, "alarm", "retrain")
    publish_labels(store, range(12, 13))
    assert decide_retrain(store).reasons == ("1 new labels to train on, 2 are needed while drift is confirmed.",)
    publish_labels(store, range(13, 14))
    assert "but the cool-down lasts" in decide_retrain(store).reasons[0]


def test_route_fix_data_holds_training_back_though_there_are_labels_enough(store: LoopStore) -> None:
    decision = decided(store, ENOUGH, (1, "alarm", "fix_data"))
    assert decision.outcome == "no"
    assert decision.reasons == ("6 new labels, but the newest drift alarm is a fault of the data: mend it first.",)
    assert (decision.route, decision.drift) == ("fix_data", False)


def test_person_may_train_on_data_that_the_verdict_calls_broken(store: LoopStore) -> None:
    decided(store, ENOUGH, (1, "alarm", "fix_data"))
    assert decide_retrain(store, force=True).reasons == ("A person asked for it.",)


@pytest.mark.parametrize("route", ["watch", "label_segment", "none"])
@pytest.mark.parametrize(("labels", "outcome"), [(FEW, "no"), (ENOUGH, "train")])
def test_other_routes_neither_hasten_nor_hold_back(store: LoopStore, route: str, labels: range, outcome: str) -> None:
    decision = decided(store, labels, (1, "alarm", route))
    assert decision.outcome == outcome
    assert "needed since the last challenger" in decision.reasons[0]


@pytest.mark.parametrize(("route", "labels", "outcome"), [("retrain", FEW, "no"), ("fix_data", ENOUGH, "train")])
@pytest.mark.parametrize(
    "verdicts",
    [
        pytest.param([(1, "drift")], id="never-confirmed"),
        pytest.param([(1, "alarm"), (2, "stable")], id="resolved"),
        pytest.param([(2, "stable"), (1, "alarm")], id="resolved-and-the-alarm-backfilled-later"),
        pytest.param([(1, "alarm"), (2, "stable"), (3, "drift")], id="resolved-and-unconfirmed-since"),
    ],
)
def test_alarm_that_is_not_or_no_longer_up_does_not_act(
    store: LoopStore, verdicts: Sequence[tuple[int, str]], route: str, labels: range, outcome: str
) -> None:
    found = [(day, said, "none" if said == "stable" else route) for day, said in verdicts]
    decision = decided(store, labels, *found)
    assert (decision.outcome, decision.route) == (outcome, "none")


@pytest.mark.parametrize(("route", "labels", "outcome"), [("retrain", FEW, "no"), ("fix_data", ENOUGH, "train")])
def test_alarm_on_a_day_that_was_mended_and_judged_again_does_not_act(
    store: LoopStore, route: str, labels: range, outcome: str
) -> None:
    decision = decided(store, labels, (1, "alarm", route), (1, "stable", "none"))
    assert (decision.outcome, decision.route) == (outcome, "none")


@pytest.mark.parametrize(("route", "labels", "outcome"), [("retrain", FEW, "train"), ("fix_data", ENOUGH, "no")])
def test_alarm_lasts_while_the_days_after_it_stay_flagged(
    store: LoopStore, route: str, labels: range, outcome: str
) -> None:
    """In its cool-down no second alarm is raised: what goes on is called drift."""
    decision = decided(store, labels, (1, "alarm", route), (2, "drift", route), (3, "drift", route))
    assert (decision.outcome, decision.route) == (outcome, route)


def test_newest_alarm_decides_of_several(store: LoopStore) -> None:
    decision = decided(store, ENOUGH, (2, "alarm", "fix_data"), (1, "alarm", "retrain"))
    assert (decision.outcome, decision.route) == ("no", "fix_data")


@pytest.mark.parametrize(("route", "outcome"), [("retrain", "train"), ("fix_data", "no")])
def test_decision_on_an_alarm_is_the_same_when_made_again(store: LoopStore, route: str, outcome: str) -> None:
    first = decided(store, ENOUGH, (1, "alarm", route))
    written = store.version("decisions")
    assert decide_retrain(store) == first
    assert first.outcome == outcome
    assert store.version("decisions") == written
    assert len([one for one in find(store, RetrainPlan) if one.subject == first.subject]) == 1


def test_alarm_that_trained_a_challenger_does_not_train_another_on_the_same_labels(store: LoopStore) -> None:
    judge_plan(store)
    judged(store, 1, "alarm", "retrain")
    judge_plan(store, "reject", FEW)
    again = decide_retrain(store)
    assert again.outcome == "no"
    assert "is judged" in again.reasons[0]
