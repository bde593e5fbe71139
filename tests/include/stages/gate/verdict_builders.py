"""Evaluations as the gate reads them."""

from collections.abc import Sequence
from typing import Any

from include.foundation.decisions import Evaluation
from include.foundation.decisions.challenger_evaluation import (
    Differences,
    DisagreementCensus,
    Scores,
    SliceDifference,
    SliceScores,
    WeightedDifference,
)
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from tests.decision_builders import SCORE, make_evaluation, make_scores

NO_SCORES = Scores(champion=UNKNOWN, challenger=UNKNOWN, difference=UNKNOWN)


def multiset(wins: int = 0, losses: int = 0, ties: int = 0, weight: float = 1.0) -> tuple[WeightedDifference, ...]:
    rows = (-weight, losses), (0.0, ties), (weight, wins)
    return tuple(WeightedDifference(value, times, weight) for value, times in rows if times)


def slice_with(value: str, wins: int = 0, losses: int = 0) -> SliceScores:
    differences = SliceDifference(-1.0, losses), SliceDifference(1.0, wins)
    return SliceScores(segment="desk", value=value, scores=make_scores(difference=SCORE), differences=differences)


def measured(
    key: str = "k1",
    *,
    random: Sequence[WeightedDifference] = (),
    apart: Sequence[WeightedDifference] = (),
    slices: Sequence[SliceScores] = (),
    askable: int = 500,
    share: float = 0.1,
    **evidence: Any,
) -> Evaluation:
    """What `evaluate` says of a challenger that met champion 1."""
    differences = Differences(random=tuple(random), disagreement=tuple(apart))
    window = DisagreementCensus(rows=1000, share=share, askable=askable)
    return make_evaluation(key, slices=tuple(slices), differences=differences, window=window, **evidence)


def first_measured(low: float | None, key: str = "k0") -> Evaluation:
    """What `evaluate` says of the first model."""
    score = UNKNOWN if low is None else Estimate(0.8, low, 0.85, 200, 200.0)
    return measured(key, champion_version=None, scores=make_scores(champion=UNKNOWN, challenger=score))
