"""Each kind of decision is read back as it was recorded, also by versions that came before the classes."""

import json
import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from include.foundation.decisions import (
    Approval,
    DriftVerdict,
    Evaluation,
    GateVerdict,
    GuardVerdict,
    PublishedDataset,
    RetrainPlan,
    SelectedBatch,
    broken_links,
    latest,
    record,
    referenced,
)
from include.foundation.digests import digest_of
from include.foundation.errors import StoreError
from tests.builders import make_store
from tests.decision_builders import (
    Note,
    make_approval,
    make_column_finding,
    make_compared_day,
    make_dataset_decision,
    make_drift_verdict,
    make_evaluation,
    make_gate_verdict,
    make_guard_verdict,
    make_plan,
)

KINDS = {
    kind.kind: kind
    for kind in (
        Approval, DriftVerdict, Evaluation, GateVerdict, GuardVerdict, PublishedDataset, RetrainPlan, SelectedBatch,
    )
}  # fmt: skip
RECORDED = json.loads((Path(__file__).parent / "recorded_decisions.json").read_text())
DRAWN = {"trace_id": "t1", "asked_trace_id": "t0", "alike": 2, "champion": "a", "predecessor": "b"}
MADE = [
    make_approval(make_gate_verdict()), make_dataset_decision(), make_drift_verdict("day", columns=[make_column_finding()]),
    make_evaluation(), make_gate_verdict(), make_guard_verdict(score=None), make_plan(), make_compared_day(drawn=[DRAWN]),
]  # fmt: skip


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: f"{row['kind']}-{row['outcome']}")
def test_decision_recorded_before_there_were_classes_keeps_its_digest_and_every_key(row):
    said = {"subject": row["subject"], "outcome": row["outcome"], "reasons": tuple(row["reasons"])}
    decision = KINDS[row["kind"]](**said, **row["evidence"])
    assert decision.evidence == row["evidence"]
    assert decision.evidence_digest == row["evidence_digest"]
    assert digest_of(row["kind"], row["subject"], row["outcome"], row["evidence"]) == row["evidence_digest"]


def test_recorded_decisions_are_of_every_kind():
    assert {row["kind"] for row in RECORDED} == set(KINDS)


@pytest.mark.parametrize("decision", MADE, ids=lambda decision: decision.kind)
def test_decision_is_read_back_by_its_class_and_by_its_reference(tmp_path, decision):
    store = make_store(tmp_path)
    record(store, decision)
    again = latest(store, type(decision))
    assert again is not None
    assert type(again) is type(decision)
    assert again.reference == decision.reference == referenced(store, type(decision), decision.reference).reference
    assert broken_links(store) == []


@pytest.mark.parametrize("decision", MADE, ids=lambda decision: decision.kind)
def test_decision_is_frozen_and_refuses_what_it_does_not_know(decision):
    with pytest.raises(ValidationError, match="frozen"):
        decision.subject = "another"
    with pytest.raises(ValidationError, match="colour"):
        type(decision)(**dict(decision), colour="red")


def test_what_is_not_set_is_not_stored():
    assert Note(subject="s", outcome="o", reasons=()).evidence == {}
    assert Note(subject="s", outcome="o", reasons=(), number=None).evidence == {"number": None}


def test_decision_of_a_newer_version_is_refused_with_its_keys(tmp_path):
    class Newer(Note):
        colour: str

    store = make_store(tmp_path)
    record(store, Newer(subject="s", outcome="o", reasons=(), colour="red"))
    with pytest.raises(StoreError, match="colour") as caught:
        latest(store, Note)
    assert "update this one" in str(caught.value)


@pytest.mark.parametrize(
    ("decision", "defaults"),
    [
        (make_gate_verdict(), {"e_value": None, "needed": None, "level": None, "wins": 0, "losses": 0}),
        (make_guard_verdict(), {"score": None, "floor": None, "versions": {}, "watch_ended": False}),
        (make_drift_verdict("day"), {"columns": (), "columns_judged": 0, "monitors": (), "segments": ()}),
        (make_dataset_decision(), {"former_names": {}, "retired": 0}),
        (
            make_plan(),
            {"new_labels": 0, "train": 0, "drift": False, "route": "none", "forced": False, "waiting": 0, "round": 0},
        ),
    ],
    ids=lambda value: value.kind if hasattr(value, "kind") else "",
)
def test_what_an_earlier_version_did_not_record_is_nothing(decision, defaults):
    assert {name: getattr(decision, name) for name in defaults} == defaults


def test_numbers_without_a_bound_are_kept(tmp_path):
    store = make_store(tmp_path)
    note = record(store, Note(subject="s", outcome="o", reasons=(), number=math.inf))
    again = latest(store, Note)
    assert again is not None
    assert (again.number, again.evidence_digest) == (math.inf, note.evidence_digest)
