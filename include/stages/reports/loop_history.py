"""The history of a loop, a summary a cycle: from the logs pulled to what was deployed, read from the store's tables."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from itertools import accumulate

from include.foundation.decisions import DriftVerdict, GateVerdict, RetrainPlan, find
from include.foundation.intervals import Interval
from include.foundation.statistics.estimates import Estimate, weighted_mean
from include.foundation.store.bulk.day_batches import rows_between
from include.foundation.store.ledgers.annotations import annotators_answers
from include.foundation.store.ledgers.deployments import BEGINNING, history
from include.foundation.store.ledgers.labeled_draws import RANDOM, labeled_draws
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.ledgers.served_confidence import ServedBeside, served_beside
from include.foundation.store.tables import LoopStore

MOST_CYCLES = 60  # that a page shows


@dataclass(frozen=True)
class CycleSummary:
    """What one batch of requests led to.

    A cycle is an interval that was drawn from or asked for labels, with every evidence round on its challengers, and what was
    asked about the champion beside its predecessor. ``live_score`` is the weighted share of right answers among the interval's
    random rows, as they were served. ``asked_as`` is what was asked: stratum, tier, and how
    many.
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
    asked_as: tuple[tuple[str, int, int], ...] = ()

    @property
    def spent_before(self) -> int:
        """Labels that were there before this cycle: the most that the model which served its rows can have learnt from."""
        return self.labels_spent - self.received

    @property
    def days(self) -> str:
        """The interval as a person writes it."""
        return days_of(Interval.from_key(self.interval))


def cycles(store: LoopStore) -> list[CycleSummary]:
    """Return the newest `MOST_CYCLES` cycles, oldest first; empty if no label was ever asked for."""
    return LoopHistory(store).cycles()


def days_of(interval: Interval) -> str:
    """Return an interval as a person writes it, in UTC: days, or to the minute if it is not made of whole ones.

    Examples
    --------
    >>> days_of(Interval.parse("2026-11-01", "2026-11-02")), days_of(Interval.parse("2026-11-01", "2026-11-08"))
    ('2026-11-01', '2026-11-01 to 2026-11-07')
    >>> days_of(Interval.parse("2026-11-01T06:00", "2026-11-01T12:00"))
    '2026-11-01 06:00 to 2026-11-01 12:00'
    """
    start, end = interval.start.astimezone(UTC), interval.end.astimezone(UTC)
    if start.time() != time() or end.time() != time():
        return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
    last = end - timedelta(days=1)
    return f"{start:%Y-%m-%d}" if start == last else f"{start:%Y-%m-%d} to {last:%Y-%m-%d}"


