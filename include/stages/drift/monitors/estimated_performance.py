"""The monitor of estimated performance: accuracy by the model's own confidence, without labels, blind to concept drift."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from include.foundation.config.data_sections import FEWEST_REFERENCE_DAYS, Drift
from include.foundation.decisions.drift_verdict import EstimatedDetails, MonitorFinding
from include.foundation.statistics.tails import chance_in_words, two_sided_t
from include.foundation.store.tables import LoopStore
from include.stages.drift.comparing.column_findings import ProfilesByKey
from include.stages.drift.discoveries import discoveries
from include.stages.drift.monitors.labeled_rows import FEWEST_LABELS, LabeledRow, weights_of
from include.stages.drift.profiling.column_profile import Profile
from include.stages.drift.profiling.versions import CONFIDENCE

PRIOR_ROWS = 10.0
GROUPS = 5
BLIND = "Estimated from confidence alone, it does not see a change of what is right."
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Which share of predictions is correct, by confidence.

    Attributes
    ----------
    confidence, correct
        Points of the curve, both float64, (groups,), rising, 0 to 1; it is linear between them.
    labels
        Number of labels that it rests on; 0 if it is the identity.
    """

    confidence: Floats
    correct: Floats
    labels: int

    def __call__(self, confidence: Floats) -> Floats:
        """Return the share that is correct at each confidence, (n,)."""
        return np.interp(confidence, self.confidence, self.correct)


UNCALIBRATED = Calibration(np.array([0.0, 1.0]), np.array([0.0, 1.0]), 0)


@dataclass(frozen=True)
class DayEstimate:
    """Estimated accuracy of a day, 0 to 1, and its rows."""

    accuracy: float
    rows: int


@dataclass(frozen=True)
class Comparison:
    """Estimated accuracy of a window and of the reference days, and how significantly the window's is lower.

    Attributes
    ----------
    estimate, reference
        Of the window and of the reference days, 0 to 1.
    half_width
        Of the range around the reference that is ordinary.
    p_value
        One-sided, 0 to 1.
    """

    estimate: float
    reference: float
    half_width: float
    p_value: float


def calibrated(confidence: Floats, correct: Floats, weights: Floats) -> Calibration:
    """Return the calibration that labeled rows give; the identity with fewer than thirty of them.

    Parameters
    ----------
    confidence
        Largest probability of each labeled row, float64, (n,), 0 to 1.
    correct
        1.0 if the prediction was correct, else 0.0, float64, (n,).
    weights
        1 / inclusion probability, float64, (n,).

    Notes
    -----
    Five groups of equal size by confidence. The share correct of each is shrunk towards its mean confidence, as if ten more
    rows had it, and made to rise by a running maximum.
    """
    if confidence.size < FEWEST_LABELS:
        return UNCALIBRATED
    centres, shares = [], []
    for group in np.array_split(np.argsort(confidence, kind="stable"), GROUPS):
        scaled = weights[group] * group.size / weights[group].sum()
        centre = float(np.average(confidence[group], weights=weights[group]))
        centres.append(centre)
        shares.append((float(scaled @ correct[group]) + PRIOR_ROWS * centre) / (group.size + PRIOR_ROWS))
    return Calibration(np.array(centres), np.maximum.accumulate(shares), int(confidence.size))


