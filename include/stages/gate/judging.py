"""The gate's verdict on a challenger: promote, reject, or label more."""

import math
from collections.abc import Sequence
from typing import Literal

from include.foundation.config.promotion_sections import Gate
from include.foundation.decisions import Evaluation, GateVerdict, LiveComparison, find
from include.foundation.decisions.gate_verdict import SliceVerdict
from include.foundation.statistics.e_values import CLIP
from include.foundation.statistics.estimates import Estimate
from include.foundation.store.tables import LoopStore
from include.stages.gate.bets import Bet, bet_on, is_on_the_same_two, margin_of
from include.stages.gate.live_say import with_live
from include.stages.gate.slice_verdicts import slice_verdicts, slices_in_words

SERVED = "what was served before the loop's first model"
FUTILE = 0.085  # chance of success below which no more labels are asked for
Outcome = Literal["promote", "reject", "label_more"]
BOUNDED = {"share": "for the share of wrong promotions", "never": "for ever promoting a wrong one"}


def judge(store: LoopStore, evaluation: Evaluation, live: LiveComparison | None = None) -> GateVerdict:
    """Judge a challenger on an evaluation, and on live requests where they have a say, and record the verdict.

    Parameters
    ----------
    store
        Tables of the loop.
    evaluation
        The challenger's evaluation; its subject is the challenger.
    live
        How it does on live requests; None if they have no say.

    Returns
    -------
    GateVerdict
        The earlier one if nothing was labeled since, and live requests say nothing new.

    Raises
    ------
    ConfigError
        If the error budget was larger once, and is used up.

    Notes
    -----
    The nth challenger is promoted if its e-value reaches ``1 / level``, see `include.stages.gate.error_budget.next_level`. By
    Ville's inequality it may be judged after every label. Its level, its random rows, and the window in which disagreements are
    drawn are those of its first judgement against this champion: bets whose scale moved with the rows would be no fair game.
    Challengers never train on labels that judge, so the same rows may judge many of them; a champion that was promoted by luck
    on these rows is harder, not easier, to beat on them.
    """
    verdicts = find(store, GateVerdict)
    pair = [verdict for verdict in verdicts if is_on_the_same_two(verdict, evaluation)]
    if pair and (pair[-1].outcome == "await_live" or _rests_on_the_same_labels(pair[-1], evaluation)):
        return with_live(store, pair[-1], live, is_new=False)
    return with_live(store, verdict_on(store.loop.gate, evaluation, verdicts), live, is_new=True)


def verdict_on(gate: Gate, evaluation: Evaluation, verdicts: Sequence[GateVerdict]) -> GateVerdict:
    """Return the verdict on an evaluation.

    Parameters
    ----------
    gate
        What a challenger must show.
    evaluation
        The challenger's.
    verdicts
        All earlier ones of the loop, oldest first.
    """
    return (_challenger if evaluation.meets_a_model else _first_model)(gate, evaluation, verdicts)


def _rests_on_the_same_labels(verdict: GateVerdict, evaluation: Evaluation) -> bool:
    """Return whether nothing was labeled between a verdict and an evaluation.

    If the evaluation is repeated after the requests of a round were written, it has fewer candidates but starts no new round.
    """
    is_same_evaluation = verdict.evaluation == evaluation.evidence_digest
    return is_same_evaluation or (verdict.outcome == "label_more" and verdict.dataset == evaluation.dataset)


def _first_model(gate: Gate, evaluation: Evaluation, verdicts: Sequence[GateVerdict]) -> GateVerdict:
    """Judge a first model while no row that was served has a label: the more came before it, the wider must its interval be.

    The nth interval misses with probability ``error_budget / n**2``, on either side together: the first is the 95 % interval
    under the default budget, and the chance of ever promoting a first model that is not above the floor is below the budget.
    """
    score, unit = evaluation.scores.challenger, evaluation.score_unit
    nth = 1 + sum(verdict.nth is None and verdict.champion_version is None for verdict in verdicts)
    floor, low = gate.floor * unit, _lower_end(score, gate.error_budget / nth**2)
    is_above = low is not None and low > floor
    scale = "" if unit == 1 else f" ({gate.floor:.0%} of the {unit:.3f} of a perfect model)"
    above = "above" if is_above else "not above"
    attempt = "" if nth == 1 or low is None else f", {low:.3f} at attempt {nth},"
    reason = f"First model: its score is {score}; the lower end{attempt} is {above} the floor {floor:.2f}{scale}."
    if low is None:
        reason = "First model: no held-out label to judge it on."
    return GateVerdict(
        subject=evaluation.subject, outcome="promote" if is_above else "reject", reasons=(reason,), round=1, nth=None, k=0,
        slices=(), dataset=evaluation.dataset, champion_version=evaluation.champion_version, scores=evaluation.scores,
        run_id=evaluation.run_id, evaluation=evaluation.evidence_digest, files_digest=evaluation.files_digest,
    )  # fmt: skip


