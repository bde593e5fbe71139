"""Trials of the gate: challengers that are better or no better than the champion, judged on simulated labels."""

import math
import statistics
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import stats

from benchmarks.workloads.gated_loops import (
    BOTH_WRONG,
    DISAGREEMENT,
    HOLDOUT,
    Challenger,
    challengers_before,
    chances,
    held_out,
    judged,
    random_of_window,
    with_lead,
)
from include.foundation.config.promotion_sections import Gate
from include.foundation.statistics.e_values import Stake, log_e_value, mixture_e_value
from include.foundation.statistics.estimates import weighted_mean

GATE = Gate()
BUDGET, CYCLES = GATE.error_budget, 20
THIRD = 3
GIVE_UP = 20_000
USUAL = ("point estimate is higher", "McNemar p < 0.05")


@cache
def evidence(wins: int, losses: int) -> float:
    """Return the logarithm of the gate's e-value for counts of wins and losses."""
    return log_e_value([Stake([1.0, -1.0], [wins, losses])])


def usual_rules(loops: int, seed: int = 0) -> dict[str, int]:
    """Return in how many loops a usual rule ever promotes one of twenty challengers that are as good as the champion."""
    generator, wrong = np.random.default_rng(seed), dict.fromkeys(USUAL, 0)
    for _ in range(loops):
        rows = [[difference for difference, _ in random] for random in held_out(generator, CYCLES)]
        counts = [(of_row.count(1.0), of_row.count(-1.0)) for of_row in rows]
        wrong["point estimate is higher"] += any(won > lost for won, lost in counts)
        wrong["McNemar p < 0.05"] += any(_mcnemar(won, lost) < 0.05 for won, lost in counts)
    return wrong


def looked_at_after_every_label(loops: int, cycles: int, seed: int = 0) -> int:
    """Return in how many loops of equal challengers the evidence reaches what is needed at any label, up to the most.

    Parameters
    ----------
    loops, cycles
        Number of loops, and of challengers in each.
    seed
        Of the random draws.
    """
    generator, crossed, before = np.random.default_rng(seed), 0, challengers_before(cycles + 1)
    for _ in range(loops):
        for nth in range(1, cycles + 1):
            outcomes = generator.choice([1, -1, 0], GATE.max_labels, p=chances(0.0))
            wins, losses = np.cumsum(outcomes > 0).tolist(), np.cumsum(outcomes < 0).tolist()
            needed = -math.log(before[nth - 1].level or 1.0)
            if any(evidence(won, lost) >= needed for won, lost in zip(wins, losses, strict=True)):
                crossed += 1
                break
    return crossed


def unequal_weights(trials: int, seed: int = 0) -> int:
    """Return how often non-inferiority is shown at level 0.05 of a challenger that is worse by just the margin.

    Rows come from days on which one row in two or one in twenty was drawn.
    """
    generator, margin, crossed = np.random.default_rng(seed), 0.05, 0
    for _ in range(trials):
        weights = generator.choice([0.1, 1.0], HOLDOUT)
        differences = generator.choice([-1.0, 0.0, 1.0], HOLDOUT, p=[0.10, 0.85, 0.05]) * weights
        stake = Stake(differences.tolist(), [1.0] * HOLDOUT, -margin, weights.tolist())
        crossed += mixture_e_value([stake]) >= 1 / BUDGET
    return crossed


@dataclass(frozen=True)
class Power:
    """How many of ``trials`` challengers were promoted, and the mean of labels and of rounds that a verdict took."""

    promoted: int
    labels: float
    rounds: float
    trials: int


def power(gain: float, nth: int, trials: int, *, seed: int = 0, drifted: int | None = None, gate: Gate = GATE) -> Power:
    """Return how often the nth challenger of a loop is promoted that is better by a gain.

    Parameters
    ----------
    gain
        By how much it is more accurate on random rows of today; the two differ on a tenth of them.
    nth
        1 for the first. No earlier one was promoted, which is the hardest case.
    trials
        Number of simulated challengers.
    seed
        Of the random draws.
    drifted
        Days since what is right changed; it is worse by the gain on all rows of the half year that were served before.
    gate
        What it must show.
    """
    generator, earlier = np.random.default_rng([seed, nth]), challengers_before(nth)
    promoted, labels, rounds = 0, 0, 0
    for _ in range(trials):
        random = random_of_window(generator, gain, gate.evidence_days, drifted)
        own = judged(gate, Challenger(random, with_lead(gain / DISAGREEMENT, generator)), earlier)
        promoted += own[-1].outcome == "promote"
        labels += sum(verdict.k for verdict in own)
        rounds += len(own) - 1
    return Power(promoted, labels / trials, rounds / trials, trials)


@dataclass(frozen=True)
class Labels:
    """Median labels until the third challenger of a loop is promoted; ``decided`` of ``trials`` were.

    ``optimal`` are those of the bet that grows fastest, which is known only to who knows the gain.
    """

    disagreement: float
    random: float
    optimal: float
    decided: int
    trials: int


def labels_to_promote(gain: float, disagreement: float, trials: int, seed: int = 0) -> Labels:
    """Return the labels that show a true gain, where the two disagree and on random rows.

    On a random row the two agree most often, which leaves the wealth as it is: it costs a label and says nothing.

    Parameters
    ----------
    gain
        By how much the challenger is more accurate on random rows.
    disagreement
        Share of random rows on which the two differ.
    trials
        Number of simulated challengers.
    seed
        Of the random draws.
    """
    generator, lead = np.random.default_rng(seed), gain / disagreement
    needed = -math.log(challengers_before(THIRD + 1)[-1].level or 1.0)
    apart, anywhere, optimal = [], [], []
    for _ in range(trials):
        outcomes = generator.choice([1, -1, 0], GIVE_UP, p=chances(lead))
        wins, losses = np.cumsum(outcomes > 0).tolist(), np.cumsum(outcomes < 0).tolist()
        ours = (row for row, counts in enumerate(zip(wins, losses, strict=True), 1) if evidence(*counts) >= needed)
        best = np.cumsum(np.log1p(lead / (1 - BOTH_WRONG) * outcomes)) >= needed
        optimal.append(int(best.argmax()) + 1 if best.any() else GIVE_UP)
        if rows := next(ours, None):
            apart.append(rows)
            anywhere.append(rows + int(generator.negative_binomial(rows, disagreement)))
    return Labels(statistics.median(apart), statistics.median(anywhere), statistics.median(optimal), len(apart), trials)


def intervals_that_miss(streams: int, seed: int = 0) -> int:
    """Return how many 95 % intervals miss the true accuracy when uncertain rows are drawn more often."""
    generator, missed = np.random.default_rng(seed), 0
    confidence = generator.beta(4, 1, 4000)
    right = (generator.random(4000) < 0.4 + 0.6 * confidence).astype(float)
    chances = np.clip(0.25 * (1.05 - confidence), 0.02, 1)
    for _ in range(streams):
        drawn = generator.random(4000) < chances
        estimate = weighted_mean(right[drawn], chances[drawn])
        missed += not estimate.low <= right.mean() <= estimate.high
    return missed


@cache
def _mcnemar(wins: int, losses: int) -> float:
    return float(stats.binomtest(wins, wins + losses, alternative="greater").pvalue) if wins + losses else 1.0