def estimated_findings(
    store: LoopStore, current: ProfilesByKey, reference: ProfilesByKey, labels: Sequence[LabeledRow]
) -> list[MonitorFinding]:
    """Return whether the estimated accuracy has dropped, for all rows and for each segment value.

    Parameters
    ----------
    store
        Tables of the loop.
    current, reference
        Profiles of the window's days and of the reference days, by segment and column.
    labels
        Labels of random rows, which calibrate the confidence.

    Returns
    -------
    list of MonitorFinding
        Monitor ``estimated_performance``; empty if no probabilities were logged.

    Notes
    -----
    The window's mean calibrated confidence against that of each reference day, by a one-sided t prediction interval (Hahn &
    Meeker, 1991); false discoveries controlled over all rows and segment values together; the floor is
    ``drift.max_accuracy_drop``.
    """
    segments = sorted(segment for segment, column in current if column == CONFIDENCE)
    if not segments:
        return []
    drift, calibration = store.loop.drift, _calibration(labels)

    def _estimates(profiles: ProfilesByKey, segment: str) -> list[DayEstimate]:
        return [_estimate(day, calibration) for day in profiles.get((segment, CONFIDENCE), []) if day.counted]

    compared = {
        segment: _compared(_estimates(current, segment), _estimates(reference, segment), drift.min_rows)
        for segment in segments
    }
    known = {name: comparison for name, comparison in compared.items() if comparison is not None}
    flags = discoveries(drift, "estimated", [comparison.p_value for comparison in known.values()])
    return [
        _finding(drift, segment, comparison, calibration.labels, discovered=discovered)
        for (segment, comparison), discovered in zip(known.items(), flags, strict=True)
    ]


def _calibration(labels: Sequence[LabeledRow]) -> Calibration:
    if len(labels) < FEWEST_LABELS:
        return UNCALIBRATED
    rows = [row for row in labels if row.confidence is not None]
    confidence = np.array([row.confidence for row in rows], dtype=np.float64)
    return calibrated(confidence, np.array([row.correct for row in rows], dtype=np.float64), weights_of(rows))


def _estimate(profile: Profile, calibration: Calibration) -> DayEstimate:
    """Return the estimate of a day with confidences."""
    counts, edges = np.array(profile.values.counts, dtype=np.float64), np.clip(profile.values.edges, 0.0, 1.0)
    centres = (edges[1:] + edges[:-1]) / 2 if profile.has_bins else [profile.values.total / profile.counted]
    return DayEstimate(float(counts @ calibration(np.asarray(centres)) / counts.sum()), int(counts.sum()))


def _compared(current: Sequence[DayEstimate], reference: Sequence[DayEstimate], fewest_rows: int) -> Comparison | None:
    """Return how a window compares with the reference days; None if there are too few days or rows."""
    rows = np.array([day.rows for day in current], dtype=np.float64)
    if len(reference) < FEWEST_REFERENCE_DAYS or rows.sum() < fewest_rows:
        return None
    ordinary = np.array([day.accuracy for day in reference])
    estimate, mean = float(np.average([day.accuracy for day in current], weights=rows)), float(ordinary.mean())
    error = max(float(ordinary.std(ddof=1)) * np.sqrt(1 / len(current) + 1 / ordinary.size), 1e-9)
    t = (estimate - mean) / error
    tail = float(two_sided_t(np.array([t]), ordinary.size - 1)[0]) / 2
    return Comparison(estimate, mean, half_width=2 * error, p_value=tail if t < 0 else 1 - tail)


def _finding(drift: Drift, segment: str, comparison: Comparison, labels: int, *, discovered: bool) -> MonitorFinding:
    estimate, reference, width = comparison.estimate, comparison.reference, comparison.half_width
    drop = max(0.0, reference - estimate)
    how = f"calibrated on {labels} labels" if labels else "not calibrated: fewer than thirty labels"
    where = f" in {segment}" if segment else ""
    sentence = (
        f"Estimated accuracy{where} is {estimate:.3f}, {reference:.3f} ± {width:.3f} on ordinary days "
        f"({chance_in_words(comparison.p_value)}, {how}). {BLIND}"
    )
    return MonitorFinding(
        monitor="estimated_performance", column="accuracy", segment=segment, statistic="estimate", effect=drop,
        p_value=comparison.p_value, flagged=discovered and drop >= drift.max_accuracy_drop, sentence=sentence,
        details=EstimatedDetails(estimate=estimate, reference=reference, ordinary=width, labels=labels),
    )  # fmt: skip
