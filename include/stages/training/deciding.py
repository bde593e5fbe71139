"""Decide whether to train a challenger now, judge a pending one again, or do neither; each with reasons."""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pyarrow as pa

from include.foundation.decisions import (
    DriftVerdict,
    GateVerdict,
    GuardVerdict,
    PublishedDataset,
    RetrainPlan,
    find,
    latest,
    outcomes,
    record,
)
from include.foundation.decisions.drift_verdict import Route
from include.foundation.decisions.verdict_history import verdicts_back
from include.foundation.digests import column_digest, digest_of
from include.foundation.store.ledgers.deployments import history
from include.foundation.store.ledgers.outcomes import is_overdue, resolved_requests
from include.foundation.store.tables import LoopStore
from include.stages.labels.datasets import Dataset, trained_on
from include.stages.selection.evidence_requests import evidence_batch
from include.stages.training.awaited_requests import enough_live
from include.stages.training.recent_labels import configuration, training_dataset

FINAL = ("promote", "reject")
Outcome = Literal["train", "judge_pending", "no"]


@dataclass(frozen=True)
class _Situation:
    """The facts that a decision to train rests on."""

    dataset: Dataset
    dataset_name: str
    challenger_key: str  # of the challenger that this dataset would make
    last_training: RetrainPlan | None  # newest plan to train whose challenger was judged
    new_labels: int  # training labels that the last training did not have
    route: Route  # of the newest drift verdict, while an alarm is up
    misses_promise: bool  # whether the newest verdict on what is live asks for training
    changed_at: datetime | None = None  # when accuracy was shown to have dropped last
    train_since: datetime | None = None  # of the oldest label that is trained on; None for all


def decide_retrain(store: LoopStore, *, force: bool = False) -> RetrainPlan:
    """Decide what to do with the newest dataset, and record why.

    Parameters
    ----------
    store
        Tables of the loop.
    force
        Train because a person wants it, although no rule asks for it.

    Returns
    -------
    RetrainPlan
        Its subject is the key of the challenger that the newest dataset would make, or of the pending one.
    """
    published = latest(store, PublishedDataset)
    if published is None:
        return record(store, RetrainPlan(subject="none", outcome="no", reasons=("No dataset was published yet.",)))
    pending = pending_challenger(store)
    if pending is not None:
        return record(store, _judge_pending(store, pending, published))
    situation = _situation(store, published)
    outcome, reason = _outcome(store, situation, force=force)
    if outcome == "train":
        situation = _on_what_helps(store, situation)
        outcome, reason = _outcome(store, situation, force=force)
    reasons = (reason,) if situation.train_since is None else (reason, _without_older(situation.train_since))
    key, name, train = situation.challenger_key, situation.dataset_name, situation.dataset.train
    return record(
        store,
        RetrainPlan(
            subject=key, outcome=outcome, reasons=reasons, challenger_key=key, dataset=name, evaluation_dataset=name,
            new_labels=situation.new_labels, train=train.num_rows, drift=situation.route == "retrain",
            route=situation.route, missed_promise=situation.misses_promise, forced=force,
            newest_label=_newest(train) if train.num_rows else None, changed_at=situation.changed_at,
            train_since=situation.train_since,
        ),
    )  # fmt: skip


def pending_challenger(store: LoopStore) -> RetrainPlan | None:
    """Return the plan of the pending challenger, or None.

    A challenger is pending from the gate's *label more* or *await live* until the gate promotes or rejects it.
    """
    verdict = latest(store, GateVerdict)
    if verdict is None or not verdict.is_pending:
        return None
    plans = find(store, RetrainPlan, verdict.subject, outcome="train")
    return plans[-1] if plans else None


def challenger_key(store: LoopStore, train: pa.Table) -> str:
    """Return the key of the challenger that these rows and the loop's configuration make: 16 hex digits."""
    rows = train.drop_columns(["label_id", "supersedes", "decided_at", "request_id", "evidence_for"])
    return digest_of(store.loop.name, column_digest(rows), configuration(store.loop))[:16]


def _situation(store: LoopStore, published: PublishedDataset) -> _Situation:
    dataset = training_dataset(store, published.subject)
    judged = {subject for subject, _ in outcomes(store, GateVerdict)}  # a dry run or a failed run uses up no labels
    trained = [plan for plan in find(store, RetrainPlan, outcome="train") if plan.subject in judged]
    last = trained[-1] if trained else None
    used = trained_on(store, last.dataset) if last else set()
    new_labels = sum(label not in used for label in dataset.train.column("label_id").to_pylist())
    key = challenger_key(store, dataset.train)
    return _Situation(dataset, published.subject, key, last, new_labels, _alarm_route(store), _misses_promise(store))


def _on_what_helps(store: LoopStore, situation: _Situation) -> _Situation:
    """Return the situation with the labels since a drop of accuracy alone, where those from before it do not help."""
    from include.stages.training.since_change import likely_change, older_help

    rows = situation.dataset.train
    change = likely_change(store, rows, situation.last_training)
    if change is None or older_help(store.loop, rows, change):
        return replace(situation, changed_at=change.moment if change and change.is_shown else None)
    dataset = training_dataset(store, situation.dataset_name, change.moment)
    key = challenger_key(store, dataset.train)
    return replace(situation, dataset=dataset, challenger_key=key, changed_at=change.moment, train_since=change.moment)


def _without_older(since: datetime) -> str:
    return (
        f"What is right seems to have changed on {since:%Y-%m-%d}: without labels from before it a model is more often right "
        "on labels since then, so it is trained on these alone."
    )


