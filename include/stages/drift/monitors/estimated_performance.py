"""How right the model seems to be by its own confidence: known without labels, and blind to concept drift."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from include.foundation.decisions.drift_verdict import ALL_ROWS, EstimatedDetails, MonitorFinding
from include.foundation.intervals import Interval
from include.foundation.statistics.estimates import design_weights
from include.foundation.statistics.false_discovery import flagged_by_false_discovery
from include.foundation.statistics.tails import two_sided_t
from include.foundation.store.tables import LoopStore
from include.stages.drift.comparing.significance import SHARES
from include.stages.drift.profiling.column_profile import Profile

FEWEST_LABELS, FEWEST_DAYS = 30, 7
PRIOR_ROWS = 10.0
GROUPS = 5
BLIND = "Estimated from confidence alone, it does not see a change of what is right."
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Share right by confidence: ``right`` at ``confidence``, both (groups,), rising; interpolated between them."""

    confidence: Floats
    right: Floats
    labels: int

    def __call__(self, confidence: Floats) -> Floats:
        """Return the share right at each confidence, (n,)."""
        return np.interp(confidence, self.confidence, self.right)


UNCALIBRATED = Calibration(np.array([0.0, 1.0]), np.array([0.0, 1.0]), 0)


def calibrated(confidence: Floats, right: Floats, weights: Floats) -> Calibration:
    """Return the calibration that labeled rows give; the identity with fewer than thirty.

    Parameters
    ----------
    confidence
        Largest probability of each labeled row, float64, (n,), 0 to 1.
    right
        1.0 where the prediction was right, (n,).
    weights
        1 / inclusion probability, (n,).

    Notes
    -----
    Five groups of equal size by confidence; the share right of each is shrunk towards its mean confidence as by ten more rows,
    and made to rise by a running maximum.
    """
    if confidence.size < FEWEST_LABELS:
        return UNCALIBRATED
    centres, shares = [], []
    for part in np.array_split(np.argsort(confidence, kind="stable"), GROUPS):
        scaled = weights[part] * part.size / weights[part].sum()
        centre = float(np.average(confidence[part], weights=weights[part]))
        centres.append(centre)
        shares.append((float(scaled @ right[part]) + PRIOR_ROWS * centre) / (part.size + PRIOR_ROWS))
    return Calibration(np.array(centres), np.maximum.accumulate(shares), int(confidence.size))


def estimated_findings(
    store: LoopStore, interval: Interval, days: Sequence[str], labels: Sequence[Mapping[str, Any]]
) -> list[MonitorFinding]:
    """Return whether the estimated accuracy has dropped, for all rows and for each segment value.

    Parameters
    ----------
    store
        Tables of the loop; the profiles of ``confidence`` are what is read of the rows.
    interval
        The window.
    days
        Reference days.
    labels
        Labels of the random stratum.

    Returns
    -------
    list of MonitorFinding
        Monitor ``estimated_performance``; empty where no probabilities were logged.

    Notes
    -----
    The window's mean calibrated confidence against that of each reference day, by a one-sided t prediction interval (Hahn &
    Meeker, 1991); Benjamini-Hochberg over all rows and segments at their `SHARES` of ``drift.false_alarm_rate``; the floor is
    ``drift.max_accuracy_drop``.
    """
    wanted = [*days, *interval.days]
    rows = store.read("profiles", filters=[("column", "=", "confidence"), ("day", "in", wanted)])
    profiles = [Profile.from_row(row) for row in rows.to_pylist()]
    if not profiles:
        return []
    means = _calibration(store, labels)
    past, now = _by_segment(profiles, set(days), means), _by_segment(profiles, set(interval.days), means)
    judged = {name: _judged(past.get(name, []), now[name], store.loop.drift.min_rows) for name in sorted(now)}
    known = {name: found for name, found in judged.items() if found is not None}
    p_values = np.array([found[2] for found in known.values()])
    discoveries = flagged_by_false_discovery(p_values, SHARES["estimated"] * store.loop.drift.false_alarm_rate)
    return [
        _finding(store, name, found, means.labels, discovery=bool(discovery))
        for (name, found), discovery in zip(known.items(), discoveries, strict=True)
    ]


def _calibration(store: LoopStore, labels: Sequence[Mapping[str, Any]]) -> Calibration:
    if len(labels) < FEWEST_LABELS:
        return UNCALIBRATED
    asked = store.read("requests", columns=["request_id", "prelabel_confidence"]).to_pylist()
    said = {row["request_id"]: row["prelabel_confidence"] for row in asked}
    found = [row for row in labels if said.get(row["request_id"]) is not None]
    confidence = np.array([said[row["request_id"]] for row in found], dtype=np.float64)
    right = np.array([row["predicted"] == row["label"] for row in found], dtype=np.float64)
    return calibrated(confidence, right, design_weights([row["inclusion_probability"] for row in found]))


def _by_segment(profiles: Sequence[Profile], days: set[str], means: Calibration) -> dict[str, list[tuple[float, int]]]:
    """Return the estimated accuracy and the rows of each day, by segment."""
    found: dict[str, list[tuple[float, int]]] = {}
    for profile in profiles:
        if profile.day in days and profile.counted:
            counts, edges = np.array(profile.values.counts, dtype=np.float64), np.clip(profile.values.edges, 0.0, 1.0)
            estimate = float(counts @ means((edges[1:] + edges[:-1]) / 2) / counts.sum())
            found.setdefault(profile.segment, []).append((estimate, int(counts.sum())))
    return found


def _judged(
    past: list[tuple[float, int]], now: list[tuple[float, int]], fewest: int
) -> tuple[float, float, float, float] | None:
    """Return estimate, reference, p-value and the half width of what is ordinary; None where there is too little."""
    rows = np.array([count for _, count in now], dtype=np.float64)
    if len(past) < FEWEST_DAYS or rows.sum() < fewest:
        return None
    ordinary = np.array([value for value, _ in past])
    value, reference = float(np.average([value for value, _ in now], weights=rows)), float(ordinary.mean())
    degrees = ordinary.size - 1
    spread = max(float(ordinary.std(ddof=1)) * np.sqrt(1 / len(now) + 1 / ordinary.size), 1e-9)
    t = (value - reference) / spread
    tail = float(two_sided_t(np.array([t]), degrees)[0]) / 2
    return value, reference, tail if t < 0 else 1 - tail, 2 * spread


def _finding(
    store: LoopStore, segment: str, found: tuple[float, float, float, float], labels: int, *, discovery: bool
) -> MonitorFinding:
    value, reference, p_value, width = found
    drop = max(0.0, reference - value)
    how = f"calibrated on {labels} labels" if labels else "not calibrated: fewer than thirty labels"
    where = f" in {segment}" if segment else ""
    sentence = (
        f"Estimated accuracy{where} is {value:.3f}, {reference:.3f} ± {width:.3f} on ordinary days "
        f"(p = {p_value:.2g}, {how}). {BLIND}"
    )
    flagged = discovery and drop >= store.loop.drift.max_accuracy_drop
    return MonitorFinding(
        monitor="estimated_performance", column="accuracy", segment=segment or ALL_ROWS, statistic="estimate", effect=drop,
        p_value=p_value, flagged=flagged, sentence=sentence,
        details=EstimatedDetails(estimate=value, reference=reference, ordinary=width, labels=labels),
    )  # fmt: skip
