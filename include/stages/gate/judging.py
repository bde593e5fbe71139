"""Promote, reject, or label more."""

import math
from dataclasses import dataclass
from typing import Any

from include.foundation.config.sections import Gate
from include.foundation.decisions.chain import Decision, find, record
from include.foundation.statistics.e_values import Stake, labels_to_decide, log_e_value, mixture_e_value
from include.foundation.statistics.estimates import Estimate
from include.foundation.store.tables import LoopStore
from include.stages.gate.error_budget import level

KIND = "gate"
FEWEST_LABELS = 10
FEWEST_ON_SLICE = 10
RESERVE = 1.5  # the expected number falls short half of the time, and a round costs people days
SLICE_LEVEL = 0.05


@dataclass(frozen=True)
class _Evidence:
    """What the labels say so far."""

    log_e: float
    log_opposite: float
    needed: float
    threshold: float
    wins: float
    losses: float
    nth: int
    round: int


def judge(store: LoopStore, evaluation: Decision) -> Decision:
    """Judge a challenger on an evaluation and record the verdict.

    Parameters
    ----------
    store
        Tables of the loop.
    evaluation
        Decision of kind ``evaluation``.

    Returns
    -------
    Decision
        Kind ``gate``, subject the challenger's key; outcome ``promote``, ``reject`` or ``label_more`` with ``k`` in its
        evidence. The same evaluation gives the same verdict.

    Notes
    -----
    The nth challenger is promoted if its e-value reaches ``1 / level(error_budget, n)``; by the union bound and Ville's
    inequality a loop promotes a challenger that does not satisfy the rule with probability at most the budget, over its
    whole life and however often each is judged. Challengers never train on the holdout, so its rows may judge many of
    them; a champion that was promoted by luck on these rows is harder to beat on them, not easier.
    """
    key = evaluation.subject
    earlier = find(store, KIND, key)
    if earlier and _rests_on_the_same(earlier[-1], evaluation):
        return earlier[-1]
    measured = evaluation.evidence
    common = {name: measured[name] for name in ("dataset", "champion_version", "scores", "run_id")}
    common["evaluation"] = evaluation.evidence_digest
    if measured["scores"]["champion"]["value"] is None and measured["champion_version"] is None:
        outcome, reasons, more = _first_model(store.loop.gate, measured)
    else:
        outcome, reasons, more = _challenger(store, measured, earlier)
    return record(store, Decision(KIND, key, outcome, tuple(reasons), {**common, **more}))


def _rests_on_the_same(verdict: Decision, evaluation: Decision) -> bool:
    """Tell whether nothing was labeled since a verdict.

    An evaluation repeated after the round's requests were written differs in what is left to ask; it is no new round.
    """
    before, now = verdict.evidence, evaluation.evidence
    same_labels = all(before[name] == now[name] for name in ("dataset", "champion_version"))
    return before["evaluation"] == evaluation.evidence_digest or (verdict.outcome == "label_more" and same_labels)


def _first_model(gate: Gate, measured: dict[str, Any]) -> tuple[str, list[str], dict[str, Any]]:
    score = Estimate.from_json(measured["scores"]["challenger"])
    more: dict[str, Any] = {"round": 1, "nth": None, "k": 0, "slices": []}
    if score.low is None:
        return "reject", ["First model: no held-out label to judge it on."], more
    floor = gate.floor * measured["score_unit"]
    passed = score.low > floor
    of = (
        ""
        if measured["score_unit"] == 1
        else f" ({gate.floor:.0%} of the {measured['score_unit']:.3f} of a perfect model)"
    )
    reason = f"First model: its score is {score}; the lower end is {'' if passed else 'not '}above the floor {floor:.2f}{of}."
    return "promote" if passed else "reject", [reason], more


def _challenger(
    store: LoopStore, measured: dict[str, Any], earlier: list[Decision]
) -> tuple[str, list[str], dict[str, Any]]:
    gate = store.loop.gate
    found = _weigh(store, measured, earlier)
    slices = _slices(measured)
    outcome, why, k = _decide(gate, measured, found, slices)
    more = {"e_value": math.exp(min(found.log_e, 700.0)), "needed": found.needed, "level": 1 / found.needed, "nth": found.nth,
            "round": found.round, "k": k, "wins": found.wins, "losses": found.losses, "slices": slices}  # fmt: skip
    return outcome, [_say(gate, found), *why, *_say_slices(slices)], more


