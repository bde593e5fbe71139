from datetime import timedelta
from typing import Any

import pytest

from include.foundation.decisions import PublishedDataset, RetrainPlan, broken_links, find, record
from include.foundation.intervals import Interval
from include.foundation.store.ledgers.deployments import Deployment, append_deployment
from include.foundation.store.tables import LoopStore
from include.stages.labels.datasets import read_dataset
from include.stages.training.deciding import challenger_key, decide_retrain
from tests.decision_builders import make_drift_verdict, make_guard_verdict
from tests.include.stages.training.challenger_builders import (
    DAY,
    add_labels,
    judge_plan,
    label_row,
    make_label_store,
    make_text_loop,
    publish_labels,
)

TRAINING = {"factory": "include.factories:text_classifier"}


def alarm(store: LoopStore, day: int, outcome: str = "alarm", route: str = "retrain") -> None:
    window = Interval(DAY + timedelta(days=day), DAY + timedelta(days=day + 1))
    record(store, make_drift_verdict(window.key, outcome, route=route))


def rerun(store: LoopStore, **training: Any) -> LoopStore:
    """Open the same tables with another configuration."""
    loop = make_text_loop(training=TRAINING | training)
    return LoopStore(loop, store.uri.removesuffix("/tiny"))


def test_decide_retrain_without_a_dataset_says_no(store: LoopStore) -> None:
    decision = decide_retrain(store)
    assert (decision.outcome, decision.reasons) == ("no", ("No dataset was published yet.",))


def test_decide_retrain_of_the_first_labels_trains(store: LoopStore) -> None:
    dataset = publish_labels(store, range(6))
    decision = decide_retrain(store)
    assert decision.outcome == "train"
    assert decision.reasons == ("There is no model yet, and 6 labels to train a first one.",)
    expected = {"challenger_key": decision.subject, "dataset": dataset.subject, "evaluation_dataset": dataset.subject}
    assert decision.evidence.items() >= expected.items()


@pytest.mark.parametrize("force", [False, True])
def test_decide_retrain_on_one_class_says_no_even_to_a_person(store: LoopStore, force: bool) -> None:
    publish_labels(store, range(6), label="crude")
    decision = decide_retrain(store, force=force)
    assert decision.outcome == "no"
    assert decision.reasons == ("6 labels of 1 classes are too few to train on.",)


def test_decide_retrain_on_two_classes_trains(store: LoopStore) -> None:
    publish_labels(store, range(2))
    plan = decide_retrain(store)
    assert (plan.outcome, plan.train) == ("train", 2)


def test_decide_retrain_with_held_out_labels_only_says_no(store: LoopStore) -> None:
    publish_labels(store, range(6), split="holdout")
    assert decide_retrain(store).reasons == ("0 labels of 0 classes are too few to train on.",)


def test_decide_retrain_asked_twice_gives_and_records_one_decision(store: LoopStore) -> None:
    publish_labels(store, range(6))
    first, second = decide_retrain(store), decide_retrain(store)
    assert first.reference == second.reference
    assert len(find(store, RetrainPlan)) == 1
    assert broken_links(store) == []


def test_decide_retrain_after_a_plan_that_came_to_nothing_plans_it_again(store: LoopStore) -> None:
    """A dry run, or a run that failed before the gate, does not use the labels up."""
    judge_plan(store)
    publish_labels(store, range(12, 20))
    plan = decide_retrain(store)
    assert decide_retrain(store).reference == plan.reference
    publish_labels(store, range(20, 21))
    later = decide_retrain(store)
    assert (plan.outcome, later.outcome) == ("train", "train")
    assert later.new_labels == 9


@pytest.mark.parametrize(("new", "outcome"), [(5, "no"), (6, "train")])
def test_decide_retrain_counts_the_new_labels_since_the_last_challenger(
    store: LoopStore, new: int, outcome: str
) -> None:
    judge_plan(store)
    publish_labels(store, range(12, 12 + new))
    decision = decide_retrain(store)
    assert decision.outcome == outcome
    assert decision.new_labels == new
    assert decision.reasons[0].startswith(f"{new} new labels to train on")


def test_decide_retrain_counts_no_held_out_label_as_new(store: LoopStore) -> None:
    judge_plan(store)
    publish_labels(store, range(12, 40), split="holdout")
    decision = decide_retrain(store)
    assert (decision.outcome, decision.new_labels) == ("no", 0)


