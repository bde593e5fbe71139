"""What each tier of annotators did, what it cost, and how often the next tier confirmed it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from include.foundation.statistics.estimates import Estimate, weighted_mean
from include.foundation.store.ledgers.annotations import Annotation, latest_annotations
from include.foundation.store.ledgers.outcomes import AUDIT
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy


@dataclass(frozen=True)
class TierWork:
    """What a tier was asked and did.

    Attributes
    ----------
    name
        Of the tier; ``first`` is what ``labeling`` says.
    asked, answered, labels
        Requests, those that somebody answered, and those that led to a label.
    minutes
        That its annotators worked; None where no answer says how long it took.
    timed
        How many of its answers say so, of all.
    cost
        Minutes by the tier's price; None without a price.
    in_time
        Share of the requests that were answered in full by their deadline; those that are still in time do not count.
    hours
        Median from the push to the last answer that was needed; None where nothing was answered in full.
    confirmed
        Share of its labels that the next tier gave too, among those that were drawn for audit, since the loop began.
    """

    name: str
    asked: int
    answered: int
    labels: int
    minutes: float | None
    timed: tuple[int, int]
    cost: float | None
    in_time: Estimate
    hours: float | None
    confirmed: Estimate


def tier_work(store: LoopStore, requests: Set[str]) -> list[TierWork]:
    """Return what each tier did on some requests, by tier; how often it was confirmed is of all requests."""
    if not requests:
        return []
    mine: Filter = [("request_id", "in", sorted(requests))]
    pushed: defaultdict[int, dict[str, datetime | None]] = defaultdict(dict)
    for row in store.read("requests", columns=["request_id", "tier", "pushed_at"], filters=mine).to_pylist():
        pushed[row["tier"]][row["request_id"]] = row["pushed_at"]
    labeled, confirmed = _labels(store, requests).keys(), _confirmed(store)
    return [_work(store, tier, own, labeled, confirmed[tier]) for tier, own in sorted(pushed.items())]


def _work(
    store: LoopStore,
    number: int,
    requests: Mapping[str, datetime | None],
    labeled: Set[str],
    confirmed: list[bool],
) -> TierWork:
    answers, tier = latest_annotations(store, requests), store.loop.tier(number)
    times = [answer.lead_time_seconds for answer in answers if answer.lead_time_seconds is not None]
    minutes = sum(times) / 60 if times else None
    price, waited = tier.price_per_minute, _waited(answers, requests, tier.overlap)
    return TierWork(
        name=tier.name,
        asked=len(requests),
        answered=len({answer.request_id for answer in answers}),
        labels=len(requests.keys() & labeled),
        minutes=minutes,
        timed=(len(times), len(answers)),
        cost=None if price is None or minutes is None else price * minutes,
        in_time=_share(_in_time(requests, waited, store.loop.patience(number))),
        hours=float(np.median([wait / timedelta(hours=1) for wait in waited.values()])) if waited else None,
        confirmed=_share(confirmed),
    )


def _waited(
    answers: Sequence[Annotation], requests: Mapping[str, datetime | None], overlap: int
) -> dict[str, timedelta]:
    """Return how long each request that was answered in full took."""
    times: defaultdict[str, list[datetime]] = defaultdict(list)
    for answer in answers:
        times[answer.request_id].append(answer.created_at)
    pushed = {name: moment for name, moment in requests.items() if moment is not None}
    return {
        name: sorted(own)[overlap - 1] - pushed[name]
        for name, own in times.items()
        if len(own) >= overlap and name in pushed
    }


def _in_time(
    requests: Mapping[str, datetime | None], waited: Mapping[str, timedelta], patience: timedelta
) -> list[bool]:
    """Return of each request that was answered in full, or whose deadline has passed, whether it was in time."""
    now = datetime.now(UTC)
    return [
        name in waited and waited[name] <= patience
        for name, moment in requests.items()
        if name in waited or (moment is not None and moment + patience <= now)
    ]


def _share(outcomes: Sequence[bool]) -> Estimate:
    return weighted_mean(np.array(outcomes, dtype=np.float64), np.ones(len(outcomes)))


def _confirmed(store: LoopStore) -> defaultdict[int, list[bool]]:
    """Return by tier, for each audited label of it, whether the next tier gave the same."""
    columns = ["request_id", "escalates", "tier"]
    audits = store.read("requests", columns=columns, filters=[("cause", "=", AUDIT)]).to_pylist()
    labels = _labels(store, {row[name] for row in audits for name in ("request_id", "escalates")})
    taxonomy, confirmed = Taxonomy.of(store.loop.task), defaultdict[int, list[bool]](list)
    for row in audits:
        now, before = labels.get(row["request_id"]), labels.get(row["escalates"])
        if now is not None and before is not None:
            confirmed[row["tier"] - 1].append(taxonomy.shown(now) == taxonomy.shown(before))
    return confirmed


def _labels(store: LoopStore, requests: Set[str]) -> dict[str, str]:
    """Return the label that each of some requests led to, by request id."""
    filters: Filter = [("request_id", "in", sorted(requests))]
    rows = store.read("labels", columns=["request_id", "label"], filters=filters) if requests else None
    return {} if rows is None else {row["request_id"]: row["label"] for row in rows.to_pylist()}
