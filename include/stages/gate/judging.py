"""The gate's verdict on a challenger: promote, reject, or label more."""

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

FEWEST_LABELS_PER_ROUND = 10
FEWEST_DISAGREEMENTS_ON_SLICE = 10
SAFETY_FACTOR = 1.5  # half of the time the expected number is not enough, and each round costs people days
REJECTION_LEVEL = 0.05  # of showing that a challenger fails the rule, and of showing it worse on any slice
Outcome = Literal["promote", "reject", "label_more"]


@dataclass(frozen=True)
class _Bet:
    """What a bet on the labels so far has won, and what it would have to win."""

    log_e: float  # logarithm of the e-value against the hypothesis that the challenger does not satisfy the rule
    log_opposite: float  # logarithm of the e-value against the opposite hypothesis
    needed: float  # e-value that the level of this challenger demands
    threshold: float  # mean difference of scores that the hypothesis allows where the models disagree
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
        The challenger's evaluation; its subject is the challenger.

    Returns
    -------
    GateVerdict
        The earlier one if nothing was labeled since.

    Notes
    -----
    The nth challenger is promoted if its e-value reaches ``1 / level(error_budget, n)``. By Ville's inequality and the union
    bound, a loop then ever promotes a challenger that does not satisfy the rule with a probability of at most the budget,
    however often each of them is judged. Challengers never train on the holdout, so the same rows may judge many of them; a
    champion that was promoted by luck on these rows is harder, not easier, to beat on them.
    """
    earlier = find(store, GateVerdict, evaluation.subject)
    if earlier and _rests_on_the_same_labels(earlier[-1], evaluation):
        return earlier[-1]
    is_first = evaluation.scores.champion.value is None and evaluation.champion_version is None
    verdict = _first_model(store.loop.gate, evaluation) if is_first else _challenger(store, evaluation, earlier)
    return record(store, verdict)


def _rests_on_the_same_labels(verdict: GateVerdict, evaluation: Evaluation) -> bool:
    """Return whether nothing was labeled between a verdict and an evaluation.

    If the evaluation is repeated after the requests of a round were written, it has fewer candidates but starts no new round.
    """
    is_same_evaluation = verdict.evaluation == evaluation.evidence_digest
    is_same_data = (verdict.dataset, verdict.champion_version) == (evaluation.dataset, evaluation.champion_version)
    return is_same_evaluation or (verdict.outcome == "label_more" and is_same_data)


def _first_model(gate: Gate, evaluation: Evaluation) -> GateVerdict:
    score, unit = evaluation.scores.challenger, evaluation.score_unit
    floor = gate.floor * unit
    is_above = score.low is not None and score.low > floor
    scale = "" if unit == 1 else f" ({gate.floor:.0%} of the {unit:.3f} of a perfect model)"
    above = "above" if is_above else "not above"
    reason = f"First model: its score is {score}; the lower end is {above} the floor {floor:.2f}{scale}."
    if score.low is None:
        reason = "First model: no held-out label to judge it on."
    return GateVerdict(
        subject=evaluation.subject, outcome="promote" if is_above else "reject", reasons=(reason,), round=1, nth=None, k=0,
        slices=(), dataset=evaluation.dataset, champion_version=evaluation.champion_version, scores=evaluation.scores,
        run_id=evaluation.run_id, evaluation=evaluation.evidence_digest, files_digest=evaluation.files_digest,
    )  # fmt: skip


def _challenger(store: LoopStore, evaluation: Evaluation, earlier: Sequence[GateVerdict]) -> GateVerdict:
    gate = store.loop.gate
    bet, slices = _bet(store, evaluation, earlier), _slices(evaluation)
    outcome, reasons, k = _decide(gate, evaluation, bet, slices)
    return GateVerdict(
        subject=evaluation.subject, outcome=outcome, reasons=(_in_words(gate, bet), *reasons, *_slices_in_words(slices)),
        e_value=math.exp(min(bet.log_e, CLIP)), needed=bet.needed, level=1 / bet.needed, nth=bet.nth,
        round=bet.round, k=k, wins=bet.wins, losses=bet.losses, slices=slices,
        dataset=evaluation.dataset, champion_version=evaluation.champion_version, scores=evaluation.scores,
        run_id=evaluation.run_id, evaluation=evaluation.evidence_digest, files_digest=evaluation.files_digest,
    )  # fmt: skip


def _bet(store: LoopStore, evaluation: Evaluation, earlier: Sequence[GateVerdict]) -> _Bet:
    gate = store.loop.gate
    margin = (gate.margin if gate.rule == "superior" else -gate.margin) * evaluation.score_unit
    share = evaluation.window.share or 1.0
    rows = evaluation.differences
    # Where the models agree the difference is zero: a margin over all rows is a larger one over the rows of disagreement.
    threshold = max(-1.0, min(1.0, margin / share))
    stakes = [_stake(rows.random, margin), _stake(rows.disagreement, threshold)]
    opposite = [
        Stake([-difference for difference in stake.differences], stake.counts, -stake.threshold, stake.weights)
        for stake in stakes
    ]
    numbers = {verdict.subject: verdict.nth for verdict in find(store, GateVerdict) if verdict.nth}
    nth = numbers.get(evaluation.challenger_key) or len(numbers) + 1
    judged = rows.random + rows.disagreement
    return _Bet(
        log_e=log_e_value(stakes),
        log_opposite=log_e_value(opposite),
        needed=1 / level(gate.error_budget, nth),
        threshold=threshold,
        wins=sum(row.times for row in judged if row.value > 0),
        losses=sum(row.times for row in judged if row.value < 0),
        nth=nth,
        round=1 + sum(verdict.outcome == "label_more" for verdict in earlier),
    )


def _stake(rows: Sequence[WeightedDifference], threshold: float) -> Stake:
    return Stake([row.value for row in rows], [row.times for row in rows], threshold, [row.weight for row in rows])


def _decide(
    gate: Gate, evaluation: Evaluation, bet: _Bet, slices: Sequence[SliceVerdict]
) -> tuple[Outcome, list[str], int]:
    """Return the outcome, its reasons, and how many more labels to request."""
    reached, verdicts = bet.log_e >= math.log(bet.needed), {part.verdict for part in slices}
    if reached and "worse" in verdicts:
        return "reject", ["It is better overall, but shown to be worse on a slice."], 0
    if reached and (gate.inconclusive_slices == "allow" or "inconclusive" not in verdicts):
        return "promote", ["The evidence reaches what the error budget demands."], 0
    short = (
        "shown to be better overall, but not to be no worse on every slice"
        if reached
        else "not shown to satisfy the rule"
    )
    if bet.log_opposite >= math.log(1 / REJECTION_LEVEL):
        return "reject", ["It is shown not to satisfy the rule; more labels would not help."], 0
    if bet.round > gate.max_rounds:
        return "reject", [f"{short.capitalize()} after {gate.max_rounds} rounds of labels."], 0
    candidates = evaluation.window.askable
    if candidates == 0:
        return "reject", [f"{short.capitalize()}, and no row is left on which the two disagree."], 0
    k = min(gate.max_labels_per_round, candidates) if reached else _labels_to_request(gate, bet, candidates)
    return (
        "label_more",
        [f"Undecided: {k} more labels where the two disagree, of {candidates} such rows not asked yet."],
        k,
    )


def _labels_to_request(gate: Gate, bet: _Bet, candidates: int) -> int:
    missing = math.log(bet.needed) - bet.log_e
    expected = labels_to_decide(bet.wins, bet.losses, missing, bet.threshold)
    most = min(gate.max_labels_per_round, candidates)
    if expected is None:
        return most
    return min(most, max(FEWEST_LABELS_PER_ROUND, math.ceil(SAFETY_FACTOR * expected)))


def _slices(evaluation: Evaluation) -> tuple[SliceVerdict, ...]:
    """Judge every slice; the level of showing one worse is divided by the number of slices (Bonferroni)."""
    verdicts = []
    for part in evaluation.slices:
        differences = [row for row in part.differences if row.value != 0]
        disagreements = sum(row.times for row in differences)
        e_value = mixture_e_value([Stake([-row.value for row in differences], [row.times for row in differences])])
        verdict: Literal["worse", "not shown to be worse", "inconclusive"] = "inconclusive"
        if e_value >= len(evaluation.slices) / REJECTION_LEVEL:
            verdict = "worse"
        elif disagreements >= FEWEST_DISAGREEMENTS_ON_SLICE:
            verdict = "not shown to be worse"
        verdicts.append(
            SliceVerdict(
                segment=part.segment, value=part.value, verdict=verdict, e_value=e_value,
                rows=part.scores.challenger.rows, disagreements=disagreements,
            )
        )  # fmt: skip
    return tuple(verdicts)


def _in_words(gate: Gate, bet: _Bet) -> str:
    return (
        f"Where the two differ the challenger is right {bet.wins:g} times and the champion {bet.losses:g} times: "
        f"e-value {math.exp(min(bet.log_e, CLIP)):.3g}, {bet.needed:.3g} needed "
        f"(challenger {bet.nth} of this loop, error budget {gate.error_budget:g}, rule {gate.rule})."
    )


def _slices_in_words(slices: Sequence[SliceVerdict]) -> list[str]:
    worse = [f"{part.segment} = {part.value}" for part in slices if part.verdict == "worse"]
    unclear = [f"{part.segment} = {part.value}" for part in slices if part.verdict == "inconclusive"]
    sentences = [f"Shown to be worse on: {', '.join(worse)}."] if worse else []
    return sentences + ([f"Inconclusive on slices with few differing rows: {', '.join(unclear)}."] if unclear else [])
