"""The loop's decisions: one frozen class a kind, and the chain that they are recorded in.

Stages pass decisions to each other as these types: ``latest(store, GateVerdict)`` is a `GateVerdict` or None.
"""

from include.foundation.decisions.accepted_normal import AcceptedNormal
from include.foundation.decisions.broken_links import broken_links
from include.foundation.decisions.chain import (
    Link,
    find,
    head,
    latest,
    outcomes,
    record,
    record_first,
    recorded,
    referenced,
)
from include.foundation.decisions.challenger_evaluation import Evaluation
from include.foundation.decisions.compared_day import ComparedDay
from include.foundation.decisions.decision import Decision
from include.foundation.decisions.deployment_approval import Approval
from include.foundation.decisions.drift_verdict import DriftVerdict
from include.foundation.decisions.gate_verdict import GateVerdict
from include.foundation.decisions.guard_verdict import GuardVerdict
from include.foundation.decisions.live_comparison import LiveComparison
from include.foundation.decisions.published_dataset import PublishedDataset
from include.foundation.decisions.registered_version import RegisteredVersion
from include.foundation.decisions.retrain_plan import RetrainPlan
from include.foundation.decisions.selected_batch import SelectedBatch
from include.foundation.decisions.trained_challenger import TrainedChallenger

__all__ = [
    "AcceptedNormal",
    "Approval",
    "ComparedDay",
    "Decision",
    "DriftVerdict",
    "Evaluation",
    "GateVerdict",
    "GuardVerdict",
    "Link",
    "LiveComparison",
    "PublishedDataset",
    "RegisteredVersion",
    "RetrainPlan",
    "SelectedBatch",
    "TrainedChallenger",
    "broken_links",
    "find",
    "head",
    "latest",
    "outcomes",
    "record",
    "record_first",
    "recorded",
    "referenced",
]