def _weigh(store: LoopStore, measured: dict[str, Any], earlier: list[Decision]) -> _Evidence:
    gate = store.loop.gate
    margin = (gate.margin if gate.rule == "superior" else -gate.margin) * measured["score_unit"]
    share = measured["window"]["share"] or 1.0
    rows = measured["differences"]
    # Where the models agree the difference is zero, so a margin over all rows is a larger one where they disagree.
    threshold = max(-1.0, min(1.0, margin / share))
    stakes = [_stake(rows["random"], margin), _stake(rows["disagreement"], threshold)]
    opposite = [
        Stake([-d for d in stake.differences], stake.counts, -stake.threshold, stake.weights) for stake in stakes
    ]
    judged = {verdict.subject: verdict.evidence["nth"] for verdict in find(store, KIND) if verdict.evidence["nth"]}
    nth = judged.get(measured["challenger_key"]) or len(judged) + 1
    both = rows["random"] + rows["disagreement"]
    return _Evidence(
        log_e=log_e_value(stakes),
        log_opposite=log_e_value(opposite),
        needed=1 / level(gate.error_budget, nth),
        threshold=threshold,
        wins=sum(count for difference, count, _ in both if difference > 0),
        losses=sum(count for difference, count, _ in both if difference < 0),
        nth=nth,
        round=1 + sum(verdict.outcome == "label_more" for verdict in earlier),
    )


def _stake(rows: list[list[float]], threshold: float) -> Stake:
    return Stake([row[0] for row in rows], [row[1] for row in rows], threshold, [row[2] for row in rows])


def _decide(
    gate: Gate, measured: dict[str, Any], found: _Evidence, slices: list[dict[str, Any]]
) -> tuple[str, list[str], int]:
    """Return outcome, reasons and how many more labels to ask for."""
    worse = [item for item in slices if item["verdict"] == "worse"]
    if found.log_e >= math.log(found.needed):
        if worse:
            return "reject", ["It is better overall, but shown to be worse on a slice."], 0
        return "promote", ["The evidence reaches what the error budget demands."], 0
    if found.log_opposite >= math.log(1 / SLICE_LEVEL):
        return "reject", ["It is shown not to satisfy the rule; more labels would not help."], 0
    if found.round > gate.max_rounds:
        return "reject", [f"Not shown to satisfy the rule after {gate.max_rounds} rounds of labels."], 0
    askable = measured["window"]["askable"]
    if askable == 0:
        return "reject", ["Not shown to satisfy the rule, and no row is left on which the two disagree."], 0
    expected = labels_to_decide(found.wins, found.losses, math.log(found.needed) - found.log_e, found.threshold)
    most = min(gate.max_labels_per_round, askable)
    k = min(most, max(FEWEST_LABELS, math.ceil(RESERVE * expected) if expected is not None else most))
    return (
        "label_more",
        [f"Undecided: {k} more labels where the two disagree, of {askable} such rows not asked yet."],
        k,
    )


def _slices(measured: dict[str, Any]) -> list[dict[str, Any]]:
    """Judge every slice: shown to be worse (Bonferroni over slices), inconclusive when small, else not shown to be worse."""
    found = []
    for item in measured["slices"]:
        differences = [row for row in item["differences"] if row[0] != 0]
        informative = sum(count for _, count in differences)
        e_value = mixture_e_value([Stake([-row[0] for row in differences], [row[1] for row in differences])])
        verdict = "not shown to be worse" if informative >= FEWEST_ON_SLICE else "inconclusive"
        if e_value >= len(measured["slices"]) / SLICE_LEVEL:
            verdict = "worse"
        found.append({"segment": item["segment"], "value": item["value"], "verdict": verdict, "e_value": e_value,
                      "rows": item["scores"]["challenger"]["rows"], "disagreements": informative})  # fmt: skip
    return found


def _say(gate: Gate, found: _Evidence) -> str:
    return (
        f"Where the two differ the challenger is right {found.wins:g} times and the champion {found.losses:g} times: "
        f"e-value {math.exp(min(found.log_e, 700.0)):.3g}, {found.needed:.3g} needed "
        f"(challenger {found.nth} of this loop, error budget {gate.error_budget:g}, rule {gate.rule})."
    )


def _say_slices(slices: list[dict[str, Any]]) -> list[str]:
    worse = [f"{item['segment']} = {item['value']}" for item in slices if item["verdict"] == "worse"]
    unclear = [f"{item['segment']} = {item['value']}" for item in slices if item["verdict"] == "inconclusive"]
    said = [f"Shown to be worse on: {', '.join(worse)}."] if worse else []
    return said + ([f"Inconclusive on slices with few differing rows: {', '.join(unclear)}."] if unclear else [])
