"""Whether to train a challenger now, judge a pending one again, or do nothing; each with reasons."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pyarrow as pa

from include.foundation.decisions import DriftVerdict, GateVerdict, PublishedDataset, RetrainPlan, find, latest, record
from include.foundation.decisions.drift_verdict import Route
from include.foundation.digests import digest_of, table_digest
from include.foundation.intervals import Interval
from include.foundation.store.ledgers.outcomes import settled_requests
from include.foundation.store.tables import LoopStore
from include.stages.labels.datasets import Dataset, read_dataset, trained_on

FINAL = ("promote", "reject")
Outcome = Literal["train", "judge_pending", "no"]


@dataclass(frozen=True)
class _Case:
    """What the decision rests on."""

    dataset: Dataset
    name: str
    key: str
    last: RetrainPlan | None  # newest decision to train whose challenger was judged
    new_labels: int
    route: Route  # of the newest drift verdict, while an alarm is up


def decide_retrain(store: LoopStore, *, force: bool = False) -> RetrainPlan:
    """Decide on the newest dataset and record why.

    Parameters
    ----------
    store
        Tables of the loop.
    force
        A person's wish: train although no rule asks for it.

    Returns
    -------
    RetrainPlan
        About the challenger that the newest dataset makes, or the pending one.
    """
    published = latest(store, PublishedDataset)
    if published is None:
        return record(store, RetrainPlan(subject="none", outcome="no", reasons=("No dataset was published yet.",)))
    pending = pending_challenger(store)
    if pending is not None:
        return record(store, _judge_pending(store, pending, published))
    case = _case(store, published)
    outcome, reasons = _rules(store, case, force=force)
    newest = _newest(case.dataset.train) if case.dataset.train.num_rows else None
    return record(
        store,
        RetrainPlan(
            subject=case.key, outcome=outcome, reasons=tuple(reasons), challenger_key=case.key, dataset=case.name,
            evaluation_dataset=case.name, new_labels=case.new_labels, train=case.dataset.train.num_rows,
            drift=case.route == "retrain", route=case.route, forced=force, newest_label=newest,
        ),
    )  # fmt: skip


def pending_challenger(store: LoopStore) -> RetrainPlan | None:
    """Return the plan of the challenger that waits for more labels, or None.

    A challenger is pending from the gate's *label more* until its *promote* or *reject*.
    """
    verdict = latest(store, GateVerdict)
    if verdict is None or verdict.outcome in FINAL:
        return None
    plans = [plan for plan in find(store, RetrainPlan, verdict.subject) if plan.outcome == "train"]
    return plans[-1] if plans else None


def challenger_key(store: LoopStore, train: pa.Table) -> str:
    """Return the key of the challenger that these rows and the present configuration make (16 hex digits)."""
    rows = train.drop_columns(["label_id", "supersedes", "decided_at", "request_id", "evidence_for"])
    return digest_of(store.loop.name, table_digest(rows), store.loop.training.model_dump(mode="json"))[:16]


def _case(store: LoopStore, published: PublishedDataset) -> _Case:
    dataset = read_dataset(store, published.subject)
    judged = {verdict.subject for verdict in find(store, GateVerdict)}  # a dry run or a failed one uses no label up
    trained = [plan for plan in find(store, RetrainPlan) if plan.outcome == "train" and plan.subject in judged]
    last = trained[-1] if trained else None
    known = trained_on(store, last.dataset) if last else set()
    new = sum(label not in known for label in dataset.train.column("label_id").to_pylist())
    key = challenger_key(store, dataset.train)
    return _Case(dataset, published.subject, key, last, new, _alarm_route(store))


def _judge_pending(store: LoopStore, plan: RetrainPlan, published: PublishedDataset) -> RetrainPlan:
    """Judge the pending challenger again once its labels are back; until then do nothing."""
    key = plan.subject
    waiting = _open_evidence(store, key)
    verdict = latest(store, GateVerdict, key)
    outcome: Outcome = "no"
    if waiting:
        reason = f"Challenger {key} is pending: {waiting} labels are not back yet."
    elif verdict is not None and verdict.dataset == published.subject:
        reason = f"Challenger {key} is pending and no label came in since it was judged."
    else:
        outcome, reason = "judge_pending", f"The labels that challenger {key} waited for are back."
    changes = {"outcome": outcome, "reasons": (reason,), "evaluation_dataset": published.subject, "waiting": waiting}
    return plan.model_copy(update={**changes, "round": verdict.round if verdict else 0})


def _open_evidence(store: LoopStore, key: str) -> int:
    """Count the requests of a challenger's evidence, pushed or not yet, that are neither settled nor past the deadline."""
    settled, overdue = settled_requests(store), datetime.now(UTC) - timedelta(hours=store.loop.labeling.deadline_hours)
    asked = store.read("requests", filters=[("evidence_for", "=", key)])
    return sum(
        row["request_id"] not in settled and (row["pushed_at"] is None or row["pushed_at"] > overdue)
        for row in asked.to_pylist()
    )


