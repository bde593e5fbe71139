"""One row a cycle: from the logs pulled to what was deployed, read from the store's tables."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.evaluation.estimates import Estimate, weighted_mean
from include.labels.outcomes import current_labels, set_aside
from include.store.decisions import Decision, find
from include.store.interval import Interval
from include.store.tables import LoopStore


@dataclass(frozen=True)
class CycleSummary:
    """What one batch of requests led to.

    A cycle is an interval whose selection asked for labels, with every evidence round up to the next. ``live_score`` is the
    weighted share of right answers among the interval's random rows, as they were served.
    """

    number: int
    interval: str
    pulled: int
    quarantined: int
    drift: str
    asked: int
    received: int
    accepted: int
    challenger: str | None
    verdict: str | None
    why: str
    champion: str | None
    live_score: Estimate
    labels_spent: int


def cycles(store: LoopStore) -> list[CycleSummary]:
    """Return the cycles, oldest first; empty if no label was ever asked for."""
    batches = sorted(find(store, "selection"), key=lambda batch: Interval.from_key(batch.subject).end)
    found: list[CycleSummary] = []
    facts = _Facts(store)
    for number, batch in enumerate(batches, start=1):
        found.append(facts.cycle(number, batch.subject, spent=found[-1].labels_spent if found else 0))
    return found


class _Facts:
    """The tables, read once."""

    def __init__(self, store: LoopStore) -> None:
        self.requests = store.read("requests").to_pylist()
        self.answered = {row["request_id"] for row in store.read("annotations", columns=["request_id"]).to_pylist()}
        self.labels = current_labels(store.read("labels")).to_pylist()
        self.aside = set(set_aside(store).column("source").to_pylist())
        self.days = store.read("predictions", columns=["ts"]).column("ts").to_pylist()
        self.quarantine = store.read("quarantine", filters=[("stage", "=", "logs")]).to_pylist()
        self.drift = {verdict.subject: verdict for verdict in find(store, "drift")}
        self.plans = [plan for plan in find(store, "retrain") if plan.outcome == "train"]
        self.gates = find(store, "gate")
        self.deployments = store.read("deployments").sort_by("sequence").to_pylist()

    def cycle(self, number: int, key: str, *, spent: int) -> CycleSummary:
        interval = Interval.from_key(key)
        verdict = self._verdict(interval)
        judged = {verdict.subject} if verdict else set()
        ids = {row["request_id"] for row in self.requests if self._belongs(row, interval, judged)}
        return CycleSummary(
            number=number,
            interval=key,
            pulled=sum(interval.start <= ts < interval.end for ts in self.days),
            quarantined=sum(row["interval_start"] == interval.start and row["interval_end"] == interval.end
                            for row in self.quarantine),
            drift=self._drift(key),
            asked=len(ids),
            received=len(ids & self.answered),
            accepted=sum(label["request_id"] in ids for label in self.labels),
            challenger=verdict.subject if verdict else None,
            verdict=verdict.outcome if verdict else None,
            why=" ".join(verdict.reasons) if verdict else "no challenger was trained",
            champion=self._champion(verdict),
            live_score=self._live_score(interval),
            labels_spent=spent + len(ids & self.answered),
        )  # fmt: skip

    def _belongs(self, request: dict[str, Any], interval: Interval, keys: set[str]) -> bool:
        """Tell whether a request was asked for the interval, or as evidence on one of its challengers."""
        return request["batch_id"] == interval.key or request["evidence_for"] in keys

    def _verdict(self, interval: Interval) -> Decision | None:
        """Return the last verdict on the challenger whose newest training label is of the interval."""
        keys = [plan.subject for plan in self.plans if interval.start <= _newest_label(plan) < interval.end]
        verdicts = [verdict for verdict in self.gates if verdict.subject in keys]
        return verdicts[-1] if verdicts else None

    def _drift(self, key: str) -> str:
        verdict = self.drift.get(key)
        return "not judged" if verdict is None else f"{verdict.outcome} ({verdict.evidence['route']})"

    def _champion(self, verdict: Decision | None) -> str | None:
        """Return the version that was live after the verdict."""
        if verdict is None:
            return self.deployments[-1]["model_version"] if self.deployments else None
        done = [entry for entry in self.deployments if entry["evidence_digest"] == verdict.evidence_digest]
        return str(done[-1]["model_version"]) if done else verdict.evidence["champion_version"]

    def _live_score(self, interval: Interval) -> Estimate:
        rows = [row for row in self.labels if row["stratum"] == "random" and interval.start <= row["ts"] < interval.end]
        right = [float(row["label"] == row["predicted"]) for row in rows]
        return weighted_mean(right, [row["inclusion_probability"] for row in rows])


def _newest_label(plan: Decision) -> datetime:
    return datetime.fromisoformat(plan.evidence["newest_label"])
