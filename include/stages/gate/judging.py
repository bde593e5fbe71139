"""Promote, reject, or label more."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from include.foundation.config.sections import Gate
from include.foundation.decisions import Evaluation, GateVerdict, find, record
from include.foundation.decisions.challenger_evaluation import WeightedDifference
from include.foundation.decisions.gate_verdict import SliceVerdict
from include.foundation.statistics.e_values import CLIP, Stake, labels_to_decide, log_e_value, mixture_e_value
from include.foundation.store.tables import LoopStore
from include.stages.gate.error_budget import level

FEWEST_LABELS = 10
FEWEST_ON_SLICE = 10
RESERVE = 1.5  # the expected number falls short half of the time, and a round costs people days
SLICE_LEVEL = 0.05
Outcome = Literal["promote", "reject", "label_more"]


@dataclass(frozen=True)
class _Weight:
    """What the labels say so far."""

    log_e: float
    log_opposite: float
    needed: float
    threshold: float
    wins: int
    losses: int
    nth: int
    round: int


def judge(store: LoopStore, evaluation: Evaluation) -> GateVerdict:
    """Judge a challenger on an evaluation and record the verdict.

    Parameters
    ----------
    store
        Tables of the loop.
    evaluation
        What was measured of it.

    Returns
    -------
    GateVerdict
        The same evaluation gives the same verdict.

    Notes
    -----
    The nth challenger is promoted if its e-value reaches ``1 / level(error_budget, n)``; by the union bound and Ville's
    inequality a loop promotes a challenger that does not satisfy the rule with probability at most the budget, over its
    whole life and however often each is judged. Challengers never train on the holdout, so its rows may judge many of
    them; a champion that was promoted by luck on these rows is harder to beat on them, not easier.
    """
    earlier = find(store, GateVerdict, evaluation.subject)
    if earlier and _rests_on_the_same(earlier[-1], evaluation):
        return earlier[-1]
    is_first = evaluation.scores.champion.value is None and evaluation.champion_version is None
    verdict = _first_model(store.loop.gate, evaluation) if is_first else _challenger(store, evaluation, earlier)
    return record(store, verdict)


def _rests_on_the_same(verdict: GateVerdict, evaluation: Evaluation) -> bool:
    """Tell whether nothing was labeled since a verdict.

    An evaluation repeated after the round's requests were written differs in what is left to ask; it is no new round.
    """
    before, now = ((one.dataset, one.champion_version) for one in (verdict, evaluation))
    return verdict.evaluation == evaluation.evidence_digest or (verdict.outcome == "label_more" and before == now)


def _first_model(gate: Gate, evaluation: Evaluation) -> GateVerdict:
    score, unit = evaluation.scores.challenger, evaluation.score_unit
    floor = gate.floor * unit
    is_above = score.low is not None and score.low > floor
    of = "" if unit == 1 else f" ({gate.floor:.0%} of the {unit:.3f} of a perfect model)"
    reason = f"First model: its score is {score}; the lower end is {'' if is_above else 'not '}above the floor {floor:.2f}{of}."
    if score.low is None:
        reason = "First model: no held-out label to judge it on."
    return GateVerdict(
        subject=evaluation.subject, outcome="promote" if is_above else "reject", reasons=(reason,), round=1, nth=None, k=0,
        slices=(), dataset=evaluation.dataset, champion_version=evaluation.champion_version, scores=evaluation.scores,
        run_id=evaluation.run_id, evaluation=evaluation.evidence_digest,
    )  # fmt: skip


def _challenger(store: LoopStore, evaluation: Evaluation, earlier: Sequence[GateVerdict]) -> GateVerdict:
    gate = store.loop.gate
    weight, slices = _weigh(store, evaluation, earlier), _slices(evaluation)
    outcome, reasons, k = _decide(gate, evaluation, weight, slices)
    return GateVerdict(
        subject=evaluation.subject, outcome=outcome, reasons=(_say(gate, weight), *reasons, *_say_slices(slices)),
        e_value=math.exp(min(weight.log_e, CLIP)), needed=weight.needed, level=1 / weight.needed, nth=weight.nth,
        round=weight.round, k=k, wins=weight.wins, losses=weight.losses, slices=slices,
        dataset=evaluation.dataset, champion_version=evaluation.champion_version, scores=evaluation.scores,
        run_id=evaluation.run_id, evaluation=evaluation.evidence_digest,
    )  # fmt: skip


def _weigh(store: LoopStore, evaluation: Evaluation, earlier: Sequence[GateVerdict]) -> _Weight:
    gate = store.loop.gate
    margin = (gate.margin if gate.rule == "superior" else -gate.margin) * evaluation.score_unit
    share = evaluation.window.share or 1.0
    rows = evaluation.differences
    # Where the models agree the difference is zero, so a margin over all rows is a larger one where they disagree.
    threshold = max(-1.0, min(1.0, margin / share))
    stakes = [_stake(rows.random, margin), _stake(rows.disagreement, threshold)]
    opposite = [
        Stake([-d for d in stake.differences], stake.counts, -stake.threshold, stake.weights) for stake in stakes
    ]
    judged = {verdict.subject: verdict.nth for verdict in find(store, GateVerdict) if verdict.nth}
    nth = judged.get(evaluation.challenger_key) or len(judged) + 1
    both = rows.random + rows.disagreement
    return _Weight(
        log_e=log_e_value(stakes),
        log_opposite=log_e_value(opposite),
        needed=1 / level(gate.error_budget, nth),
        threshold=threshold,
        wins=sum(row.times for row in both if row.value > 0),
        losses=sum(row.times for row in both if row.value < 0),
        nth=nth,
        round=1 + sum(verdict.outcome == "label_more" for verdict in earlier),
    )


def _stake(rows: Sequence[WeightedDifference], threshold: float) -> Stake:
    return Stake([row.value for row in rows], [row.times for row in rows], threshold, [row.weight for row in rows])


def _decide(
    gate: Gate, evaluation: Evaluation, weight: _Weight, slices: Sequence[SliceVerdict]
) -> tuple[Outcome, list[str], int]:
    """Return outcome, reasons and how many more labels to ask for."""
    if weight.log_e >= math.log(weight.needed):
        if any(part.verdict == "worse" for part in slices):
            return "reject", ["It is better overall, but shown to be worse on a slice."], 0
        return "promote", ["The evidence reaches what the error budget demands."], 0
    if weight.log_opposite >= math.log(1 / SLICE_LEVEL):
        return "reject", ["It is shown not to satisfy the rule; more labels would not help."], 0
    if weight.round > gate.max_rounds:
        return "reject", [f"Not shown to satisfy the rule after {gate.max_rounds} rounds of labels."], 0
    askable = evaluation.window.askable
    if askable == 0:
        return "reject", ["Not shown to satisfy the rule, and no row is left on which the two disagree."], 0
    k = _labels_to_ask_for(gate, weight, askable)
    return (
        "label_more",
        [f"Undecided: {k} more labels where the two disagree, of {askable} such rows not asked yet."],
        k,
    )


def _labels_to_ask_for(gate: Gate, weight: _Weight, askable: int) -> int:
    missing = math.log(weight.needed) - weight.log_e
    expected = labels_to_decide(weight.wins, weight.losses, missing, weight.threshold)
    most = min(gate.max_labels_per_round, askable)
    return min(most, max(FEWEST_LABELS, math.ceil(RESERVE * expected) if expected is not None else most))


def _slices(evaluation: Evaluation) -> tuple[SliceVerdict, ...]:
    """Judge every slice: shown to be worse (Bonferroni over slices), inconclusive when small, else not shown to be worse."""
    verdicts = []
    for part in evaluation.slices:
        differences = [row for row in part.differences if row.value != 0]
        informative = sum(row.times for row in differences)
        e_value = mixture_e_value([Stake([-row.value for row in differences], [row.times for row in differences])])
        verdict: Literal["worse", "not shown to be worse", "inconclusive"] = "inconclusive"
        if e_value >= len(evaluation.slices) / SLICE_LEVEL:
            verdict = "worse"
        elif informative >= FEWEST_ON_SLICE:
            verdict = "not shown to be worse"
        verdicts.append(
            SliceVerdict(
                segment=part.segment, value=part.value, verdict=verdict, e_value=e_value,
                rows=part.scores.challenger.rows, disagreements=informative,
            )
        )  # fmt: skip
    return tuple(verdicts)


def _say(gate: Gate, weight: _Weight) -> str:
    return (
        f"Where the two differ the challenger is right {weight.wins:g} times and the champion {weight.losses:g} times: "
        f"e-value {math.exp(min(weight.log_e, CLIP)):.3g}, {weight.needed:.3g} needed "
        f"(challenger {weight.nth} of this loop, error budget {gate.error_budget:g}, rule {gate.rule})."
    )


def _say_slices(slices: Sequence[SliceVerdict]) -> list[str]:
    worse = [f"{part.segment} = {part.value}" for part in slices if part.verdict == "worse"]
    unclear = [f"{part.segment} = {part.value}" for part in slices if part.verdict == "inconclusive"]
    sentences = [f"Shown to be worse on: {', '.join(worse)}."] if worse else []
    return sentences + ([f"Inconclusive on slices with few differing rows: {', '.join(unclear)}."] if unclear else [])
