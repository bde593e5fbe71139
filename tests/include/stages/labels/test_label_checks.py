"""What a label must be consistent with, and whom the model may accuse: what fails goes to a person with the reason."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from include.foundation.store.rows import rows_of
from include.stages.labels.answered_requests import answered_requests
from include.stages.labels.consensus import Opinion
from include.stages.labels.consistency import contradictions
from include.stages.labels.label_validation import validate_labels
from include.stages.labels.proposals import proposals_of
from include.stages.labels.suspicions import SUSPECTED, suspicions
from tests.builders import CLASSES, DAY, day
from tests.include.stages.labels.label_builders import collect, everyone_answers, pushed_store, truth

ALL_TRAIN = {"selection": {"budget": 12, "diversify": "none", "random_share": 0.1}}


def trained(store):
    return store.read("requests", filters=[("split", "=", "train")]).to_pylist()


def known_label(store, request, label, **changes):
    """A label of a row whose near key is that of a request."""
    row = {
        "label_id": "known", "trace_id": "known", "label": label, "decided_by": "seed", "origin": "seed", "split": "train",
        "stratum": "certainty", "inclusion_probability": 1.0, "content_key": "other", "near_key": request["near_key"],
        "ts": day().start, "decided_at": DAY, "input_text": "x",
    } | changes  # fmt: skip
    store.append_new("labels", rows_of(store.loop, "labels", [row]))


def doubted(store):
    rows = store.read("requests", filters=[("tier", ">", 1)]).to_pylist()
    return {row["escalates"]: (row["cause"], row["reasons"][0]) for row in rows}


def answered_store(folder, rows=12, **sections):
    store, requests = pushed_store(folder, rows, **{**ALL_TRAIN, **sections})
    everyone_answers(folder, requests, truth)
    collect(store)
    return store


def other_than(label):
    return next(name for name in CLASSES if name != label)


def test_label_that_contradicts_a_near_duplicate_goes_to_a_person(tmp_path):
    store = answered_store(tmp_path)
    request = trained(store)[0]
    label = truth(request["trace_id"])
    known_label(store, request, other_than(label))
    validate_labels(store)
    code, reason = doubted(store)[request["request_id"]]
    assert code == "inconsistent"
    against = f"label {label!r}, and known, which says nearly the same, is {other_than(label)!r}"
    assert reason == f"the answer contradicts another one: {against}"
    assert len(doubted(store)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"split": "holdout"},
        {"near_key": "another"},
        {"ts": day().start - timedelta(days=40)},
        {"agrees": True},
    ],
)
def test_what_contradicts_nothing_is_a_label(tmp_path, changes):
    store = answered_store(tmp_path)
    request = trained(store)[0]
    label = truth(request["trace_id"])
    agrees = changes.pop("agrees", False)
    known_label(store, request, label if agrees else other_than(label), **changes)
    validate_labels(store)
    assert doubted(store) == {}


def test_seed_counts_however_old_it_is(tmp_path):
    store = answered_store(tmp_path)
    request = trained(store)[0]
    known_label(
        store, request, other_than(truth(request["trace_id"])), stratum="seed", ts=day().start - timedelta(days=400)
    )
    validate_labels(store)
    assert doubted(store)[request["request_id"]][0] == "inconsistent"


def test_labels_of_the_holdout_are_left_alone(tmp_path):
    store = answered_store(tmp_path)
    held = store.read("requests", filters=[("split", "=", "holdout")]).to_pylist()[0]
    known_label(store, held, other_than(truth(held["trace_id"])))
    validate_labels(store)
    assert doubted(store) == {}


def test_two_of_one_batch_that_contradict_each_other_both_go(tmp_path):
    store = answered_store(tmp_path)
    proposals = proposals_of(store, answered_requests(store), {})
    one, two = [each for each in proposals if each.request["split"] == "train"][:2]
    for each, label in ((one, "earn"), (two, "acq")):
        object.__setattr__(each, "request", {**each.request, "near_key": "same"})
        object.__setattr__(each, "label", label)
    assert contradictions(store, [one, two]).keys() == {one.answered.request_id, two.answered.request_id}


def test_with_another_tier_it_is_asked_there(tmp_path):
    store = answered_store(tmp_path, escalation={"tiers": [{"name": "reviewer"}], "audit_share": 0.0})
    request = trained(store)[0]
    known_label(store, request, other_than(truth(request["trace_id"])))
    assert validate_labels(store).escalated == 1
    (asked,) = store.read("requests", filters=[("tier", "=", 2)]).to_pylist()
    assert (asked["escalates"], asked["reasons"][0]) == (request["request_id"], "the answer contradicts another one")


def accused(folder, sure=0.9, people=("ann", "bob", "cat"), **escalation):
    """Suspicions among 60 answered rows of which the model says earn, which people deny of three to train on and three held."""
    section = {"escalation": escalation} if escalation else {}
    selection = {"budget": 60, "diversify": "none", "random_share": 0.2}
    store = answered_store(folder, rows=60, selection=selection, **section)
    rows = store.read("requests").to_pylist()
    by_split = {split: [row["request_id"] for row in rows if row["split"] == split] for split in ("train", "holdout")}
    denied = {*by_split["train"][:3], *by_split["holdout"][:3]}
    assert len(denied) == 6
    earn, other = (
        np.where(np.arange(3) == store.loop.task.classes.index(name), sure, (1 - sure) / 2) for name in ("earn", "acq")
    )
    opinions = {
        row["request_id"]: Opinion(other if row["request_id"] in denied else earn, "dawid_skene") for row in rows
    }
    answered = [replace(each, annotations=each.annotations[: len(people)]) for each in answered_requests(store)]
    found = suspicions(store, proposals_of(store, answered, opinions), opinions)
    return found, by_split["train"][:3]


def test_next_tier_answers_labels_to_train_on_that_the_model_denies(tmp_path):
    found, expected = accused(tmp_path, tiers=[{"name": "reviewer"}])
    assert found == dict.fromkeys(expected, SUSPECTED)


def test_labels_that_several_people_leave_no_doubt_about_are_not_accused(tmp_path):
    """The model errs on what it is asked about: in a demo it denied two of three labels, and people were right."""
    assert accused(tmp_path, sure=0.995, tiers=[{"name": "reviewer"}])[0] == {}


def test_only_answer_is_open_to_doubt_however_sure_it_is(tmp_path):
    found, expected = accused(tmp_path, sure=0.995, people=("ann",), tiers=[{"name": "reviewer"}])
    assert found == dict.fromkeys(expected, SUSPECTED)


@pytest.mark.parametrize("escalation", [{}, {"tiers": [{"name": "reviewer"}], "suspected_errors": False}])
def test_nobody_is_accused_where_nobody_would_be_asked(tmp_path, escalation):
    assert accused(tmp_path, **escalation)[0] == {}