def test_decide_retrain_counts_a_changed_label_as_new(store: LoopStore) -> None:
    judge_plan(store)
    add_labels(
        store,
        [
            label_row(number) | {"label_id": f"new{number}", "supersedes": f"l{number:05d}", "label": "ship"}
            for number in range(6)
        ],
    )
    publish_labels(store, range(12, 13))
    decision = decide_retrain(store)
    assert (decision.outcome, decision.new_labels, decision.train) == ("train", 7, 13)


def test_decide_retrain_after_a_rejected_challenger_counts_from_it(store: LoopStore) -> None:
    judge_plan(store, "reject")
    publish_labels(store, range(12, 14))
    assert decide_retrain(store).outcome == "no"


@pytest.mark.parametrize(
    ("outcome", "route", "expected"),
    [
        ("alarm", "retrain", "train"),
        ("alarm", "fix_data", "no"),
        ("alarm", "watch", "no"),
        ("drift", "retrain", "no"),
        ("stable", "none", "no"),
    ],
)
def test_decide_retrain_with_few_labels_trains_only_while_an_alarm_asks_for_it(
    store: LoopStore, outcome: str, route: str, expected: str
) -> None:
    judge_plan(store)
    publish_labels(store, range(12, 14))
    alarm(store, 1, outcome, route)
    assert decide_retrain(store).outcome == expected


def test_decide_retrain_after_the_alarm_is_over_needs_all_labels_again(store: LoopStore) -> None:
    judge_plan(store)
    publish_labels(store, range(12, 14))
    alarm(store, 2, "stable", "none")
    alarm(store, 1)  # a backfill of an earlier day, recorded later
    assert decide_retrain(store).outcome == "no"


@pytest.mark.parametrize(("hours", "outcome"), [(29, "no"), (30, "train")])
def test_decide_retrain_cools_down_in_log_time(tmp_path: Any, hours: int, outcome: str) -> None:
    loop = make_text_loop(retrain={"min_new_labels": 2, "cooldown_hours": 30})
    store = make_label_store(tmp_path, loop)
    judge_plan(store, numbers=range(6))
    newest = DAY + timedelta(minutes=5)
    publish_labels(store, range(6, 12), ts=newest + timedelta(hours=hours))
    decision = decide_retrain(store)
    assert decision.outcome == outcome
    assert ("cool-down lasts 1:00:00 of log time more" in decision.reasons[0]) == (outcome == "no")


def test_decide_retrain_forced_ignores_count_and_cool_down(tmp_path: Any) -> None:
    store = make_label_store(tmp_path, make_text_loop(retrain={"min_new_labels": 50, "cooldown_hours": 1000}))
    judge_plan(store)
    publish_labels(store, range(12, 13))
    decision = decide_retrain(store, force=True)
    assert (decision.outcome, decision.reasons) == ("train", ("A person asked for it.",))


@pytest.mark.parametrize("outcome", ["promote", "reject"])
def test_decide_retrain_forced_on_what_is_judged_says_no(store: LoopStore, outcome: str) -> None:
    plan = judge_plan(store, outcome)
    decision = decide_retrain(store, force=True)
    assert decision.outcome == "no"
    assert decision.reasons == (
        f"Challenger {plan.subject} was made of the same labels and configuration, and is judged.",
    )


def test_challenger_key_depends_on_training_rows_and_training_configuration_only(store: LoopStore) -> None:
    train = read_dataset(store, publish_labels(store, range(6)).subject).train
    key = challenger_key(store, train)
    publish_labels(store, range(10, 12), split="holdout")
    with_holdout = read_dataset(store, find(store, PublishedDataset)[-1].subject).train
    assert challenger_key(store, with_holdout) == key
    assert challenger_key(rerun(store, seed=1), train) != key
    assert challenger_key(store, train.slice(1)) != key
    assert len(key) == 16


@pytest.mark.parametrize(
    ("outcome", "deployment", "trains"),
    [
        ("harder", "d1", True), ("below_promise", "d1", True), ("kept", "d1", False), ("broken", "d1", False),
        pytest.param("harder", "d0", False, id="of-what-was-live-before"),
    ],
)  # fmt: skip
def test_few_labels_are_enough_while_what_is_live_misses_its_promise(
    store: LoopStore, outcome: str, deployment: str, trains: bool
) -> None:
    judge_plan(store)
    append_deployment(store, Deployment("1", None, "deploy", "because", "d1", None))
    publish_labels(store, range(12, 14))
    record(store, make_guard_verdict("1", outcome, deployment=deployment))
    plan = decide_retrain(store)
    assert (plan.outcome == "train", plan.missed_promise) == (trains, trains)
    said = "2 new labels to train on; 2 are needed while what is live misses its promise."
    assert (plan.reasons == (said,)) is trains