class LoopHistory:
    """What the tables tell of a loop's cycles; each table is read once.

    Parameters
    ----------
    store
        Tables of the loop.
    """

    def __init__(self, store: LoopStore) -> None:
        self.answered = set(annotators_answers(store, ["request_id"]).column("request_id").to_pylist())
        self._store = store
        self.drift_verdicts = {verdict.subject: verdict for verdict in find(store, DriftVerdict)}
        self.plans, self.gates = find(store, RetrainPlan), find(store, GateVerdict)
        self.deployments = history(store)
        refused = store.read("quarantine", columns=["interval_start", "interval_end"], filters=[("stage", "=", "logs")])
        self._refused = Counter((row["interval_start"], row["interval_end"]) for row in refused.to_pylist())
        current = current_labels(store.read("labels", columns=["label_id", "supersedes", "request_id"]))
        self._labeled = set(current.column("request_id").to_pylist())
        self._random = labeled_draws(store)
        self._times = [draw.ts for draw in self._random]
        self._batches: dict[str, set[str]] = defaultdict(set)
        self._evidence: dict[str, set[str]] = defaultdict(set)
        self._comparisons: list[tuple[datetime, str]] = []
        self._asked_as: dict[str, tuple[str, int]] = {}
        columns = ["request_id", "batch_id", "evidence_for", "asked_at", "stratum", "tier"]
        for row in store.read("requests", columns=columns).to_pylist():
            self._asked_as[row["request_id"]] = row["stratum"], row["tier"]
            if row["evidence_for"] == row["batch_id"]:  # a day on which champion and predecessor are compared
                self._comparisons.append((row["asked_at"], row["request_id"]))
                continue
            requests = self._evidence[row["evidence_for"]] if row["evidence_for"] else self._batches[row["batch_id"]]
            requests.add(row["request_id"])
        self._comparisons.sort()
        drawn = store.read("draws", columns=["batch_id"], filters=[("stratum", "=", RANDOM)])
        for batch_id in drawn.column("batch_id").unique().to_pylist():
            self._batches.setdefault(batch_id, set())  # every drawn row had an answer

    @property
    def count(self) -> int:
        """How many cycles there were."""
        return len(self._intervals)

    @property
    def labels_spent(self) -> int:
        """How many requests were answered in all cycles."""
        return self._spent[-1] if self._spent else 0

    def cycles(self, until: int | None = None) -> list[CycleSummary]:
        """Return the newest `MOST_CYCLES` cycles, oldest first; with ``until`` those up to that number."""
        last = self.count if until is None else until
        return [self._cycle(number) for number in range(max(1, last - MOST_CYCLES + 1), last + 1)]

    def cycle_of(self, challenger_key: str) -> CycleSummary | None:
        """Return the cycle whose labels made a challenger; None for the first model, which seed labels made."""
        number = self.number_of(challenger_key)
        return None if number is None else self._cycle(number)

    def number_of(self, challenger_key: str) -> int | None:
        """Return the number of the cycle whose labels made a challenger; None for the first model."""
        numbered = enumerate(self._intervals, start=1)
        return next((number for number, one in numbered if challenger_key in self._challengers(one.key)), None)

    def requests_in(self, number: int) -> set[str]:
        """Return what was asked in the cycle of a number."""
        return self.requests_of(self._intervals[number - 1].key)

    def drift_on(self, interval: Interval) -> DriftVerdict | None:
        """Return the verdict on the whole days of an interval, which are what drift is judged on; None without one."""
        return self.drift_verdicts.get(interval.whole_days.key)

    def requests_of(self, key: str) -> set[str]:
        """Return what was asked in the cycle of an interval: its own batch, evidence on its challengers, and comparisons."""
        interval = Interval.from_key(key)
        first, last = (bisect_right(self._comparisons, bound, key=_asked) for bound in (interval.start, interval.end))
        compared = {request_id for _, request_id in self._comparisons[first:last]}
        return self._batches.get(key, set()).union(
            compared, *(self._evidence.get(c, set()) for c in self._challengers(key))
        )

    @cached_property
    def _intervals(self) -> list[Interval]:
        return sorted(map(Interval.from_key, self._batches), key=lambda interval: (interval.end, interval.start))

    @cached_property
    def _plans_by_interval(self) -> dict[str, list[RetrainPlan]]:
        """The retrain decisions by the interval of their newest training label; each is of the first that has it.

        A row that a user reported later may be of no interval: it then counts for the next one, which could ask for it.
        The first model is of no interval: seed labels made it.
        """
        plans: dict[str, list[RetrainPlan]] = defaultdict(list)
        first_models = {verdict.subject for verdict in self.gates if verdict.nth is None}
        ends = [interval.end for interval in self._intervals]
        for plan in self.plans:
            ts = plan.newest_label or BEGINNING
            later = range(bisect_right(ends, ts), self.count)
            owner = next((place for place in later if self._intervals[place].start <= ts), next(iter(later), None))
            if owner is not None and ts > BEGINNING and plan.subject not in first_models:
                plans[self._intervals[owner].key].append(plan)
        return plans

    @cached_property
    def _spent(self) -> list[int]:
        """How many requests were answered up to the end of each cycle."""
        return list(accumulate(len(self.requests_of(interval.key) & self.answered) for interval in self._intervals))

    def _challengers(self, key: str) -> set[str]:
        return {plan.subject for plan in self._plans_by_interval.get(key, []) if plan.outcome == "train"}

    def _cycle(self, number: int) -> CycleSummary:
        interval = self._intervals[number - 1]
        ids, verdict = self.requests_of(interval.key), self._verdict(interval.key)
        return CycleSummary(
            number=number,
            interval=interval.key,
            pulled=rows_between(self._store, "predictions", interval),
            quarantined=self._refused[interval.start, interval.end],
            drift=self._drift(interval),
            asked=len(ids),
            received=len(ids & self.answered),
            accepted=len(ids & self._labeled),
            challenger=verdict.subject if verdict else None,
            verdict=verdict.outcome if verdict else None,
            why=" ".join(verdict.reasons) if verdict else self._why_none(interval.key),
            champion=self._champion(interval, verdict),
            live_score=self._live_score(interval),
            labels_spent=self._spent[number - 1],
            asked_as=tuple(
                (*part, times) for part, times in sorted(Counter(map(self._asked_as.__getitem__, ids)).items())
            ),
        )

    def _verdict(self, key: str) -> GateVerdict | None:
        """Return the last verdict on a challenger of the interval."""
        challengers = self._challengers(key)
        verdicts = [verdict for verdict in self.gates if verdict.subject in challengers]
        return verdicts[-1] if verdicts else None

    def _why_none(self, key: str) -> str:
        last = self._plans_by_interval[key][-1] if self._plans_by_interval.get(key) else None
        if last is not None and last.outcome == "train":
            return f"Challenger {last.subject} is not judged yet."
        return " ".join(["No challenger was trained.", *(last.reasons if last else ())])

    def _drift(self, interval: Interval) -> str:
        verdict = self.drift_on(interval)
        return "not judged" if verdict is None else f"{verdict.outcome} ({verdict.route})"

    def _champion(self, interval: Interval, verdict: GateVerdict | None) -> str | None:
        """Return the version that was live after the verdict; without one, at the end of the interval."""
        if verdict is None:
            earlier = [entry for entry in self.deployments if entry.live_from < interval.end]
            return earlier[-1].model_version if earlier else None
        allowed = [entry for entry in self.deployments if entry.evidence_digest == verdict.evidence_digest]
        return allowed[-1].model_version if allowed else verdict.champion_version

    def _live_score(self, interval: Interval) -> Estimate:
        first, last = (bisect_left(self._times, moment) for moment in (interval.start, interval.end))
        rows = self._random[first:last]
        right = [float(row.label == row.predicted) for row in rows]
        probabilities, groups = [row.inclusion_probability for row in rows], [row.group_key for row in rows]
        beside = None
        if interval.whole_days == interval:  # of the rest of a day, other rows were drawn
            beside = self._served.at([first <= place < last for place in range(len(self._random))]).confidence()
        return weighted_mean(right, probabilities, groups=groups, beside=beside)

    @cached_property
    def _served(self) -> ServedBeside:
        """What was served beside the random rows of the newest days."""
        return served_beside(self._store, self._random)


def _asked(comparison: tuple[datetime, str]) -> datetime:
    return comparison[0]
