"""From which confidence on a prediction passes without a person: as high as measured errors demand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa

from include.foundation.intervals import Interval, moved
from include.foundation.statistics.estimates import UNKNOWN, Estimate, weighted_mean
from include.foundation.store.ledgers.labeled_draws import LabeledDraw, labeled_draws
from include.foundation.store.tables import LoopStore

SHARES = tuple(place / 20 for place in range(1, 21))  # of the rows that may pass, each with an error rate of its own
MISSED = 0.05  # probability that a threshold lets more errors pass than the loop file allows


@dataclass(frozen=True)
class Passing:
    """What passes of a version's predictions.

    Attributes
    ----------
    model_version
        Of the predictions.
    threshold
        Confidence from which on they pass; None if none is shown to be high enough.
    error
        Share of wrong ones among those that pass. Its upper end holds for all thresholds that were tried together.
    share
        Share of the rows as they were served that pass.
    """

    model_version: str
    threshold: float | None
    error: Estimate = UNKNOWN
    share: Estimate = UNKNOWN

    def says(self, allowed: float) -> str:
        """Return in words what passes."""
        if self.threshold is None:
            return f"No confidence of version {self.model_version} is shown to be wrong in at most {allowed:.1%} of the rows."
        return (
            f"Predictions of version {self.model_version} pass from a confidence of {self.threshold:.3f} on: "
            f"{self.share.value:.0%} of the rows, wrong in {self.error.value:.1%}, at most {self.error.high:.1%}, of "
            f"{self.error.rows} labels."
        )


def passing_of(store: LoopStore, interval: Interval, versions: list[str]) -> list[Passing]:
    """Return what passes of the predictions of some versions, by the labels of rows that were drawn lately.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Rows of the ``split.holdout_days`` before its end count.
    versions
        The versions.

    Returns
    -------
    list of Passing
        Of each version; empty without ``selection.pass_error``.
    """
    allowed = store.loop.selection.pass_error
    if allowed is None:
        return []
    since = moved(interval.end, -timedelta(days=store.loop.split.holdout_days))
    draws = labeled_draws(store, since=since, until=interval.end)
    return [
        passing_threshold(version, [draw for draw in draws if draw.model_version == version], allowed)
        for version in versions
    ]


def passing_threshold(model_version: str, draws: list[LabeledDraw], allowed: float) -> Passing:
    """Return the lowest confidence from which on predictions are shown to be wrong at most as often as is allowed.

    Parameters
    ----------
    model_version
        That predicted.
    draws
        Labeled rows that were drawn; those without a confidence never pass.
    allowed
        Share of errors, 0 to 1.

    Notes
    -----
    Twenty thresholds are tried, which let 5 %, 10 % … of the rows pass. That any of those that are found good lets more errors
    pass has a probability of at most 5 %: each is tested with a twentieth of it (Angelopoulos et al. 2021, *Learn then Test*,
    with Bonferroni's correction).
    """
    known = sorted((draw for draw in draws if draw.confidence is not None), key=lambda draw: -(draw.confidence or 0.0))
    confidences = np.array([draw.confidence for draw in known], dtype=np.float64)
    wrong = np.array([draw.label != draw.predicted for draw in known], dtype=np.float64)
    chances, groups = [draw.inclusion_probability for draw in known], [draw.group_key for draw in known]
    for share in reversed(SHARES):
        last = int(np.ceil(share * len(known))) - 1
        if last < 0:
            continue
        passes = int(np.searchsorted(-confidences, -confidences[last], side="right"))  # with all that are as sure
        level = 1 - 2 * MISSED / len(SHARES)
        error = weighted_mean(wrong[:passes], chances[:passes], level, groups[:passes])
        if error.high is not None and error.high <= allowed:
            every = weighted_mean(
                [draw.confidence is not None and draw.confidence >= confidences[last] for draw in draws],
                [draw.inclusion_probability for draw in draws],
                groups=[draw.group_key for draw in draws],
            )
            return Passing(model_version, float(confidences[last]), error, every)
    return Passing(model_version, None)


def passing_rows(passing: Sequence[Passing], rows: pa.Table) -> set[int]:
    """Return the positions of the rows of ``predictions`` that pass."""
    thresholds = {each.model_version: each.threshold for each in passing if each.threshold is not None}
    logged = zip(*(rows.column(name).to_pylist() for name in ("model_version", "confidence")), strict=True)
    return {
        position
        for position, (version, confidence) in enumerate(logged)
        if version in thresholds and confidence is not None and confidence >= thresholds[version]
    }
