"""Compare strategies of selection on a loop's history, and say how far the answer can be trusted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from include.checks.replayed_strategies import RANDOM, STRATEGIES, History, Right, Strategy, history_of, replayed
from include.foundation.statistics.estimates import Estimate, weighted_difference, weighted_mean
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.recent_holdout import keys_of_answers

LEVEL = 0.95  # of all intervals of gains together
MOSTLY = 0.5  # share of the pool that was chosen, from which it is a remark
OWN = "* is the loop's own. Accuracy is of rows as they were served, with 95 % intervals; those of all gains hold together."
BIASED = (
    "{:.0%} of the labels were chosen when they were asked for: what another strategy would have asked for is not among them, "
    "and random here is random among these, so that this says which strategy makes the most of them, and not what it brings in "
    "production. A higher split.release_share makes them more like what is served."
)


@dataclass(frozen=True)
class ComparedStrategy:
    """A strategy on a loop's history.

    Attributes
    ----------
    strategy
        The strategy.
    accuracy
        After each step, with 95 % intervals.
    gain
        Mean accuracy over the steps after the first, which is common to all, above that of buying at random; the interval holds
        for all strategies together.
    """

    strategy: Strategy
    accuracy: tuple[Estimate, ...]
    gain: Estimate


@dataclass(frozen=True)
class StrategyComparison:
    """Strategies on a loop's history.

    Attributes
    ----------
    history
        What was replayed.
    repetitions
        Over which was averaged.
    lines
        The strategies, buying at random first.
    """

    history: History
    repetitions: int
    lines: tuple[ComparedStrategy, ...]

    def report(self) -> str:
        """Return the table, and what is to be said of it."""
        loop, pool, judges = self.history.loop, self.history.pool.num_rows, self.history.judges.num_rows
        width = max(len(line.strategy.name) for line in self.lines) + 3
        head = [f"{size} labels".rjust(20) for size in self.history.sizes]
        rows = [
            f"{self._named(line.strategy):<{width}}{''.join(map(_cell, line.accuracy))}{_gain(line)}"
            for line in self.lines
        ]
        return "\n".join([
            f"{loop.name}: {pool} labels to buy from, {judges} rows drawn at random judge, {self.repetitions} repetitions",
            f"{'strategy':<{width}}" + "".join(head) + "  points above random",
            *rows,
            *self._remarks(),
        ])  # fmt: skip

    def _named(self, strategy: Strategy) -> str:
        own = self.history.loop.selection
        return strategy.name + (" *" if (strategy.score, strategy.diversify) == (own.score, own.diversify) else "")

    def _remarks(self) -> Iterator[str]:
        yield OWN
        shown = [line for line in self.lines if line.gain.low is not None and line.gain.low > 0]
        if not shown:
            yield "No strategy is shown to teach more than rows at random."
        else:
            best = max(shown, key=lambda line: line.gain.value or 0.0)
            others = ", ".join(line.strategy.name for line in shown if line is not best)
            yield f"Shown to teach more than rows at random: {best.strategy.name}{f'; also {others}' if others else ''}."
        if self.history.chosen > MOSTLY:
            yield BIASED.format(self.history.chosen)


def compare_strategies(
    store: LoopStore, repetitions: int = 10, strategies: Sequence[Strategy] = STRATEGIES
) -> StrategyComparison:
    """Replay a loop's labels under several strategies.

    Models are the loop's own, trained on what each strategy buys of the labels to train on, and judged by held-out rows that
    were drawn at random, weighted by their inclusion probabilities. Nothing is written.

    Parameters
    ----------
    store
        Tables of the loop.
    repetitions
        Over which is averaged, above 0.
    strategies
        Compared, buying at random first.

    Raises
    ------
    NothingToDo
        If there are too few labels.
    TrainingError
        If the loop's model cannot be fitted.

    Notes
    -----
    Intervals hold both chances: which rows judge, of which a content or group counts as one, and what is bought, by how much
    repetitions differ. Those of gains are widened for as many strategies as are compared (Bonferroni).
    """
    judged = Judged.of(history := history_of(store))
    right = {strategy: replayed(history, strategy, repetitions) for strategy in strategies}
    level = 1 - (1 - LEVEL) / max(1, len(strategies) - 1)
    lines = tuple(
        ComparedStrategy(
            strategy,
            tuple(judged.mean(is_right[:, step]) for step in range(is_right.shape[1])),
            judged.gain((is_right - right[RANDOM])[:, 1:].mean(axis=1), level),
        )
        for strategy, is_right in right.items()
    )
    return StrategyComparison(history, repetitions, lines)


@dataclass(frozen=True)
class Judged:
    """The rows that judge, as estimates take them: what each stands for, and which are not independent."""

    chances: list[float]
    groups: list[str | None]

    @classmethod
    def of(cls, history: History) -> "Judged":
        """Return those of a history: rows of a group, or of one answer, count as one."""
        own, answers = history.judges.column("group_key").to_pylist(), keys_of_answers(history.judges)
        chances = history.judges.column("inclusion_probability").to_pylist()
        return cls(chances, [group or answer for group, answer in zip(own, answers, strict=True)])

    def mean(self, right: Right) -> Estimate:
        """Return the accuracy of (repetitions, rows)."""
        return self._widened(weighted_mean(right.mean(axis=0), self.chances, LEVEL, self.groups), right, LEVEL)

    def gain(self, differences: Right, level: float) -> Estimate:
        """Return the mean of paired differences, (repetitions, rows)."""
        estimate = weighted_difference(differences.mean(axis=0), self.chances, level, self.groups)
        return self._widened(estimate, differences, level)

    def _widened(self, estimate: Estimate, values: Right, level: float) -> Estimate:
        """Return an estimate whose interval also holds how much repetitions differ, by Student's t."""
        from scipy.stats import t

        weights, times = 1 / np.array(self.chances), len(values)
        if estimate.value is None or estimate.low is None or estimate.high is None or times == 1:
            return estimate
        spread = float((values @ weights / weights.sum()).std(ddof=1)) / times**0.5
        half = spread * float(t.ppf((1 + level) / 2, times - 1))
        low, high = (np.hypot(estimate.value - end, half) for end in (estimate.low, estimate.high))
        return replace(estimate, low=estimate.value - float(low), high=estimate.value + float(high))


def _cell(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.2f}, {estimate.high:.2f}]".rjust(20)


def _gain(line: ComparedStrategy) -> str:
    if line.strategy == RANDOM or line.gain.value is None or line.gain.low is None or line.gain.high is None:
        return ""
    return f"  {100 * line.gain.value:+.1f} [{100 * line.gain.low:+.1f}, {100 * line.gain.high:+.1f}]"
