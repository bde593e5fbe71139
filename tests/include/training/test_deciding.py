from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.labels.dataset import read_dataset
from include.store.decisions import Decision, broken_links, find, record
from include.store.interval import Interval
from include.store.tables import LoopStore, rows_of
from include.training.deciding import challenger_key, decide_retrain
from tests.include.training.challenger_builders import (
    DAY,
    add_labels,
    add_request,
    label_row,
    make_label_store,
    make_text_loop,
    publish_labels,
    say_gate,
)

TRAINING = {"factory": "include.training.factories:text_classifier"}


def judged(store: LoopStore, outcome: str = "promote", numbers: range = range(12)) -> Decision:
    """Plan a challenger on labels of these numbers and let the gate judge it."""
    dataset = publish_labels(store, numbers)
    plan = decide_retrain(store)
    assert plan.outcome == "train"
    say_gate(store, plan.subject, outcome, dataset=dataset.subject)
    return plan


def alarm(store: LoopStore, day: int, outcome: str = "alarm", route: str = "retrain") -> None:
    window = Interval(DAY + timedelta(days=day), DAY + timedelta(days=day + 1))
    record(store, Decision("drift", window.key, outcome, (), {"route": route}))


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


def test_decide_retrain_with_held_out_labels_only_says_no(store: LoopStore) -> None:
    publish_labels(store, range(6), split="holdout")
    assert decide_retrain(store).reasons == ("0 labels of 0 classes are too few to train on.",)


def test_decide_retrain_asked_twice_gives_and_records_one_decision(store: LoopStore) -> None:
    publish_labels(store, range(6))
    first, second = decide_retrain(store), decide_retrain(store)
    assert first.reference == second.reference
    assert len(find(store, "retrain")) == 1
    assert broken_links(store) == []


def test_decide_retrain_after_a_plan_that_came_to_nothing_plans_it_again(store: LoopStore) -> None:
    """A dry run, or a run that failed before the gate, does not use the labels up."""
    judged(store)
    publish_labels(store, range(12, 20))
    plan = decide_retrain(store)
    assert decide_retrain(store).reference == plan.reference
    publish_labels(store, range(20, 21))
    later = decide_retrain(store)
    assert (plan.outcome, later.outcome) == ("train", "train")
    assert later.evidence["new_labels"] == 9


@pytest.mark.parametrize(("new", "outcome"), [(5, "no"), (6, "train")])
def test_decide_retrain_counts_the_new_labels_since_the_last_challenger(
    store: LoopStore, new: int, outcome: str
) -> None:
    judged(store)
    publish_labels(store, range(12, 12 + new))
    decision = decide_retrain(store)
    assert decision.outcome == outcome
    assert decision.evidence["new_labels"] == new
    assert decision.reasons[0].startswith(f"{new} new labels to train on")


def test_decide_retrain_counts_no_held_out_label_as_new(store: LoopStore) -> None:
    judged(store)
    publish_labels(store, range(12, 40), split="holdout")
    decision = decide_retrain(store)
    assert (decision.outcome, decision.evidence["new_labels"]) == ("no", 0)


def test_decide_retrain_counts_a_changed_label_as_new(store: LoopStore) -> None:
    judged(store)
    add_labels(
        store,
        [
            label_row(number) | {"label_id": f"new{number}", "supersedes": f"l{number:05d}", "label": "ship"}
            for number in range(6)
        ],
    )
    publish_labels(store, range(12, 13))
    decision = decide_retrain(store)
    assert (decision.outcome, decision.evidence["new_labels"], decision.evidence["train"]) == ("train", 7, 13)


def test_decide_retrain_after_a_rejected_challenger_counts_from_it(store: LoopStore) -> None:
    judged(store, "reject")
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
    judged(store)
    publish_labels(store, range(12, 14))
    alarm(store, 1, outcome, route)
    assert decide_retrain(store).outcome == expected


def test_decide_retrain_after_the_alarm_is_over_needs_all_labels_again(store: LoopStore) -> None:
    judged(store)
    publish_labels(store, range(12, 14))
    alarm(store, 2, "stable", "none")
    alarm(store, 1)  # a backfill of an earlier day, recorded later
    assert decide_retrain(store).outcome == "no"


@pytest.mark.parametrize(("hours", "outcome"), [(23, "no"), (24, "train")])
def test_decide_retrain_cools_down_in_log_time(tmp_path: Any, hours: int, outcome: str) -> None:
    loop = make_text_loop(retrain={"min_new_labels": 2, "cooldown_hours": 24})
    store = make_label_store(tmp_path, loop)
    judged(store, numbers=range(6))
    newest = DAY + timedelta(minutes=5)
    publish_labels(store, range(6, 12), ts=newest + timedelta(hours=hours))
    decision = decide_retrain(store)
    assert decision.outcome == outcome
    assert ("cool-down lasts 1:00:00 of log time more" in decision.reasons[0]) == (outcome == "no")


def test_decide_retrain_forced_ignores_count_and_cool_down(tmp_path: Any) -> None:
    store = make_label_store(tmp_path, make_text_loop(retrain={"min_new_labels": 50, "cooldown_hours": 1000}))
    judged(store)
    publish_labels(store, range(12, 13))
    decision = decide_retrain(store, force=True)
    assert (decision.outcome, decision.reasons) == ("train", ("A person asked for it.",))


@pytest.mark.parametrize("outcome", ["promote", "reject"])
def test_decide_retrain_forced_on_what_is_judged_says_no(store: LoopStore, outcome: str) -> None:
    plan = judged(store, outcome)
    decision = decide_retrain(store, force=True)
    assert decision.outcome == "no"
    assert decision.reasons == (
        f"Challenger {plan.subject} was made of the same labels and configuration, and is judged.",
    )


