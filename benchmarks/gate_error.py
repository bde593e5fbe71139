"""How often the gate is wrong over a loop's life, what a decision costs in labels, and whether intervals cover.

``.venv/bin/python -m benchmarks.gate_error [--quick]`` prints one JSON object per case. Everything is simulated with the gate's
own e-values, levels and estimates; the peers are the usual rules, on the same simulated labels.
"""

import argparse
import json
import math
import resource
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import stats

from include.foundation.statistics.e_values import Stake, labels_to_decide, log_e_value, mixture_e_value
from include.foundation.statistics.estimates import weighted_mean
from include.stages.gate.error_budget import level
from include.stages.gate.judging import FEWEST_LABELS_PER_ROUND, REJECTION_LEVEL

BUDGET, ROUNDS, MOST = 0.05, 3, 60
CYCLES, HOLDOUT = 20, 200
ACCURACY, DISAGREEMENT, BOTH_WRONG = 0.85, 0.10, 0.15
THIRD = 3
GIVE_UP = 20_000
RULES = ("gate", "point estimate is higher", "McNemar p < 0.05")


@cache
def evidence(wins: int, losses: int) -> float:
    """Return the logarithm of the gate's e-value for counts of wins and losses."""
    return log_e_value([Stake([1.0, -1.0], [wins, losses])])


def equal_models(loops: int, seed: int = 0) -> dict[str, int]:
    """Return, by rule, in how many loops any of twenty equally good challengers was promoted.

    All challengers of a loop are judged on the same held-out rows, as in a real loop, and the gate also asks for labels where
    the two disagree, up to three rounds.
    """
    generator = np.random.default_rng(seed)
    wrong = dict.fromkeys(RULES, 0)
    for _ in range(loops):
        won, lost = _held_out(generator)
        counts = list(zip(won.tolist(), lost.tolist(), strict=True))
        wrong["gate"] += any(_promoted(w, c, nth, generator) for nth, (w, c) in enumerate(counts, start=1))
        wrong["point estimate is higher"] += any(w > c for w, c in counts)
        wrong["McNemar p < 0.05"] += any(_mcnemar(w, c) < 0.05 for w, c in counts)
    return wrong


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
class Labels:
    """Median labels until the third challenger of a loop is promoted; ``decided`` of ``trials`` were."""

    disagreement: float
    random: float
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
    generator, needed = np.random.default_rng(seed), math.log(1 / level(BUDGET, THIRD))
    apart, anywhere = [], []
    for _ in range(trials):
        rows = _rows_until(needed, gain / disagreement, generator)
        if rows is not None:
            apart.append(rows)
            anywhere.append(rows + int(generator.negative_binomial(rows, disagreement)))
    return Labels(statistics.median(apart), statistics.median(anywhere), len(apart), trials)


def intervals_that_miss(streams: int, seed: int = 0) -> int:
    """Return how many 95 % intervals miss the true accuracy when uncertain rows are drawn more often."""
    generator, missed = np.random.default_rng(seed), 0
    confidence = generator.beta(4, 1, 4000)
    right = (generator.random(4000) < 0.4 + 0.6 * confidence).astype(float)
    chances = np.clip(0.25 * (1.05 - confidence), 0.02, 1)
    for _ in range(streams):
        drawn = generator.random(4000) < chances
        found = weighted_mean(right[drawn], chances[drawn])
        missed += not found.low <= right.mean() <= found.high
    return missed


def _held_out(generator: np.random.Generator) -> tuple[Any, Any]:
    """Return each challenger's wins and losses on the same held-out rows; all are as good as the champion."""
    champion = generator.random(HOLDOUT) < ACCURACY
    apart = DISAGREEMENT * (1 - BOTH_WRONG) / 2
    flipped = generator.random((CYCLES, HOLDOUT)) < np.where(champion, apart / ACCURACY, apart / (1 - ACCURACY))
    return (flipped & ~champion).sum(axis=1), (flipped & champion).sum(axis=1)


def _promoted(wins: int, losses: int, nth: int, generator: np.random.Generator) -> bool:
    """Play the rounds of one challenger as `include.stages.gate.judging` does."""
    needed = math.log(1 / level(BUDGET, nth))
    for round_number in range(1, ROUNDS + 2):
        if evidence(wins, losses) >= needed:
            return True
        if evidence(losses, wins) >= math.log(1 / REJECTION_LEVEL) or round_number > ROUNDS:
            return False
        expected = labels_to_decide(wins, losses, needed - evidence(wins, losses))
        k = min(MOST, max(FEWEST_LABELS_PER_ROUND, MOST if expected is None else expected))
        won, lost, _ = generator.multinomial(k, [(1 - BOTH_WRONG) / 2, (1 - BOTH_WRONG) / 2, BOTH_WRONG]).tolist()
        wins, losses = wins + won, losses + lost
    return False


@cache
def _mcnemar(wins: int, losses: int) -> float:
    return float(stats.binomtest(wins, wins + losses, alternative="greater").pvalue) if wins + losses else 1.0


def _rows_until(needed: float, lead: float, generator: np.random.Generator) -> int | None:
    decisive = 1 - BOTH_WRONG
    outcomes = generator.choice([1, -1, 0], GIVE_UP, p=[(decisive + lead) / 2, (decisive - lead) / 2, BOTH_WRONG])
    wins = losses = 0
    for row, outcome in enumerate(outcomes.tolist(), start=1):
        wins, losses = wins + (outcome == 1), losses + (outcome == -1)
        if evidence(wins, losses) >= needed:
            return row
    return None


def _rate(case: str, wrong: int, trials: int, limit: float, peers: Mapping[str, float | None]) -> dict[str, Any]:
    interval = stats.binomtest(wrong, trials).proportion_ci()
    rates = {"rate": wrong / trials, "low": float(interval.low), "high": float(interval.high), "trials": trials}
    return _line(case, "share wrong", wrong / trials, limit, peers, trials) | rates


def _line(
    case: str, unit: str, ours: float, limit: float | None, peers: Mapping[str, float | None], repetitions: int
) -> dict[str, Any]:
    best = min((figure for figure in peers.values() if figure is not None), default=None)
    return {
        "benchmark": "gate_error",
        "case": case,
        "unit": unit,
        "ours": ours,
        "limit": limit,
        "peers": dict(peers),
        "ratio_to_limit": ours / limit if limit else None,
        "ratio_to_best_peer": ours / best if best else None,
        "repetitions": repetitions,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the result of every case."""
    loops, trials, streams = (500, 100, 300) if quick else (5000, 500, 2000)
    wrong = equal_models(loops)
    peers = {name: wrong[name] / loops for name in RULES[1:]}
    yield _rate(f"equal models, {CYCLES} challengers a loop", wrong["gate"], loops, BUDGET, peers)
    shown = unequal_weights(loops)
    yield _rate("worse by the margin, rows of unequal weight", shown, loops, BUDGET, {})
    for disagreement in (0.05, 0.10, 0.20):
        for gain in (0.02, 0.04):
            found = labels_to_promote(gain, disagreement, trials)
            case = f"labels to promote, disagreement {disagreement:.0%}, true gain {100 * gain:g} points"
            line = _line(case, "labels, median", found.disagreement, None, {"random rows": found.random}, trials)
            yield line | {"decided": found.decided, "trials": trials}
    yield _rate("95 % interval misses, uneven probabilities", intervals_that_miss(streams), streams, 0.07, {})


def main() -> None:
    """Print one JSON line a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller work, within a minute")
    for found in cases(quick=parser.parse_args().quick):
        print(json.dumps(found))


if __name__ == "__main__":
    main()
