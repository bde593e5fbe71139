"""Labeled rows, and what champion and challenger score on them."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.decisions.challenger_evaluation import WeightedDifference
from include.foundation.statistics.estimates import design_weights
from include.foundation.statistics.prediction_powered import LoggedConfidence
from include.foundation.store.ledgers.labeled_draws import IS_TRAINED_ON, are_trained_on
from include.foundation.store.ledgers.served_confidence import ServedBeside
from include.foundation.taxonomy import Taxonomy
from include.stages.evaluation.row_scores import class_weights, row_scores

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel

DIGITS = 9  # beyond them, differences that are equal but for rounding would count as several
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class JudgedRows:
    """The scores of both models on n labeled rows.

    Attributes
    ----------
    label_ids, labels
        Id of each row's label, and the label.
    inclusion_probabilities
        The probability with which each row was drawn, (n,), above 0 and at most 1.
    is_trained_on
        Whether the challenger may have trained on the row's label, (n,).
    groups
        The group of each row, None without one: rows of a group are not independent.
    segments
        The segment values of each row, by segment.
    class_weights
        The weight of each class of the loop in a score, (classes,), 0 to 1.
    perfect_scores
        The scores of a model that predicts every label, (n,), 0 to 1.
    challenger_predictions, champion_predictions
        What the models predict, (n,); None for the champion if there is none.
    confidence
        The challenger's largest probability, (n,), 0 to 1.
    challenger_scores, champion_scores
        The models' scores, (n,), 0 to 1; None for the champion if there is none.
    served
        What was served beside the rows; None where they were not drawn from all that was served.
    segment
        The segment value that all of them have, as ``desk=eu``; empty if they are not of one.
    """

    label_ids: list[str]
    labels: list[str]
    inclusion_probabilities: Floats
    is_trained_on: NDArray[np.bool_]
    groups: list[str | None]
    segments: dict[str, list[str | None]]
    class_weights: Floats
    perfect_scores: Floats
    challenger_predictions: NDArray[np.object_]
    champion_predictions: NDArray[np.object_] | None
    confidence: Floats
    challenger_scores: Floats
    champion_scores: Floats | None
    served: ServedBeside | None = None
    segment: str = ""

    @property
    def beside(self) -> LoggedConfidence | None:
        """The confidence with which these rows were served, and all rows beside them."""
        return None if self.served is None else self.served.confidence(self.segment)

    @property
    def challenger_right(self) -> Floats:
        """1 where the challenger predicts the label, else 0, (n,)."""
        return np.asarray(np.array(self.labels, dtype=object) == self.challenger_predictions, dtype=np.float64)

    @property
    def differences(self) -> Floats:
        """The challenger's score less the champion's, (n,), -1 to 1; zeros without a champion."""
        if self.champion_scores is None:
            return np.zeros_like(self.challenger_scores)
        return self.challenger_scores - self.champion_scores

    def scaled_differences(self) -> tuple[WeightedDifference, ...]:
        """Return the multiset of differences, sorted, each scaled by its row's design weight over the largest one.

        Rows that were drawn with a smaller probability stand for more rows. The scaled differences are bounded, as a bet needs
        them, and their sum has the sign of the production mean. A threshold must be scaled in the same way. A label that the
        challenger may have learnt by heart, mistakes of annotators among it, counts against it, but not for it; what it knows
        of a content by another label does. Rows of a group are one bet.
        """
        if not self.labels:
            return ()
        return self._multiset(design_weights(self.inclusion_probabilities))

    def drawn_differences(self, largest_group: int = 1, stands_for: float = 1.0) -> tuple[WeightedDifference, ...]:
        """Return the multiset of differences of rows that were drawn alike, as `scaled_differences`.

        Parameters
        ----------
        largest_group, stands_for
            Rows of a group are one bet, whose weight is what they stand for over what the largest group does, at most: how many
            rows it has, and for how many one of them stands. Both are settled before the draws.
        """
        return self._multiset(1 / self.inclusion_probabilities, largest_group * stands_for)

    def _multiset(self, weights: Floats, largest: float | None = None) -> tuple[WeightedDifference, ...]:
        differences = np.where(self.is_trained_on, np.minimum(self.differences, 0.0), self.differences)
        one_by_one = [place if group is None else group for place, group in enumerate(self.groups)]
        places: dict[object, int] = {}
        bets = [places.setdefault(group, len(places)) for group in one_by_one]
        weight, total = (np.bincount(bets, values) for values in (weights, weights * differences))
        scale = max(largest or 0.0, float(weight.max(initial=0.0)))
        shares, scaled = np.round(weight / scale, DIGITS), np.round(total / scale, DIGITS) + 0.0
        times = Counter(zip(scaled.tolist(), shares.tolist(), strict=True))
        return tuple(WeightedDifference(value, count, share) for (value, share), count in sorted(times.items()))

    def where(self, segment: str, value: str | None) -> "JudgedRows":
        """Return the rows of one segment value."""
        rows = self.kept(np.array([of_row == value for of_row in self.segments[segment]], dtype=bool))
        return replace(rows, segment=f"{segment}={value}")

    def kept(self, keep: NDArray[np.bool_]) -> "JudgedRows":
        """Return some of the rows, (n,) of whether each is one of them."""
        return JudgedRows(
            label_ids=[name for name, kept in zip(self.label_ids, keep, strict=True) if kept],
            labels=[name for name, kept in zip(self.labels, keep, strict=True) if kept],
            inclusion_probabilities=self.inclusion_probabilities[keep],
            is_trained_on=self.is_trained_on[keep],
            groups=[group for group, kept in zip(self.groups, keep, strict=True) if kept],
            segments={
                name: [of_row for of_row, kept in zip(values, keep, strict=True) if kept]
                for name, values in self.segments.items()
            },
            class_weights=self.class_weights,
            perfect_scores=self.perfect_scores[keep],
            challenger_predictions=self.challenger_predictions[keep],
            champion_predictions=None if self.champion_predictions is None else self.champion_predictions[keep],
            confidence=self.confidence[keep],
            challenger_scores=self.challenger_scores[keep],
            champion_scores=None if self.champion_scores is None else self.champion_scores[keep],
            served=None if self.served is None else self.served.at(keep),
            segment=self.segment,
        )


def judged_rows(
    loop: Loop,
    rows: pa.Table,
    champion: "LoadedModel | None",
    challenger: "LoadedModel",
    weights: Floats | None = None,
    served: ServedBeside | None = None,
) -> JudgedRows:
    """Return what both models score on labeled rows.

    Parameters
    ----------
    loop
        Names the score and the segments.
    rows
        Rows of ``labels``; may be empty. Those of retired classes are left out.
    champion, challenger
        The models; the champion is None if there is none.
    weights
        The weight of each class, (classes,); those of these rows if None.
    served
        What was served beside the rows, if it is known.
    """
    rows = Taxonomy.of(loop.task).read_labels(rows)
    labels = rows.column("label").to_pylist()
    inclusion_probabilities = np.array(rows.column("inclusion_probability").to_pylist(), dtype=np.float64)
    if weights is None:
        weights = class_weights(loop, labels, inclusion_probabilities)
    predictions, probabilities = challenger.predict(rows)
    champions = None if champion is None else champion.predict(rows)[0]
    return JudgedRows(
        label_ids=rows.column("label_id").to_pylist(),
        labels=labels,
        inclusion_probabilities=inclusion_probabilities,
        is_trained_on=_trained_on(rows, challenger.challenger_key),
        groups=rows.column("group_key").to_pylist(),
        segments={name: rows.column(f"segment_{name}").to_pylist() for name in loop.segments},
        class_weights=weights,
        perfect_scores=row_scores(loop, labels, labels, weights),
        challenger_predictions=predictions,
        champion_predictions=champions,
        confidence=probabilities.max(axis=1) if labels else np.zeros(0),
        challenger_scores=row_scores(loop, labels, predictions, weights),
        champion_scores=None if champions is None else row_scores(loop, labels, champions, weights),
        served=served,
    )


def _trained_on(rows: pa.Table, challenger_key: str) -> NDArray[np.bool_]:
    """Tell of which rows a challenger may have trained on the label: not of those that were asked to judge it."""
    trained = rows.column(IS_TRAINED_ON) if IS_TRAINED_ON in rows.column_names else are_trained_on(rows)
    both = zip(trained.to_pylist(), rows.column("evidence_for").to_pylist(), strict=True)
    return np.array([is_trained and judged != challenger_key for is_trained, judged in both], dtype=bool)
