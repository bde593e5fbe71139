"""What labels took, by batch, stratum and tier, what they brought, and what more of them would bring."""

from collections.abc import Set
from dataclasses import dataclass, replace

import numpy as np

from include.foundation.decisions import GateVerdict
from include.foundation.statistics.estimates import Estimate
from include.foundation.statistics.learning_curve import Expected, Lift, expected_lifts
from include.foundation.store.ledgers.annotations import annotators_answers
from include.foundation.store.tables import LoopStore
from include.stages.reports.loop_history import LoopHistory

Z_95, Z_90 = 1.96, 1.645
TIMES = (0.5, 1, 2, 4)  # of the newest batch, that are weighed


@dataclass(frozen=True)
class Spent:
    """What some answers took; minutes are None where none says how long it took, cost where a tier has no price.

    Where a part of the answers does not say, they are taken to have taken as long as the others of their tier.
    """

    stratum: str
    tier: str
    requests: int
    answers: int
    minutes: float | None
    cost: float | None


@dataclass(frozen=True)
class Returned:
    """What a challenger's labels brought above the champion that it met, and what was spent since that one's labels.

    ``lift`` is with its 90 % interval; ``per_hour`` is the lift an hour of work, ``per_cost`` a unit of money, None if unknown.
    """

    challenger: str
    labels: int
    spent: Spent
    lift: Estimate
    per_hour: Estimate | None
    per_cost: Estimate | None


@dataclass(frozen=True)
class Option:
    """A number of further labels to train on, what it is expected to bring, and what it will take at the pace so far."""

    expected: Expected
    minutes: float | None
    cost: float | None


@dataclass(frozen=True)
class LabelReturns:
    """The ledger of a loop's labels up to a verdict: what its batch took, what challengers brought, and what is advised."""

    spent: list[Spent]
    returned: list[Returned]
    options: list[Option]
    advice: str


def label_returns(store: LoopStore, gate: GateVerdict, loop_history: LoopHistory) -> LabelReturns | None:
    """Return what labels took and brought up to a verdict; None for a model that met no champion of the loop.

    Parameters
    ----------
    store
        Tables of the loop.
    gate
        The verdict.
    loop_history
        What the loop did so far.
    """
    number = loop_history.number_of(gate.subject)
    if number is None:
        return None
    work = _Work(store)
    models = {one.evidence_digest: one.subject for one in loop_history.gates}
    champions = {one.model_version: models.get(one.evidence_digest, "") for one in loop_history.deployments}
    until = next(place for place, one in enumerate(loop_history.gates) if one.evidence_digest == gate.evidence_digest)
    newest = {one.subject: one for one in loop_history.gates[: until + 1]}
    trained = {plan.subject: plan.train for plan in loop_history.plans if plan.outcome == "train"}
    returned, lifts = [], []
    for one in newest.values():
        champion, last = champions.get(one.champion_version or "", ""), loop_history.number_of(one.subject)
        before, after = trained.get(champion, 0), trained.get(one.subject, 0)
        if last is None or one.scores.difference.value is None or not 0 < before < after:
            continue
        first = loop_history.number_of(champion) or 0
        asked: Set[str] = set().union(*(loop_history.requests_in(each) for each in range(first + 1, last + 1)))
        returned.append(_returned(one, after - before, work.total(asked)))
        deviation = (returned[-1].lift.high or 0.0) - (returned[-1].lift.low or 0.0)
        lifts.append(Lift(before, after, one.scores.difference.value, deviation / (2 * Z_90)))
    promoted = gate.outcome == "promote"
    model = gate.subject if promoted else champions.get(gate.champion_version or "", "")
    score = gate.scores.challenger if promoted else gate.scores.champion
    options = _options(trained.get(model, 0), score, lifts, returned)
    return LabelReturns(work.by_part(loop_history.requests_in(number)), returned, options, _advice(options, len(lifts)))


def _returned(gate: GateVerdict, labels: int, spent: Spent) -> Returned:
    lift = _at_90(gate.scores.difference)
    hours = None if not spent.minutes else spent.minutes / 60
    return Returned(gate.subject, labels, spent, lift, _per(lift, hours), _per(lift, spent.cost))