def _judge_pending(store: LoopStore, plan: RetrainPlan, published: PublishedDataset) -> RetrainPlan:
    """Return the plan to judge the pending challenger again if what it waits for is there, else to do nothing."""
    key = plan.subject
    verdict = latest(store, GateVerdict, key)
    if verdict is not None and verdict.outcome == "await_live":
        asked = enough_live(store, key)
        changes = {
            "outcome": asked.outcome,
            "reasons": (asked.reason,),
            "evaluation_dataset": verdict.dataset,
            "waiting": 0,
        }
        return plan.model_copy(update={**changes, "round": verdict.round})
    waiting, enough = _open_requests(store, key, verdict.round if verdict else 0)
    outcome: Outcome = "no"
    left = f", but {waiting}, which count if they come before it is decided" if waiting else ""
    if not enough:
        reason = f"Challenger {key} is pending: {waiting} labels are not back yet."
    elif verdict is not None and verdict.dataset == published.subject:
        reason = f"Challenger {key} is pending and no label came in since it was judged."
    else:
        outcome, reason = "judge_pending", f"The labels that challenger {key} waited for are back{left}."
    changes = {"outcome": outcome, "reasons": (reason,), "evaluation_dataset": published.subject, "waiting": waiting}
    return plan.model_copy(update={**changes, "round": verdict.round if verdict else 0})


def _open_requests(store: LoopStore, key: str, round_number: int) -> tuple[int, bool]:
    """Count the requests for a challenger that are neither resolved nor past their deadline, and tell if they are few.

    They are if no more than ``labeling.quorum`` leaves of the newest round: the gate may look at any time, and a round that
    waits for its slowest answers lasts as long as these do.
    """
    resolved = resolved_requests(store)
    now, loop = datetime.now(UTC), store.loop
    requests = store.read("requests", filters=[("evidence_for", "=", key)])
    is_open = sum(row["request_id"] not in resolved and not is_overdue(loop, row, now) for row in requests.to_pylist())
    asked = requests.column("batch_id").to_pylist().count(evidence_batch(key, round_number))
    return is_open, is_open <= asked - math.ceil(loop.labeling.quorum * asked)


def _outcome(store: LoopStore, situation: _Situation, *, force: bool) -> tuple[Outcome, str]:
    """Return the outcome and its reason: obstacles first, then the first model, a person's wish, and the loop file's rules."""
    obstacle = _obstacle(store, situation)
    if obstacle:
        return "no", obstacle
    if situation.last_training is None:
        return "train", f"There is no model yet, and {situation.dataset.train.num_rows} labels to train a first one."
    if force:
        return "train", "A person asked for it."
    policy, urgency = store.loop.retrain, _urgency(situation)
    needed = policy.min_new_labels_on_drift if urgency else policy.min_new_labels
    condition = urgency or "since the last challenger"
    missing = _missing(situation, needed, condition, policy.cooldown_hours)
    if missing:
        return "no", missing
    return "train", f"{situation.new_labels} new labels to train on; {needed} are needed {condition}."


def _urgency(situation: _Situation) -> str | None:
    """Return why fewer labels are enough, or None."""
    if situation.route == "retrain":
        return "while drift is confirmed"
    return "while what is live misses its promise" if situation.misses_promise else None


def _missing(situation: _Situation, needed: int, condition: str, cooldown_hours: float) -> str | None:
    """Return which rule of the loop file is not met yet, or None."""
    if situation.new_labels < needed:
        return f"{situation.new_labels} new labels to train on, {needed} are needed {condition}."
    if situation.route == "fix_data":
        return f"{situation.new_labels} new labels, but the newest drift alarm is a fault of the data: mend it first."
    left = _cooldown_left(situation, cooldown_hours)
    if left > timedelta(0):
        return f"{situation.new_labels} new labels, but the cool-down lasts {left} of log time more."
    return None


def _obstacle(store: LoopStore, situation: _Situation) -> str | None:
    """Return why no challenger can be trained, not even if a person wants it, or None."""
    classes = set(situation.dataset.train.column("label").to_pylist())
    if len(classes) < 2:
        return f"{situation.dataset.train.num_rows} labels of {len(classes)} classes are too few to train on."
    if any(verdict.outcome in FINAL for verdict in find(store, GateVerdict, situation.challenger_key)):
        return f"Challenger {situation.challenger_key} was made of the same labels and configuration, and is judged."
    return None


def _cooldown_left(situation: _Situation, hours: float) -> timedelta:
    """Return how much more log time must pass. It is not clock time, so that a backfill decides as a live run would."""
    if situation.last_training is None or situation.last_training.newest_label is None:
        return timedelta(0)
    passed: timedelta = _newest(situation.dataset.train) - situation.last_training.newest_label
    return timedelta(hours=hours) - passed


def _newest(rows: pa.Table) -> Any:
    return max(rows.column("ts").to_pylist())


def _misses_promise(store: LoopStore) -> bool:
    """Tell whether the guard's newest verdict asks for training, and is about what is live now."""
    guard, deployments = latest(store, GuardVerdict), history(store)
    return bool(guard and guard.asks_for_training and deployments[-1].evidence_digest == guard.deployment)


def _alarm_route(store: LoopStore) -> Route:
    """Return the route of the newest drift verdict while an alarm is up, else ``none``.

    An alarm is up while every window since then is flagged: in the cool-down their outcome is *drift*. If an interval was
    judged more than once, its last verdict counts.
    """
    newest: DriftVerdict | None = None
    for _, verdict in verdicts_back(store):
        newest = newest or verdict
        if verdict.outcome != "drift":
            return newest.route if verdict.outcome == "alarm" else "none"
    return "none"
