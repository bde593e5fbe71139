"""Loops in which challengers meet a champion, judged by the gate's own verdicts on simulated labels."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.config.promotion_sections import Gate
from include.foundation.decisions import Evaluation, GateVerdict
from include.foundation.decisions.challenger_evaluation import (
    ConfidenceCalibration,
    Differences,
    DisagreementCensus,
    Scores,
    WeightedDifference,
)
from include.foundation.statistics.estimates import UNKNOWN
from include.stages.evaluation.contested_rows import within
from include.stages.gate.judging import verdict_on

BOTH_WRONG = 0.15  # share of the rows of disagreement on which neither is right
ACCURACY, DISAGREEMENT = 0.85, 0.10
DAYS, A_DAY = 28, 12
HOLDOUT = DAYS * A_DAY  # what a loop file's defaults draw
WINDOW = 10_000
NOISE = 0.1
HALF_YEAR, NOW = 180, datetime(2026, 11, 1, tzinfo=UTC)
VOLUMES = np.geomspace(0.01, 1.0, DAYS)  # of the days, over the largest
Rows = list[tuple[float, float]]
Ints = NDArray[np.int64]


@dataclass
class Challenger:
    """What labels of one challenger show.

    Attributes
    ----------
    random
        Its differences on the holdout, each with its weight over the largest one.
    draw
        Returns how many of n further rows of disagreement are wins, losses and ties.
    share
        Share of today's rows on which the two disagree.
    """

    random: Rows
    draw: Callable[[int], Ints]
    share: float = DISAGREEMENT


@dataclass(frozen=True)
class Life:
    """A loop's life: whether a challenger was ever promoted that is no better, and labels asked for each, in the mean."""

    is_ever_wrong: bool
    labels: float


def life(gate: Gate, kind: str, cycles: int, generator: np.random.Generator) -> Life:
    """Return the life of a loop in which no challenger is better than the champion.

    Parameters
    ----------
    gate
        What they must show.
    kind
        ``plain``; ``noise``, where labels are wrong; ``volumes``, where days are 100 times apart; ``learners``, which learn
        what verdicts selected.
    cycles
        Number of challengers.
    generator
        Of the draws.
    """
    if kind == "learners":
        return _life_of_learners(gate, cycles, generator)
    last, labels = list[GateVerdict](), 0
    for random in held_out(generator, cycles):
        rows = {"plain": random, "noise": _mislabeled(random, generator), "volumes": _days_apart(generator)}[kind]
        own = judged(gate, Challenger(rows, with_lead(0.0, generator)), last)
        last.append(own[-1])
        labels += sum(verdict.k for verdict in own)
    return Life(any(verdict.outcome == "promote" for verdict in last), labels / cycles)


def held_out(
    generator: np.random.Generator, challengers: int, gain: float = 0.0, rows: int = HOLDOUT
) -> Iterator[Rows]:
    """Yield each challenger's differences on the same held-out rows.

    Parameters
    ----------
    generator
        Of the draws.
    challengers
        How many there are.
    gain
        By how much each is more accurate on a random row.
    rows
        How many are held out.
    """
    champion = generator.random(rows) < ACCURACY
    win, loss = ((DISAGREEMENT * (1 - BOTH_WRONG) + sign * gain) / 2 for sign in (1, -1))
    for _ in range(challengers):
        flipped = generator.random(rows) < np.where(champion, loss / ACCURACY, win / (1 - ACCURACY))
        yield [(difference, 1.0) for difference in np.where(flipped, np.where(champion, -1.0, 1.0), 0.0).tolist()]


def random_of_window(generator: np.random.Generator, gain: float, days: int, drifted: int | None = None) -> Rows:
    """Return the differences on the random rows of a half year that are evidence.

    Parameters
    ----------
    generator
        Of the draws.
    gain
        Of the challenger on rows of today.
    days
        Of the window.
    drifted
        Days since what is right changed; before, it was worse by the gain.
    """
    ages = np.repeat(np.arange(HALF_YEAR), A_DAY)
    before = ages >= (HALF_YEAR if drifted is None else drifted)
    rows = Rows()
    for of_part, size in ((gain, int((~before).sum())), (-gain, int(before.sum()))):
        rows += next(held_out(generator, 1, of_part, size))
    logged = pa.table({"ts": [NOW - timedelta(days=age, hours=1) for age in ages.tolist()]})
    census = DisagreementCensus(rows=WINDOW, share=DISAGREEMENT, askable=0, since=NOW - timedelta(days=days), until=NOW)
    return [row for row, counts in zip(rows, within(logged, census).tolist(), strict=True) if counts]


def chances(lead: float) -> list[float]:
    """Return how likely a row of disagreement is a win, a loss and a tie; ``lead`` is their mean difference."""
    return [(1 - BOTH_WRONG + lead) / 2, (1 - BOTH_WRONG - lead) / 2, BOTH_WRONG]


def with_lead(lead: float, generator: np.random.Generator) -> Callable[[int], Ints]:
    """Return draws of rows of disagreement with that mean difference."""
    return lambda rows: generator.multinomial(rows, chances(lead))