def _rules(store: LoopStore, case: _Case, *, force: bool) -> tuple[Outcome, list[str]]:
    obstacle = _obstacle(store, case)
    if obstacle:
        return "no", [obstacle]
    if case.last is None:
        return "train", [f"There is no model yet, and {case.dataset.train.num_rows} labels to train a first one."]
    if force:
        return "train", ["A person asked for it."]
    policy, drifted = store.loop.retrain, case.route == "retrain"
    needed = policy.min_new_labels_on_drift if drifted else policy.min_new_labels
    why = "while drift is confirmed" if drifted else "since the last challenger"
    reason = _waits(case, needed, why, policy.cooldown_hours)
    return (
        ("no", [reason])
        if reason
        else ("train", [f"{case.new_labels} new labels to train on; {needed} are needed {why}."])
    )


def _waits(case: _Case, needed: int, why: str, cooldown_hours: float) -> str | None:
    """Return what is still missing for a training that nobody asked for, or None."""
    if case.new_labels < needed:
        return f"{case.new_labels} new labels to train on, {needed} are needed {why}."
    if case.route == "fix_data":
        return f"{case.new_labels} new labels, but the newest drift alarm is a fault of the data: mend it first."
    rest = _cooldown_left(case, cooldown_hours)
    if rest > timedelta(0):
        return f"{case.new_labels} new labels, but the cool-down lasts {rest} of log time more."
    return None


def _obstacle(store: LoopStore, case: _Case) -> str | None:
    """Return why not even a person's wish can be met, or None."""
    classes = set(case.dataset.train.column("label").to_pylist())
    if len(classes) < 2:
        return f"{case.dataset.train.num_rows} labels of {len(classes)} classes are too few to train on."
    if any(verdict.outcome in FINAL for verdict in find(store, GateVerdict, case.key)):
        return f"Challenger {case.key} was made of the same labels and configuration, and is judged."
    return None


def _cooldown_left(case: _Case, hours: float) -> timedelta:
    """Return how much log time must pass: the clock does not matter, so a backfill decides as the live run did."""
    if case.last is None or case.last.newest_label is None:
        return timedelta(0)
    passed: timedelta = _newest(case.dataset.train) - case.last.newest_label
    return timedelta(hours=hours) - passed


def _newest(rows: pa.Table) -> Any:
    return max(rows.column("ts").to_pylist())


def _alarm_route(store: LoopStore) -> Route:
    """Return the route of the newest verdict while an alarm is up: all windows since it are flagged; else ``none``.

    In its cool-down an alarm that goes on is called *drift*. Of an interval that was judged again the last verdict counts.
    """
    newest = {Interval.from_key(verdict.subject): verdict for verdict in find(store, DriftVerdict)}
    verdicts = [newest[span] for span in sorted(newest, key=lambda span: span.end, reverse=True)]
    ended = next((verdict.outcome for verdict in verdicts if verdict.outcome != "drift"), None)
    return verdicts[0].route if ended == "alarm" else "none"