def _at_90(difference: Estimate) -> Estimate:
    """Return a difference with its 90 % interval in place of that of 95 %."""
    low, high = difference.low or 0.0, difference.high or 0.0
    middle, half = (low + high) / 2, (high - low) / 2 * Z_90 / Z_95
    value = difference.value or 0.0
    return replace(difference, low=min(value, middle - half), high=max(value, middle + half))


def _per(lift: Estimate, unit: float | None) -> Estimate | None:
    if not unit:
        return None
    value, low, high = (None if part is None else part / unit for part in (lift.value, lift.low, lift.high))
    return replace(lift, value=value, low=low, high=high)


def _options(labels: int, score: Estimate, lifts: list[Lift], returned: list[Returned]) -> list[Option]:
    """Return what further labels are expected to bring the model that is live, at the pace of the newest that were learnt."""
    if labels < 1 or not returned or score.value is None:
        return []
    newest = returned[-1]
    sizes = sorted({max(1, round(times * newest.labels)) for times in TIMES})
    pace = [None if part is None else part / newest.labels for part in (newest.spent.minutes, newest.spent.cost)]
    return [
        Option(each, *(None if part is None else part * each.labels for part in pace))
        for each in expected_lifts(lifts, labels, score, sizes)
    ]


def _advice(options: list[Option], lifts: int) -> str:
    """Return in words what the expectation means for the next budget, and what it rests on."""
    if not options:
        return "What more labels would bring is unknown: no challenger has met a champion that learnt from fewer."
    met = "1 challenger that met a champion" if lifts == 1 else f"{lifts} challengers that met a champion"
    rests = f"This rests on {met}, and on how learning curves go."
    enough = [option.expected.labels for option in options if option.expected.low > 0]
    if not enough:
        return f"It is not shown that more labels of this kind help: a small budget goes on measuring. {rests}"
    return f"{enough[0]} more labels help, with a chance of at least 95 %; fewer may not. {rests}"


class _Work:
    """What the answers to requests took; each table is read once."""

    def __init__(self, store: LoopStore) -> None:
        self._loop = store.loop
        rows = store.read("requests", columns=["request_id", "stratum", "tier"]).to_pylist()
        self._requests = {row["request_id"]: (row["stratum"], row["tier"]) for row in rows}
        self._times: dict[str, list[float | None]] = {}
        for row in annotators_answers(store, ["request_id", "lead_time_seconds"]).to_pylist():
            self._times.setdefault(row["request_id"], []).append(row["lead_time_seconds"])
        said: dict[int, list[float]] = {}
        for request_id, times in self._times.items():
            if request_id in self._requests:
                said.setdefault(self._requests[request_id][1], []).extend(each for each in times if each is not None)
        self._pace = {tier: float(np.mean(times)) / 60 for tier, times in said.items() if times}

    def by_part(self, requests: Set[str]) -> list[Spent]:
        """Return what some requests took, by stratum and tier."""
        parts: dict[tuple[str, int], list[str]] = {}
        for request_id in sorted(requests & self._requests.keys()):
            parts.setdefault(self._requests[request_id], []).append(request_id)
        return [self._spent(stratum, tier, parts[stratum, tier]) for stratum, tier in sorted(parts)]

    def total(self, requests: Set[str]) -> Spent:
        """Return what some requests took in all."""
        parts = self.by_part(requests)
        minutes, costs = [part.minutes for part in parts if part.answers], [part.cost for part in parts if part.answers]
        return Spent(
            "all", "all", sum(part.requests for part in parts), sum(part.answers for part in parts),
            None if None in minutes or not minutes else sum(each for each in minutes if each is not None),
            None if None in costs or not costs else sum(each for each in costs if each is not None),
        )  # fmt: skip

    def _spent(self, stratum: str, number: int, requests: list[str]) -> Spent:
        times = [each for request_id in requests for each in self._times.get(request_id, [])]
        tier, pace = self._loop.tier(number), self._pace.get(number)
        unsaid = sum(each is None for each in times)
        minutes = None if pace is None else sum(each for each in times if each is not None) / 60 + unsaid * pace
        price = tier.price_per_minute
        cost = None if price is None or minutes is None else price * minutes
        return Spent(stratum, tier.name, len(requests), len(times), minutes, cost)