def test_challenger_key_depends_on_training_rows_and_training_configuration_only(store: LoopStore) -> None:
    train = read_dataset(store, publish_labels(store, range(6)).subject).train
    key = challenger_key(store, train)
    publish_labels(store, range(10, 12), split="holdout")
    with_holdout = read_dataset(store, find(store, "dataset")[-1].subject).train
    assert challenger_key(store, with_holdout) == key
    assert challenger_key(rerun(store, seed=1), train) != key
    assert challenger_key(store, train.slice(1)) != key
    assert len(key) == 16


class TestPending:
    """The gate said *label more*."""

    @pytest.fixture
    def plan(self, store: LoopStore) -> Decision:
        plan = judged(store, "label_more")
        add_request(store, "r1", evidence_for=plan.subject)
        add_request(store, "r2", evidence_for=plan.subject)
        return plan

    def test_decide_retrain_before_the_labels_are_back_waits(self, store: LoopStore, plan: Decision) -> None:
        publish_labels(store, range(20, 60))
        decision = decide_retrain(store)
        assert decision.outcome == "no"
        assert decision.reasons == (f"Challenger {plan.subject} is pending: 2 labels are not back yet.",)

    def test_decide_retrain_while_pending_is_not_forced_by_a_person(self, store: LoopStore, plan: Decision) -> None:
        assert decide_retrain(store, force=True).outcome == "no"

    def test_decide_retrain_with_all_labels_back_judges_the_same_challenger_on_the_newest_dataset(
        self, store: LoopStore, plan: Decision
    ) -> None:
        newest = self.answer(store, plan, "r1", "r2")
        decision = decide_retrain(store)
        assert (decision.outcome, decision.subject) == ("judge_pending", plan.subject)
        assert decision.evidence["dataset"] == plan.evidence["dataset"]
        assert decision.evidence["evaluation_dataset"] == newest.subject
        assert decision.evidence["challenger_key"] == plan.subject

    def test_decide_retrain_with_some_labels_back_waits_for_the_rest(self, store: LoopStore, plan: Decision) -> None:
        self.answer(store, plan, "r1")
        assert decide_retrain(store).reasons[0].endswith("1 labels are not back yet.")

    def test_decide_retrain_with_an_answer_set_aside_does_not_wait_for_it(
        self, store: LoopStore, plan: Decision
    ) -> None:
        self.answer(store, plan, "r1")
        self.set_aside(store, "r2")
        assert decide_retrain(store).outcome == "judge_pending"

    def test_decide_retrain_with_requests_of_another_challenger_open_does_not_wait_for_them(
        self, store: LoopStore, plan: Decision
    ) -> None:
        add_request(store, "r3", evidence_for="another")
        self.answer(store, plan, "r1", "r2")
        assert decide_retrain(store).outcome == "judge_pending"

    def test_decide_retrain_with_a_request_that_nobody_answered_in_time_does_not_wait_for_it(
        self, store: LoopStore, plan: Decision
    ) -> None:
        long_ago = datetime.now(UTC) - timedelta(hours=store.loop.labeling.deadline_hours + 1)
        add_request(store, "r2", evidence_for=plan.subject, pushed_at=long_ago)
        self.answer(store, plan, "r1")
        assert decide_retrain(store).outcome == "judge_pending"

    def test_decide_retrain_with_a_request_that_is_not_pushed_yet_waits_for_it(
        self, store: LoopStore, plan: Decision
    ) -> None:
        add_request(store, "r2", evidence_for=plan.subject, external_id=None, pushed_at=None)
        self.answer(store, plan, "r1")
        assert decide_retrain(store).outcome == "no"

    def test_decide_retrain_with_every_answer_set_aside_and_no_new_label_says_no(
        self, store: LoopStore, plan: Decision
    ) -> None:
        self.set_aside(store, "r1", "r2")
        assert decide_retrain(store).reasons == (
            f"Challenger {plan.subject} is pending and no label came in since it was judged.",
        )

    def test_decide_retrain_for_a_second_round_is_a_new_decision(self, store: LoopStore, plan: Decision) -> None:
        newest = self.answer(store, plan, "r1", "r2")
        first = decide_retrain(store)
        say_gate(store, plan.subject, "label_more", dataset=newest.subject, round=2)
        add_request(store, "r3", evidence_for=plan.subject)
        assert decide_retrain(store).outcome == "no"
        self.answer(store, plan, "r3")
        second = decide_retrain(store)
        assert (second.outcome, second.evidence["round"]) == ("judge_pending", 2)
        assert second.reference != first.reference

    def test_decide_retrain_once_it_is_judged_goes_on_with_the_rules(self, store: LoopStore, plan: Decision) -> None:
        newest = self.answer(store, plan, "r1", "r2")
        say_gate(store, plan.subject, "reject", dataset=newest.subject, round=2)
        decision = decide_retrain(store)
        assert decision.outcome == "no"
        assert decision.reasons == ("2 new labels to train on, 6 are needed since the last challenger.",)

    @staticmethod
    def answer(store: LoopStore, plan: Decision, *request_ids: str) -> Decision:
        """Label these requests and publish."""
        for request_id in request_ids:
            number = 100 + int(request_id[1:])
            add_labels(store, [label_row(number, request_id=request_id, evidence_for=plan.subject)])
        return publish_labels(store, range(0))

    @staticmethod
    def set_aside(store: LoopStore, *request_ids: str) -> None:
        rows = [
            {"refusal_id": name, "stage": "labels", "source": name, "reason_code": "ambiguous", "reason": "", "raw": ""}
            for name in request_ids
        ]
        store.append_new("quarantine", rows_of(store.loop, "quarantine", rows))
