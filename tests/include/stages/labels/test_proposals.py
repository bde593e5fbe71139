"""What a label and a refusal say, and where exactly a doubt begins."""

import json
from datetime import timedelta

import numpy as np
import pytest

from include.foundation.store.ledgers.annotations import Annotation
from include.foundation.store.ledgers.outcomes import label_id_of
from include.stages.labels.answered_requests import AnsweredRequest
from include.stages.labels.consensus import Opinion
from include.stages.labels.proposals import Proposal, Why, label_row, objection, proposals_of, set_aside_row
from tests.builders import DAY, make_loop
from tests.include.stages.labels.label_builders import pushed_store

REQUEST = {
    "request_id": "r", "trace_id": "t", "batch_id": "b", "split": "holdout", "stratum": "random",
    "inclusion_probability": 0.25, "evidence_for": "c1", "content_key": "k", "near_key": "n", "group_key": "g",
    "hidden_prelabel": True,
}  # fmt: skip
PREDICTION = {"input_text": "OPEC meets", "segment_desk": "eu", "predicted": "grain", "model_version": "4", "ts": DAY,
              "trace_id": "t", "user_key": "u"}  # fmt: skip


def answered(*labels):
    annotations = [
        Annotation(f"a{n}", "r", "t", f"p{n}", label, DAY + timedelta(minutes=n), "f") for n, label in enumerate(labels)
    ]
    return AnsweredRequest("r", annotations, is_resolved=False)


def proposal(*labels, confidence=0.9, is_tied=False):
    return Proposal(answered(*labels), REQUEST, PREDICTION, "earn", confidence, is_tied, "dawid_skene")


def test_label_says_what_was_asked_served_and_answered():
    row = label_row(proposal("earn", "earn", "acq", ""), "l0")
    assert row == {
        "label_id": label_id_of("r", ["a0", "a1", "a2", "a3"]), "trace_id": "t", "request_id": "r", "label": "earn",
        "decided_by": "dawid_skene", "tier": 1, "rationale": None, "confidence": 0.9, "annotators": 3,
        "agreement": pytest.approx(2 / 3),
        "origin": "fresh", "split": "holdout", "stratum": "random", "inclusion_probability": 0.25,
        "evidence_for": "c1", "content_key": "k", "near_key": "n", "group_key": "g",
        "hidden_prelabel": True, "supersedes": "l0", "predicted": "grain", "model_version": "4",
        "ts": DAY, "decided_at": DAY + timedelta(minutes=3), "input_text": "OPEC meets", "segment_desk": "eu",
    }  # fmt: skip


def test_refusal_names_request_batch_and_reason():
    row = set_aside_row(proposal("earn", "acq"), Why("ambiguous", "why"))
    assert json.loads(row.pop("raw")) == {"request_id": "r", "batch_id": "b"}
    assert row == {
        "refusal_id": label_id_of("r", ["a0", "a1"]), "stage": "labels", "source": "r", "trace_id": "t",
        "reason_code": "ambiguous", "reason": "why",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "confidence", "is_tied", "code"),
    [
        (("earn", "earn"), 0.8, False, None),
        (("earn", "earn"), 0.799999999, False, "ambiguous"),
        (("earn", "earn"), 0.9, True, "ambiguous"),
        (("earn", "earn", ""), 0.9, False, None),
        (("earn", ""), 0.9, False, "declined"),
        (("",), 0.0, False, "declined"),
        (("earn",), 0.9, False, None),
    ],
)
def test_doubt_begins_below_the_confidence_and_with_as_many_declines_as_votes(
    tmp_path, labels, confidence, is_tied, code
):
    doubt = objection(make_loop(tmp_path), proposal(*labels, confidence=confidence, is_tied=is_tied))
    assert (doubt and doubt[0]) == code


def test_reasons_say_who_said_what(tmp_path):
    loop = make_loop(tmp_path, labels={"rules": [{"name": "oil", "input": "text", "when": "opec", "deny": ["earn"]}]})
    assert objection(loop, proposal("earn", "acq", "earn", confidence=0.5)) == (
        "ambiguous", "confidence 0.50 is below 0.80: annotators said {'acq': 1, 'earn': 2}",
    )  # fmt: skip
    assert objection(loop, proposal("earn", "", "")) == (
        "declined", "2 of 3 annotators declined: look at whether it can be answered",
    )  # fmt: skip
    assert objection(loop, proposal("earn")) == (
        "rule_broken", "rule oil: label 'earn' is not possible where text matches 'opec'",
    )  # fmt: skip


def test_agreement_is_the_share_of_votes_and_unknown_without_one():
    assert proposal("earn", "acq", "acq", "").agreement == pytest.approx(1 / 3)
    assert proposal("").agreement is None


@pytest.mark.parametrize(
    ("probabilities", "place", "confidence", "is_tied"),
    [
        ([0.1, 0.7, 0.2], 1, 0.7, False),
        ([0.5, 0.5, 0.0], 0, 0.5, True),
        ([0.5 + 1e-12, 0.5, 0.0], 0, 0.5, True),
        ([0.5 + 1e-8, 0.5 - 1e-8, 0.0], 0, 0.50000001, False),
        (None, 0, 0.0, True),
    ],
)
def test_proposal_is_the_most_probable_class(tmp_path, probabilities, place, confidence, is_tied):
    store, requests = pushed_store(tmp_path, 2)
    asked = AnsweredRequest(requests["t1"], answered("earn").annotations, is_resolved=False)
    given = {} if probabilities is None else {requests["t1"]: Opinion(np.array(probabilities), "majority")}
    (made,) = proposals_of(store, [asked], given)
    assert (made.label, made.confidence, made.is_tied) == (store.loop.task.classes[place], confidence, is_tied)
    assert (made.request["request_id"], made.prediction["trace_id"]) == (requests["t1"], "t1")


def test_nothing_to_propose(tmp_path):
    store, _ = pushed_store(tmp_path, 1)
    assert proposals_of(store, [], {}) == []
