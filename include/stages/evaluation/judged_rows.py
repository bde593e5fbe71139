"""Labeled rows as champion and challenger answer them."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.decisions.challenger_evaluation import WeightedDifference
from include.foundation.statistics.estimates import design_weights
from include.stages.evaluation.row_scores import class_weights, row_scores

if TYPE_CHECKING:
    from include.foundation.models.registry import LoadedModel

DIGITS = 9
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class JudgedRows:
    """Scores of both models on n rows; ``champion_scores`` is None where there is no champion."""

    truth: list[str]
    probabilities: Floats
    segments: dict[str, list[str | None]]
    class_weights: Floats
    perfect_scores: Floats
    challenger_said: NDArray[np.object_]
    confidence: Floats
    challenger_scores: Floats
    champion_scores: Floats | None

    @property
    def challenger_right(self) -> Floats:
        """1 where the challenger is right, (n,)."""
        return np.asarray(np.array(self.truth, dtype=object) == self.challenger_said, dtype=np.float64)

    @property
    def differences(self) -> Floats:
        """Challenger's score less the champion's, (n,), -1 to 1; zeros without a champion."""
        if self.champion_scores is None:
            return np.zeros_like(self.challenger_scores)
        return self.challenger_scores - self.champion_scores

    def scaled_differences(self) -> tuple[WeightedDifference, ...]:
        """Return the multiset of differences, sorted.

        Rows drawn with a smaller probability stand for more rows; each difference is scaled by its weight over the largest
        weight, which keeps a bet bounded and its sign that of the production mean. A threshold must be scaled by the same.
        """
        if not self.truth:
            return ()
        weights = design_weights(self.probabilities)
        shares = np.round(weights / weights.max(), DIGITS)
        scaled = np.round(self.differences * shares, DIGITS) + 0.0
        times = Counter(zip(scaled.tolist(), shares.tolist(), strict=True))
        return tuple(WeightedDifference(value, count, share) for (value, share), count in sorted(times.items()))

    def where(self, segment: str, value: str | None) -> "JudgedRows":
        """Return the rows of one segment value."""
        keep = np.array([found == value for found in self.segments[segment]], dtype=bool)
        return JudgedRows(
            truth=[name for name, kept in zip(self.truth, keep, strict=True) if kept],
            probabilities=self.probabilities[keep],
            segments={key: [v for v, kept in zip(vs, keep, strict=True) if kept] for key, vs in self.segments.items()},
            class_weights=self.class_weights,
            perfect_scores=self.perfect_scores[keep],
            challenger_said=self.challenger_said[keep],
            confidence=self.confidence[keep],
            challenger_scores=self.challenger_scores[keep],
            champion_scores=None if self.champion_scores is None else self.champion_scores[keep],
        )


def judged_rows(
    loop: Loop,
    rows: pa.Table,
    champion: "LoadedModel | None",
    challenger: "LoadedModel",
    weights: Floats | None = None,
) -> JudgedRows:
    """Return how both models answer labeled rows.

    Parameters
    ----------
    loop
        Names the score and the segments.
    rows
        Rows of ``labels``.
    champion, challenger
        The models; there may be no champion.
    weights
        Class weights to use; by default those of these rows.
    """
    truth = rows.column("label").to_pylist()
    probabilities = np.array(rows.column("inclusion_probability").to_pylist(), dtype=np.float64)
    used = class_weights(loop, truth, probabilities) if weights is None else weights
    said, chances = challenger.predict(rows)
    return JudgedRows(
        truth=truth,
        probabilities=probabilities,
        segments={name: rows.column(f"segment_{name}").to_pylist() for name in loop.segments},
        class_weights=used,
        perfect_scores=row_scores(loop, truth, truth, used),
        challenger_said=said,
        confidence=chances.max(axis=1) if truth else np.zeros(0),
        challenger_scores=row_scores(loop, truth, said, used),
        champion_scores=None if champion is None else row_scores(loop, truth, _said(champion, rows), used),
    )


def _said(model: "LoadedModel", rows: pa.Table) -> NDArray[np.object_]:
    return model.predict(rows)[0]