def challengers_before(nth: int) -> list[GateVerdict]:
    """Return the verdicts on the challengers before the nth, none of which was promoted."""
    verdicts = list[GateVerdict]()
    for _ in range(nth - 1):
        verdicts += judged(Gate(), Challenger([], lambda _: np.zeros(3, dtype=np.int64), share=0.0), verdicts)
    return verdicts


def judged(gate: Gate, challenger: Challenger, earlier: Sequence[GateVerdict]) -> list[GateVerdict]:
    """Return the verdicts on one challenger, one more after each round of labels.

    Parameters
    ----------
    gate
        What it must show, and how many labels may be asked for.
    challenger
        What its labels show.
    earlier
        Last verdicts on the challengers before it.
    """
    counts, own = np.zeros(3, dtype=np.int64), list[GateVerdict]()
    while True:
        evaluation = _evaluation(challenger, counts, f"challenger-{len(earlier)}", f"dataset-{len(own)}")
        own.append(verdict_on(gate, evaluation, [*earlier, *own]))
        if own[-1].outcome != "label_more":
            return own
        counts = counts + challenger.draw(own[-1].k)


def _evaluation(challenger: Challenger, counts: Ints, key: str, dataset: str) -> Evaluation:
    asked = zip((1.0, -1.0, 0.0), counts.tolist(), strict=True)
    random = (WeightedDifference(value, times, weight) for (value, weight), times in Counter(challenger.random).items())
    askable = round(WINDOW * challenger.share) - int(counts.sum())
    return Evaluation(
        subject=key, reasons=(), challenger_key=key, run_id="run", champion_version="1", dataset=dataset,
        scores=Scores(champion=UNKNOWN, challenger=UNKNOWN, difference=UNKNOWN), per_class={}, slices=(), score_unit=1.0,
        calibration=ConfidenceCalibration(verdict="inconclusive"),
        differences=Differences(
            random=tuple(random), disagreement=tuple(WeightedDifference(value, times, 1.0) for value, times in asked if times)
        ),
        window=DisagreementCensus(rows=WINDOW, share=challenger.share, askable=askable),
    )  # fmt: skip


def _mislabeled(rows: Rows, generator: np.random.Generator) -> Rows:
    """Return the differences as wrong labels show them: one that names what the other model says turns a row around."""
    turned = generator.random(len(rows)) < NOISE
    return [
        (-difference if wrong else difference, weight) for (difference, weight), wrong in zip(rows, turned, strict=True)
    ]


def _days_apart(generator: np.random.Generator) -> Rows:
    """Return as many rows of each day. The challenger is better on all days but the busiest, and equal over rows served."""
    busiest = -0.2 * VOLUMES[:-1].sum() / VOLUMES[-1]
    rows = Rows()
    for volume in VOLUMES.tolist():
        win, loss, _ = chances(max(-0.85, busiest) if volume == VOLUMES[-1] else 0.2 * min(1.0, 0.85 / -busiest))
        differs = [DISAGREEMENT * win, DISAGREEMENT * loss]
        drawn = generator.choice([1.0, -1.0, 0.0], A_DAY, p=[*differs, 1 - sum(differs)])
        rows += [(difference * volume, volume) for difference in drawn.tolist()]
    return rows


@dataclass
class _Pool:
    """Rows of a window, and on which of them a model is right; those that were asked are learnt by heart."""

    champion: NDArray[np.bool_]
    asked: NDArray[np.bool_]
    generator: np.random.Generator
    newest: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def challenger(self) -> NDArray[np.bool_]:
        """Return on which rows a new model is right: the best of five on what the last verdict asked, and equal elsewhere."""
        flips = np.where(self.champion, 1 / ACCURACY, 1 / (1 - ACCURACY)) * DISAGREEMENT * (1 - BOTH_WRONG) / 2
        models = [self.champion ^ (self.generator.random(self.champion.size) < flips) for _ in range(5)]
        return max(models, key=lambda right: right[self.newest].sum()) | self.asked

    def draw(self, right: NDArray[np.bool_], rows: int) -> Ints:
        """Return how rows went that were not asked before."""
        free = np.flatnonzero((right != self.champion) & ~self.asked)
        self.newest = self.generator.choice(free, min(rows, free.size), replace=False)
        self.asked[self.newest] = True
        wins = int(right[self.newest].sum())
        return np.array([wins, self.newest.size - wins, 0])


def _life_of_learners(gate: Gate, cycles: int, generator: np.random.Generator) -> Life:
    pool = _Pool(generator.random(WINDOW) < ACCURACY, np.zeros(WINDOW, dtype=bool), generator)
    last, labels = list[GateVerdict](), 0
    for random in held_out(generator, cycles):
        right = pool.challenger()
        own = judged(gate, Challenger(random, lambda rows, right=right: pool.draw(right, rows)), last)  # type: ignore[misc]
        last.append(own[-1])
        labels += sum(verdict.k for verdict in own)
        if own[-1].outcome == "promote":
            pool.champion = right
    return Life(any(verdict.outcome == "promote" for verdict in last), labels / cycles)