def _lower_end(score: Estimate, error: float) -> float | None:
    """Return the lower end of the interval that misses with a probability, from that of the 95 % interval."""
    from scipy.special import ndtri

    if score.value is None or score.low is None:
        return None
    return score.value - (score.value - score.low) * float(ndtri(1 - error / 2) / ndtri(0.975))


def _challenger(gate: Gate, evaluation: Evaluation, verdicts: Sequence[GateVerdict]) -> GateVerdict:
    bet, slices = bet_on(gate, evaluation, verdicts), slice_verdicts(evaluation)
    chance = None if bet.is_won or not bet.labels_left else bet.chance
    outcome, reason, k = _decide(gate, evaluation, bet, slices, chance)
    return GateVerdict(
        subject=evaluation.subject, outcome=outcome,
        reasons=(_in_words(gate, evaluation, bet), reason, *slices_in_words(slices)),
        e_value=math.exp(min(bet.log_e, CLIP)), needed=1 / bet.level.level, level=bet.level.level, spent=bet.level.spent,
        chance=chance, nth=bet.nth, round=bet.round, k=k, wins=int(bet.outcomes.wins), losses=int(bet.outcomes.losses),
        slices=slices, dataset=evaluation.dataset, champion_version=evaluation.champion_version, scores=evaluation.scores,
        run_id=evaluation.run_id, evaluation=evaluation.evidence_digest, files_digest=evaluation.files_digest,
    )  # fmt: skip


def _decide(
    gate: Gate, evaluation: Evaluation, bet: Bet, slices: Sequence[SliceVerdict], chance: float | None
) -> tuple[Outcome, str, int]:
    """Return the outcome, its reason, and how many more labels to request."""
    verdicts, high = {part.verdict for part in slices}, evaluation.scores.challenger.high
    floor = gate.floor * evaluation.score_unit
    if evaluation.champion_version is None and high is not None and high < floor:
        return "reject", f"First model: it is shown to score below the floor {floor:.2f}.", 0
    if bet.is_won and "worse" in verdicts:
        return "reject", "It is better overall, but shown to be worse on a slice.", 0
    if bet.is_won and (gate.inconclusive_slices == "allow" or "inconclusive" not in verdicts):
        return "promote", "The evidence reaches what the error budget demands.", 0
    short = (
        "Shown to be better overall, but not to be no worse on every slice"
        if bet.is_won
        else "Not shown to satisfy the rule"
    )
    hopeless = _hopeless(gate, evaluation, bet, chance)
    if hopeless:
        return "reject", f"{short}{hopeless}", 0
    most = min(gate.max_labels_per_round, bet.labels_left)
    k = most if chance is None else bet.labels_to_request(most, chance)
    expected = "" if chance is None else f"; {bet.labels_left} more would show it with a chance of {chance:.0%}"
    askable = evaluation.window.askable
    return (
        "label_more",
        f"Undecided: {k} more labels where the two disagree, of {askable} rows not drawn yet{expected}.",
        k,
    )


def _hopeless(gate: Gate, evaluation: Evaluation, bet: Bet, chance: float | None) -> str | None:
    """Return why more labels are not asked for; None if they are."""
    window, margin = evaluation.window, margin_of(gate, evaluation)
    if window.rows and gate.rule == "superior" and not bet.is_won and window.share <= margin:
        return (
            f", which it cannot: the two disagree on {window.share:.1%} of the logged rows and differ by no more than that; "
            f"it would have to be better by more than {margin:.1%}."
        )
    if not bet.rounds_left:
        return f" after {gate.max_rounds} rounds of labels."
    if not window.askable:
        return ", and no row is left on which the two disagree."
    if not bet.labels_left:
        return f" after {gate.max_labels} labels."
    if chance is not None and chance < FUTILE:
        return (
            f", and more labels would not help: {bet.labels_left} more would show it with a chance of {chance:.1%}, "
            f"and below {FUTILE:.1%} none are asked for."
        )
    return None


def _in_words(gate: Gate, evaluation: Evaluation, bet: Bet) -> str:
    other, kind = ("the champion", "challenger") if evaluation.champion_version else (SERVED, "first model")
    bounded = BOUNDED[gate.guarantee if evaluation.champion_version else "never"]
    margin = f", margin {gate.margin:g}: by {bet.threshold:+.2f} in the mean of these rows" if bet.threshold else ""
    return (
        f"Where the two differ the challenger is right {bet.outcomes.wins:g} times and {other} {bet.outcomes.losses:g} "
        f"times: e-value {math.exp(min(bet.log_e, CLIP)):.3g}, {1 / bet.level.level:.3g} needed ({kind} {bet.nth} of this "
        f"loop, error budget {gate.error_budget:g} {bounded}, rule {gate.rule}{margin})."
    )
