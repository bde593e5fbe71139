"""The monitor of estimated performance: accuracy by the model's own confidence, without labels, blind to concept drift."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from include.foundation.config.data_sections import Drift
from include.foundation.decisions.drift_verdict import EstimatedDetails, MonitorFinding
from include.foundation.statistics.calibrated_confidence import UNCALIBRATED, Calibration, calibrated
from include.foundation.statistics.tails import chance_in_words
from include.foundation.store.tables import LoopStore
from include.stages.drift.comparing.column_findings import SIDES, Judged, assumptions
from include.stages.drift.comparing.column_line import ColumnLine
from include.stages.drift.comparing.day_statistics import DayStatistics, day_statistics
from include.stages.drift.comparing.differences import Difference, compare
from include.stages.drift.comparing.pooling import ESTIMATE
from include.stages.drift.comparing.unusual_columns import unusual_in_windows
from include.stages.drift.earlier_verdicts import fewest_days
from include.stages.drift.monitors.labeled_rows import FEWEST_LABELS, LabeledRow, weights_of
from include.stages.drift.profiling.column_profile import Profile
from include.stages.drift.profiling.versions import CONFIDENCE
from include.stages.drift.windows import Window

BLIND = "Estimated from confidence alone, it does not see a change of what is right."
Floats = NDArray[np.float64]


def estimated_findings(
    store: LoopStore, window: Window, labels: Sequence[LabeledRow], beside: Judged | None = None
) -> list[MonitorFinding]:
    """Return whether the estimated accuracy has dropped, for all rows and for each segment value.

    Parameters
    ----------
    store
        Tables of the loop.
    window
        The window with its reference.
    labels
        Labels of random rows, which calibrate the confidence.
    beside
        The columns of the window: they say how much days depend on each other, which one number a day tells little of, and how
        unusual ordinary days are.

    Returns
    -------
    list of MonitorFinding
        Monitor ``estimated_performance``; empty if no probabilities were logged.

    Notes
    -----
    The window's mean calibrated confidence against that of the reference days, as columns are compared but one-sided; false
    discoveries controlled over all rows and segment values together; the floor is ``drift.max_accuracy_drop``.
    """
    segments = sorted(segment for segment, column in window.current if column == CONFIDENCE)
    if not segments:
        return []
    drift, calibration, beside = store.loop.drift, _calibration(labels), beside or Judged()
    lines = {segment: _line(drift, window, segment, calibration) for segment in segments}
    known = {segment: line for segment, line in lines.items() if line is not None}
    compared = dict(zip(known, compare([*known.values()], beside.lines), strict=True))
    alone, together = (
        {(segment, CONFIDENCE): _drop(one) for segment, each in compared.items() for one in of(each)} for of in SIDES
    )
    flags = unusual_in_windows(
        drift, alone, together,
        family=lambda _: "estimated", floor=lambda _, drift: drift.max_accuracy_drop, rarest=beside.rarest,
    )  # fmt: skip
    return [
        _finding(key[0], drop if key in flags.alone or key not in flags.together else together[key], calibration.labels,
                 flagged=key in flags.alone | flags.together, lasting=key in flags.lasting or key not in together)
        for key, drop in alone.items()
    ]  # fmt: skip


def _calibration(labels: Sequence[LabeledRow]) -> Calibration:
    if len(labels) < FEWEST_LABELS:
        return UNCALIBRATED
    rows = [row for row in labels if row.confidence is not None]
    confidence = np.array([row.confidence for row in rows], dtype=np.float64)
    return calibrated(confidence, np.array([row.correct for row in rows], dtype=np.float64), weights_of(rows))


def _line(drift: Drift, window: Window, segment: str, calibration: Calibration) -> ColumnLine | None:
    """Return what the estimates of a segment are held against; None if there are too few days or rows."""
    sides = (window.reference, window.current, window.before)
    reference, current, before = ([day for day in side.get((segment, CONFIDENCE), []) if day.counted] for side in sides)
    if len(reference) < fewest_days(drift, window.interval) or sum(day.counted for day in current) < max(
        1, drift.min_rows
    ):
        return None
    statistics = [_estimates(days, calibration) if days else None for days in (reference, current, before)]
    assumed = {**assumptions(drift), "floors": (drift.max_accuracy_drop, drift.max_accuracy_drop)}
    return ColumnLine(*statistics, **assumed)  # type: ignore[arg-type]


def _estimates(days: Sequence[Profile], calibration: Calibration) -> DayStatistics:
    """Return the estimated accuracy of some days with confidences, and its variance between rows."""
    counts = [np.array(day.values.counts, dtype=np.float64) / day.counted for day in days]
    correct = [calibration(_centres(day)) for day in days]
    means = np.array([share @ right for share, right in zip(counts, correct, strict=True)])
    squares = np.mean([share @ right**2 for share, right in zip(counts, correct, strict=True)])
    return day_statistics(days, [ESTIMATE], means[:, None], np.array([max(float(squares - (means**2).mean()), 0.0)]))


def _centres(day: Profile) -> Floats:
    """Return a confidence for each bin: its centre, or the mean of all where there are no bins."""
    edges = np.clip(day.values.edges, 0.0, 1.0)
    return (edges[1:] + edges[:-1]) / 2 if day.has_bins else np.array([day.values.total / day.counted])


def _drop(difference: Difference) -> Difference:
    """Return a difference as a drop: its effect is 0, and its p-value large, if the estimate is higher."""
    drop, tail = difference.expected - difference.current, difference.p_value / 2
    return replace(
        difference, effect=max(0.0, drop), p_value=tail if drop > 0 else 1 - tail, rarest=difference.rarest / 2
    )


def _finding(segment: str, drop: Difference, labels: int, *, flagged: bool, lasting: bool) -> MonitorFinding:
    estimate, reference, width = drop.current, drop.expected, drop.ordinary
    how = f"calibrated on {labels} labels" if labels else "not calibrated: fewer than thirty labels"
    where = f" in {segment}" if segment else ""
    sentence = (
        f"Estimated accuracy{where} is {estimate:.3f}, {reference:.3f} ± {width:.3f} on ordinary days "
        f"({chance_in_words(drop.p_value)}, {how}). {BLIND}"
    )
    return MonitorFinding(
        monitor="estimated_performance", column="accuracy", segment=segment, statistic=ESTIMATE, effect=drop.effect,
        p_value=drop.p_value, flagged=flagged, lasting=lasting, sentence=sentence,
        details=EstimatedDetails(estimate=estimate, reference=reference, ordinary=width, labels=labels),
    )  # fmt: skip
