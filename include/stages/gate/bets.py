"""The gate's bet on a challenger: what it has won so far, what it would have to win, and what further labels may still add."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from include.foundation.config.promotion_sections import Gate
from include.foundation.decisions import Evaluation, GateVerdict
from include.foundation.decisions.challenger_evaluation import Differences, WeightedDifference
from include.foundation.statistics.e_values import Stake, log_e_value
from include.foundation.statistics.predictive_power import Outcomes, chance_to_reach, next_round, rows_to_reach
from include.stages.gate.error_budget import Level, next_level

FEWEST_LABELS_PER_ROUND = 7
SAFETY_FACTOR = 1.5  # half of the time the expected number is not enough, and each round costs people days
LIKELY = 0.5
LEAST_PROGRESS = 8  # a round that is likely to decide adds one label to so many that are known, or more


@dataclass(frozen=True)
class Bet:
    """A bet on the labels so far.

    Attributes
    ----------
    stakes
        The differences of scores, of random rows and of rows of disagreement.
    threshold
        Mean difference that the hypothesis *the challenger does not satisfy the rule* allows where the models disagree.
    outcomes
        What rows showed on which the scores differ.
    log_e
        Logarithm of the e-value against that hypothesis.
    nth, level
        Number of the challenger, and its level.
    round, rounds_left
        Number of the judgement, and how many rounds of labels may follow.
    labels_left, rows_left
        How many more labels may be asked for, and of how many drawn rows they tell the label.
    rows_a_bet
        How many rows one bet is on, in the mean: 1 without groups.
    """

    stakes: tuple[Stake, ...]
    threshold: float
    outcomes: Outcomes
    log_e: float
    nth: int
    level: Level
    round: int
    rounds_left: int
    labels_left: int
    rows_left: int
    rows_a_bet: float = 1.0

    @property
    def log_needed(self) -> float:
        """Logarithm of the e-value that the level demands."""
        return -math.log(self.level.level)

    @property
    def is_won(self) -> bool:
        """Whether the evidence reaches what is needed."""
        return self.log_e >= self.log_needed

    @property
    def chance(self) -> float:
        """The chance, by what is known, that the labels that may still be asked for would be enough."""
        further = round(self.rows_left / self.rows_a_bet)
        return chance_to_reach(self.stakes, self.outcomes, self.threshold, further, self.log_needed)

    def labels_to_request(self, most: int, chance: float) -> int:
        """Return how many labels the next round asks for, at most ``most``.

        Where it is more likely than not that labels will be enough, it asks at once for as many as are expected to be needed:
        rounds cost people days. Where little is missing these are few, and chance may take them back round after round: each
        round adds an eighth to what is known. Otherwise it asks for few: most of them are soon seen to be no better.
        """
        known = max(self.outcomes.wins + self.outcomes.losses + self.outcomes.ties, FEWEST_LABELS_PER_ROUND)
        size = next_round(known, self.labels_left, self.rounds_left, most)
        expected = rows_to_reach(self.outcomes, self.threshold, self.log_needed - self.log_e)
        if expected is not None:
            rows = expected * self.rows_a_bet
            enough = math.ceil(SAFETY_FACTOR * rows * self.labels_left / self.rows_left)
            size = max(enough, int(known) // LEAST_PROGRESS) if chance >= LIKELY else min(size, enough)
        return min(max(size, FEWEST_LABELS_PER_ROUND), most, self.labels_left)


def is_on_the_same_two(verdict: GateVerdict, evaluation: Evaluation) -> bool:
    """Return whether a verdict is on the challenger and the champion of an evaluation."""
    return (verdict.subject, verdict.champion_version) == (evaluation.subject, evaluation.champion_version)


def margin_of(gate: Gate, evaluation: Evaluation) -> float:
    """Return the mean difference of scores that a challenger must exceed to satisfy the rule."""
    return (gate.margin if gate.rule == "superior" else -gate.margin) * evaluation.score_unit


def bet_on(gate: Gate, evaluation: Evaluation, verdicts: Sequence[GateVerdict]) -> Bet:
    """Return the bet on what an evaluation measured.

    Parameters
    ----------
    gate
        Rule, error budget, and how many labels may be asked for.
    evaluation
        Of the challenger.
    verdicts
        All earlier ones of the loop, oldest first.
    """
    own = [verdict for verdict in verdicts if verdict.subject == evaluation.subject]
    pair = [verdict for verdict in own if is_on_the_same_two(verdict, evaluation)]
    asking = [verdict for verdict in pair if verdict.outcome == "label_more"]
    margin = margin_of(gate, evaluation)
    # Where the models agree the difference is zero: a margin over all rows is a larger one over the rows of disagreement.
    threshold = max(-1.0, min(1.0, margin / (evaluation.window.share or 1.0)))
    rows = evaluation.differences
    largest = evaluation.window.largest_group * evaluation.window.stands_for
    stakes = (_stake(rows.random, margin), _stake(rows.disagreement, threshold, largest))
    nth, level = _numbered(gate, evaluation, pair, verdicts)
    rounds_left = max(0, gate.max_rounds - len(asking))
    affordable = min(gate.max_labels - sum(verdict.k for verdict in asking), rounds_left * gate.max_labels_per_round)
    window = evaluation.window
    labels_left = max(0, min(affordable, window.askable))
    undrawn = window.askable if window.undrawn is None else window.undrawn
    return Bet(
        stakes=stakes,
        threshold=threshold,
        outcomes=_outcomes(rows, largest),
        log_e=log_e_value(stakes),
        nth=nth,
        level=level,
        round=1 + sum(verdict.outcome == "label_more" for verdict in own),
        rounds_left=rounds_left,
        labels_left=labels_left,
        rows_left=undrawn * labels_left // window.askable if window.askable else 0,
        rows_a_bet=_weight_of_a_bet(rows, largest) * largest,
    )


def _numbered(
    gate: Gate, evaluation: Evaluation, pair: Sequence[GateVerdict], verdicts: Sequence[GateVerdict]
) -> tuple[int, Level]:
    """Return the number and the level of a challenger: those of its first judgement against this champion, or the next ones.

    First models, which are held against what was served, are numbered apart. They have a budget of the same size for
    themselves, and their promotions raise no level: what was served before is often beaten easily.
    """
    for verdict in pair:
        if verdict.nth and verdict.level:
            return verdict.nth, Level(verdict.level, verdict.spent or verdict.level)
    is_first = evaluation.champion_version is None
    kin = [verdict for verdict in verdicts if verdict.nth and (verdict.champion_version is None) == is_first]
    judged = {(verdict.subject, verdict.champion_version): verdict for verdict in kin}
    spent = sum(verdict.spent or verdict.level or 0.0 for verdict in judged.values())
    promotions = sum(verdict.outcome == "promote" for verdict in judged.values())
    guarantee = "never" if is_first else gate.guarantee
    return len(judged) + 1, next_level(guarantee, gate.error_budget, spent, len(judged) + 1, promotions)


def _stake(rows: Sequence[WeightedDifference], threshold: float, largest: float = 1.0) -> Stake:
    values, times, weights = ([row[place] for row in rows] for place in (0, 1, 2))
    return Stake(values, times, threshold, weights, largest)


def _outcomes(rows: Differences, largest: float) -> Outcomes:
    """Return how bets on which the scores differ went; which random rows are ties, and which ones agree, nobody can tell.

    Further bets are expected to be as large as those where the two disagree: with groups, a row weighs little.
    """
    weight = _weight_of_a_bet(rows, largest)
    differing = [row for row in rows.random + rows.disagreement if row.value != 0]
    wins, losses = ([row for row in differing if sign * row.value > 0] for sign in (1, -1))
    return Outcomes(
        wins=sum(row.times for row in wins),
        losses=sum(row.times for row in losses),
        ties=sum(row.times for row in rows.disagreement if row.value == 0),
        win=_mean_size(wins or differing) * weight,
        loss=_mean_size(losses or differing) * weight,
        weight=weight,
        largest=largest,
    )


def _weight_of_a_bet(rows: Differences, largest: float) -> float:
    """Return what a bet weighs where the two disagree, in the mean; before there is one, what a single row would."""
    bets = sum(row.times for row in rows.disagreement)
    return sum(row.weight * row.times for row in rows.disagreement) / bets if bets else 1 / largest


def _mean_size(rows: Sequence[WeightedDifference]) -> float:
    times = sum(row.times for row in rows)
    return sum(abs(row.value) / row.weight * row.times for row in rows) / times if times else 1.0
