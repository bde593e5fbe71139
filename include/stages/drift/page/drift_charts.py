"""The charts of a drift verdict: ordinary days and the window side by side, a chart for each flagged column."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from include.foundation.decisions.drift_verdict import ALL_COLUMNS, ColumnFinding
from include.foundation.pages import formats
from include.foundation.pages.charts import NARROW, Bar, Chart, Plane, Tone, short
from include.stages.drift.comparing.column_findings import ProfilesByKey
from include.stages.drift.page.wording import column_in_words
from include.stages.drift.profiling.column_profile import Profile
from include.stages.drift.profiling.merging import counts_by_category, merged

MOST_CHARTS, MOST_BARS = 6, 8
LONGEST_LABEL, LONGEST_TITLE = 16, 52
HEIGHT = 240.0
CHARTS = TypeAdapter(tuple[Chart, ...])
Shares = np.ndarray[Any, np.dtype[np.float64]]


def drift_charts(
    findings: Sequence[ColumnFinding], window: ProfilesByKey, reference: ProfilesByKey
) -> tuple[Chart, ...]:
    """Return a chart for each flagged column, at most six, in the order given.

    Parameters
    ----------
    findings
        Comparisons of the window with ordinary days; where no single column is flagged, all of them are shown.
    window, reference
        Profiles by segment and column, of the window and of the ordinary days; they hold every finding's.
    """
    return tuple(
        _chart(f"column{place}", finding, merged(reference[key]), merged(window[key]))
        for place, finding in enumerate(_one_a_column(findings))
        for key in [(finding.segment, finding.column)]
    )


def _one_a_column(findings: Sequence[ColumnFinding]) -> list[ColumnFinding]:
    """Return one finding for each column, preferably the one of all rows; of the flagged findings, or of all if none is."""
    by_column: dict[str, ColumnFinding] = {}
    single = [one for one in findings if one.column != ALL_COLUMNS]
    for finding in [one for one in single if one.flagged] or single:
        if finding.column not in by_column or not finding.segment:
            by_column[finding.column] = finding
    return list(by_column.values())[:MOST_CHARTS]


def _chart(name: str, finding: ColumnFinding, reference: Profile, window: Profile) -> Chart:
    labels, before, now = _bars(reference, window)
    tone: Tone = "flagged" if finding.flagged else "current"
    plane = Plane(
        (-0.5, len(labels) - 0.5), (0, float(max(*before, *now, 0.01))), height=HEIGHT, width=NARROW, tilted=True
    )
    told = [
        (label, formats.share(was), formats.share(is_now))
        for label, was, is_now in zip(labels, before, now, strict=True)
    ]
    bars: list[Bar] = []
    for place, (label, was, is_now) in enumerate(told):
        bars.append(plane.bar(place - 0.4, 0.4, float(before[place]), "reference", f"{label}, ordinarily: {was}"))
        bars.append(plane.bar(place, 0.4, float(now[place]), tone, f"{label}, now: {is_now}"))
    where = f"{short(finding.segment or 'all rows', LONGEST_TITLE)}{_means(reference, window)}"
    return Chart(
        name=name,
        title=f"{short(column_in_words(finding.column), LONGEST_TITLE)}, {where}",
        says="Shares of rows, on ordinary days and in this window.",
        height=HEIGHT,
        width=NARROW,
        tilted=True,
        across=plane.names(range(len(labels)), labels, len(labels)),
        upwards=plane.levels(as_share=True),
        bars=tuple(bars),
        key=(("reference", "ordinary days"), (tone, "this window")),
        columns=("Value", "Ordinary days", "This window"),
        rows=tuple(told),
    )


def _means(reference: Profile, window: Profile) -> str:
    """Return both means of a column of numbers; nothing for categories, or where there are no numbers."""
    counted = [profile.counted for profile in (reference, window)]
    if reference.values.kind != "numeric" or not all(counted):
        return ""
    before, now = (profile.values.total / profile.counted for profile in (reference, window))
    return f": mean {_rounded(now)}, ordinarily {_rounded(before)}"


def _bars(reference: Profile, window: Profile) -> tuple[list[str], Shares, Shares]:
    """Return labels and shares of bins or of the largest categories, and of missing values if there are any."""
    if reference.values.kind == "numeric":
        filled = reference if reference.counted else window
        labels, counts = _bins(filled.values.edges, reference, window)
    else:
        before, now = totals = [counts_by_category([profile]) for profile in (reference, window)]
        names = sorted({*before, *now}, key=lambda name: (-max(_share(before, name), _share(now, name)), name))
        counts = [[of_name.get(name, 0) for name in names[:MOST_BARS]] for of_name in totals]
        labels = [short(name, LONGEST_LABEL) for name in names[:MOST_BARS]]
        if len(names) > MOST_BARS:
            labels.append("others")
            counts = [[*shown, sum(whole.values()) - sum(shown)] for shown, whole in zip(counts, totals, strict=True)]
    if reference.nulls or window.nulls:
        labels = [*labels, "missing"]
        counts = [[*of_bin, profile.nulls] for of_bin, profile in zip(counts, (reference, window), strict=True)]
    first, second = (np.array(of_bin, dtype=np.float64) for of_bin in counts)
    return labels, first / max(reference.rows, 1), second / max(window.rows, 1)


def _bins(edges: Sequence[float], reference: Profile, window: Profile) -> tuple[list[str], list[list[int]]]:
    """Return labels and counts of at most eight bins, each of as many neighbours; without a value on one side, 0."""
    cuts = np.linspace(0, len(edges) - 1, min(len(edges) - 1, MOST_BARS) + 1).round().astype(int).tolist()
    parts = list(pairwise(cuts))
    counts = []
    for profile in (reference, window):
        given = profile.values.counts if len(profile.values.counts) == len(edges) - 1 else [0] * (len(edges) - 1)
        counts.append([sum(given[low:high]) for low, high in parts])
    return [_range(edges[low], edges[high]) for low, high in parts], counts


def _range(low: float, high: float) -> str:
    """Return the label of a bin; one that holds a single number is called by it."""
    if np.isinf(low) and np.isinf(high):
        return "all"
    if np.isinf(low):
        return f"below {_rounded(high)}"
    if high == np.nextafter(low, np.inf):
        return _rounded(low)
    if np.isinf(high):
        return "above 0" if 0 < low < np.finfo(float).tiny else f"from {_rounded(low)}"
    return f"{_rounded(low)} to {_rounded(high)}"


def _rounded(number: float) -> str:
    """Return a number with three significant digits, and without an exponent below a million."""
    return f"{float(f'{number:.3g}'):,.6g}" if abs(number) >= np.finfo(float).tiny else "0"


def _share(counts: dict[str, int], name: str) -> float:
    return counts.get(name, 0) / max(sum(counts.values()), 1)
