"""From which confidence on a prediction passes without a person: as high as measured errors demand."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

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


class Thresholds:
    """From which confidence on predictions pass, of each version.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Labels of rows that were drawn in the ``split.holdout_days`` before its end count.
    """

    def __init__(self, store: LoopStore, interval: Interval) -> None:
        self.allowed = store.loop.selection.pass_error
        since = moved(interval.end, -timedelta(days=store.loop.split.holdout_days))
        self._draws = [] if self.allowed is None else labeled_draws(store, since=since, until=interval.end)
        self._known: dict[str, Passing] = {}

    def of(self, version: str) -> Passing:
        """Return what passes of a version's predictions; nothing without ``selection.pass_error``."""
        if version not in self._known:
            draws = [draw for draw in self._draws if draw.model_version == version]
            self._known[version] = passing_threshold(version, draws, self.allowed or 0.0)
        return self._known[version]

    def passes(self, rows: pa.Table) -> NDArray[np.bool_]:
        """Return which rows of ``predictions`` pass."""
        flags = np.zeros(rows.num_rows, bool)
        for version in pc.unique(rows.column("model_version")).to_pylist() if self._draws else []:
            threshold = self.of(version).threshold
            if threshold is not None:
                is_sure = pc.greater_equal(rows.column("confidence"), threshold)
                flags |= pc.fill_null(
                    pc.and_(is_sure, pc.equal(rows.column("model_version"), version)), False
                ).to_numpy()
        return flags


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
