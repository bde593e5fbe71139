"""Decisions as stages make them, for tests: whole, with what a test cares about changed."""

from typing import Any

from include.foundation.decisions import (
    Approval,
    ComparedDay,
    Decision,
    DriftVerdict,
    Evaluation,
    GateVerdict,
    GuardVerdict,
    PublishedDataset,
    RetrainPlan,
)
from include.foundation.decisions.challenger_evaluation import (
    ConfidenceCalibration,
    Differences,
    DisagreementCensus,
    Scores,
)
from include.foundation.decisions.drift_verdict import ColumnFinding
from include.foundation.statistics.estimates import UNKNOWN, Estimate

SCORE = Estimate(0.8, 0.75, 0.85, 200, 200.0)


class Note(Decision):
    """A decision of no stage, for tests of the chain itself."""

    kind = "note"
    number: float | str | None = None
    share: float | None = None


def make_scores(champion: Estimate = SCORE, challenger: Estimate = SCORE, difference: Estimate = UNKNOWN) -> Scores:
    return Scores(champion=champion, challenger=challenger, difference=difference)


def make_evaluation(key: str = "key", **changes: Any) -> Evaluation:
    whole: dict[str, Any] = {
        "subject": key, "reasons": (), "challenger_key": key, "run_id": f"run-{key}", "champion_version": "1", "dataset": "d1",
        "scores": make_scores(difference=SCORE), "per_class": {}, "slices": (), "score_unit": 1.0,
        "calibration": ConfidenceCalibration(verdict="inconclusive"), "differences": Differences(),
        "window": DisagreementCensus(rows=1000, share=0.1, askable=500),
    }  # fmt: skip
    return Evaluation(**(whole | changes))


def make_gate_verdict(key: str = "key", outcome: str = "promote", **changes: Any) -> GateVerdict:
    whole: dict[str, Any] = {
        "subject": key, "outcome": outcome, "reasons": (f"Said {outcome}.",), "dataset": "d1", "champion_version": None,
        "scores": make_scores(champion=UNKNOWN), "run_id": f"run-{key}", "evaluation": "e" * 64, "round": 1, "nth": 1, "k": 0,
        "slices": (),
    }  # fmt: skip
    return GateVerdict(**(whole | changes))


def make_approval(gate: GateVerdict, outcome: str = "approved", by: str = "policy auto") -> Approval:
    return Approval(subject=gate.subject, outcome=outcome, reasons=(), gate=gate.evidence_digest, by=by)


def make_guard_verdict(version: str = "2", outcome: str = "broken", **changes: Any) -> GuardVerdict:
    return GuardVerdict(**({"subject": version, "outcome": outcome, "reasons": ("Broken.",)} | changes))


def make_compared_day(number: int = 1, **changes: Any) -> ComparedDay:
    whole: dict[str, Any] = {
        "subject": f"guard-d-{number}", "outcome": "compared", "reasons": (), "deployment": "d", "number": number,
        "day": "2026-11-01", "champion": "2", "predecessor": "1", "rows": 1000, "differing": 100, "drawn": (),
    }  # fmt: skip
    return ComparedDay(**(whole | changes))


def make_plan(key: str = "key", outcome: str = "train", **changes: Any) -> RetrainPlan:
    return RetrainPlan(**({"subject": key, "outcome": outcome, "reasons": (), "challenger_key": key} | changes))


def make_dataset_decision(name: str = "abc", **changes: Any) -> PublishedDataset:
    whole: dict[str, Any] = {
        "subject": name, "reasons": ("12 labels.",), "digest": name, "labels_version": 0, "train": 12, "holdout": 0,
        "added": 12, "removed": 0, "changed": 0, "classes": {},
    }  # fmt: skip
    return PublishedDataset(**(whole | changes))


def make_drift_verdict(interval_key: str, outcome: str = "stable", **changes: Any) -> DriftVerdict:
    whole: dict[str, Any] = {
        "subject": interval_key, "outcome": outcome, "reasons": (), "route": "none",
        "flagged": outcome in {"alarm", "drift"}, "rows": 10, "reference_days": 28,
    }  # fmt: skip
    return DriftVerdict(**(whole | changes))


def make_column_finding(column: str = "predicted", **changes: Any) -> ColumnFinding:
    whole: dict[str, Any] = {
        "monitor": "data", "column": column, "segment": "", "statistic": "location", "effect": 0.3, "p_value": 0.001,
        "flagged": True, "expected": 0.0, "found": 0.3, "rows": 100,
    }  # fmt: skip
    return ColumnFinding(**(whole | changes))
