"""What monitoring systems read of a loop, in the families of the Prometheus data model; what is unknown is not there."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, get_args

from include.foundation.decisions import Decision, DriftVerdict, GateVerdict, GuardVerdict
from include.foundation.statistics.estimates import Estimate
from include.stages.reports.loop_tallies import Counts, LoopTallies
from include.stages.reports.standing import Standing

if TYPE_CHECKING:
    from prometheus_client.core import Metric

PREFIX = "feedback_loop_"


def loop_metrics(stand: Standing, tallies: LoopTallies) -> "Iterator[Metric]":
    """Yield the families of metrics of one loop, each with the label ``loop``.

    Times are Unix seconds, so that how long ago they are is asked of the system that stores them. A state is a family with one
    sample for each of its outcomes, 1 where it is that one. Estimates have a label ``bound``: ``low``, ``value`` and ``high``.

    Parameters
    ----------
    stand
        Where the loop stands.
    tallies
        What is counted of it.
    """
    families = _Families(stand.loop.name)
    _of_live(families, stand)
    _of_people(families, stand)
    _of_verdicts(families, stand.facts.guard, tallies.gate)
    _of_drift(families, stand.facts.drift)
    _of_tallies(families, tallies)
    yield from families.by_name.values()


class _Families:
    """Families of metrics of one loop, filled sample by sample."""

    def __init__(self, loop: str) -> None:
        self._loop = loop
        self.by_name: dict[str, Metric] = {}

    def gauge(self, name: str, meaning: str, value: float | None, **labels: str) -> None:
        """Add a sample of a value that rises and falls; none where it is unknown."""
        self._add("gauge", name, meaning, value, labels)

    def total(self, name: str, meaning: str, counts: Counts, *labels: str) -> None:
        """Add the samples of what only ever grows, one for each combination of the labels' values."""
        for values, count in counts.items():
            self._add("counter", name, meaning, count, dict(zip(labels, values, strict=True)))

    def moment(self, name: str, meaning: str, moment: datetime | None, **labels: str) -> None:
        """Add a moment, in Unix seconds."""
        self.gauge(f"{name}_timestamp_seconds", meaning, moment.timestamp() if moment else None, **labels)

    def interval(self, name: str, meaning: str, low: float | None, value: float | None, high: float | None) -> None:
        """Add a value with both ends of its interval."""
        for bound, number in (("low", low), ("value", value), ("high", high)):
            self.gauge(name, meaning, number, bound=bound)

    def estimate(self, name: str, meaning: str, estimate: Estimate | None) -> None:
        """Add an estimate with both ends of its interval."""
        if estimate:
            self.interval(name, meaning, estimate.low, estimate.value, estimate.high)

    def outcome(self, name: str, meaning: str, decision: Decision | None, kind: type[Decision]) -> None:
        """Add a sample for every outcome that decisions of a kind can have; none before the first decision."""
        for outcome in get_args(kind.model_fields["outcome"].annotation) if decision else ():
            self.gauge(name, meaning, float(decision is not None and decision.outcome == outcome), outcome=outcome)

    def _add(self, kind: str, name: str, meaning: str, value: float | None, labels: Mapping[str, str]) -> None:
        from prometheus_client.core import Metric

        if value is None:
            return
        family = self.by_name.setdefault(name, Metric(PREFIX + name, meaning, kind))
        sample = f"{PREFIX}{name}_total" if kind == "counter" else PREFIX + name
        family.add_sample(sample, {"loop": self._loop, **labels}, value)


def _of_live(families: _Families, stand: Standing) -> None:
    live, guard = stand.facts.live, stand.facts.guard
    if live:
        families.gauge(
            "live", "Which version is live, and what made it so", 1, version=live.model_version, by=live.action
        )
        families.moment("live_since", "When the live version became so", live.deployed_at)
    if live and live.promised:
        low, score, high = live.promised.low, live.promised.score, live.promised.high
        families.interval("promised", "Score that the live version was deployed for", low, score, high)
    families.estimate("accuracy", "Score of the live version on random rows of late", stand.accuracy)
    if guard:
        families.gauge("accuracy_floor", "Score below which the promise is missed", guard.floor)
        families.estimate(
            "advantage", "Score of the live version less its predecessor's, on the same rows", guard.difference
        )


def _of_people(families: _Families, stand: Standing) -> None:
    for state, number in (("open", stand.open), ("late", stand.late)):
        families.gauge("requests", "Requests of the last 30 days that are not answered", number, state=state)
    for urgent in (True, False):
        waits = sum(need.is_urgent is urgent for need in stand.needs)
        families.gauge("needs", "What the loop waits for", waits, urgent=str(urgent).lower())
    families.gauge(
        "approval_waiting", "1 while a promotion waits for a person", float(stand.facts.unapproved is not None)
    )
    month = stand.facts.month
    families.gauge("answers_of_month", "Answers of people since the first of the month", month.answers)
    families.gauge(
        "work_of_month_seconds", "Time that these answers took", None if month.minutes is None else 60 * month.minutes
    )
    families.gauge("cost_of_month", "What these answers cost, in the unit of the loop file's prices", month.cost)


def _of_verdicts(families: _Families, guard: GuardVerdict | None, gate: GateVerdict | None) -> None:
    families.outcome("guard", "Newest verdict on the live version", guard, GuardVerdict)
    families.outcome("gate", "Newest verdict on a challenger", gate, GateVerdict)
    for kind, value in (("shown", gate.e_value), ("needed", gate.needed)) if gate else ():
        families.gauge("gate_evidence", "E-value of the newest verdict, and what promotes", value, kind=kind)


def _of_drift(families: _Families, drift: DriftVerdict | None) -> None:
    families.outcome("drift", "Newest verdict on a window", drift, DriftVerdict)
    if drift is None:
        return
    families.gauge("drift_route", "What the newest verdict asks for", 1, route=drift.route)
    for finding in (*drift.columns, *drift.monitors):
        labels = {"monitor": finding.monitor, "column": finding.column, "segment": finding.segment}
        families.gauge(
            "drift_effect", "Size of a difference, of those that the verdict lists", finding.effect, **labels
        )
        families.gauge("drift_flagged", "1 where the difference is flagged", float(finding.flagged), **labels)


def _of_tallies(families: _Families, tallies: LoopTallies) -> None:
    for table, rows in tallies.rows.items():
        families.gauge("table_rows", "Rows of a table", rows, table=table)
    families.total("asked", "Requests for labels", tallies.asked, "stratum", "tier", "split")
    families.total("labels", "Labels", tallies.labels, "stratum", "split", "decided_by")
    families.total("decisions", "Decisions on record", tallies.decisions, "kind", "outcome")
    families.total("deployments", "Changes of what is live", tallies.deployments, "action")
    for kind, moment in tallies.decided_at.items():
        families.moment("decided", "When a decision of a kind was last recorded", moment, kind=kind)
    families.moment("newest_prediction", "Moment of the newest logged row", tallies.newest_prediction)
    for share, seconds in tallies.turnaround.items():
        families.gauge(
            "turnaround_seconds", "From push to label, of the last 30 days' labels", seconds, quantile=f"{share:g}"
        )
