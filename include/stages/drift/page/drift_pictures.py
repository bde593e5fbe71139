"""The picture of a drift verdict: ordinary days and the window side by side, with a panel for each flagged column."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from include.foundation.decisions.drift_verdict import ALL_COLUMNS, ColumnFinding
from include.foundation.intervals import Interval
from include.foundation.pages import figures
from include.stages.drift.comparing.column_findings import ProfilesByKey
from include.stages.drift.page.wording import column_in_words
from include.stages.drift.profiling.column_profile import Profile
from include.stages.drift.profiling.merging import counts_by_category, merged

MOST_PANELS, COLUMNS = 6, 2
MOST_BARS = 8
LONGEST_LABEL, LONGEST_TITLE = 16, 52
Shares = np.ndarray[Any, np.dtype[np.float64]]


def draw_verdict(
    interval: Interval, findings: Sequence[ColumnFinding], window: ProfilesByKey, reference: ProfilesByKey
) -> bytes:
    """Return a PNG with a panel for each flagged column, at most six, in the order given.

    Parameters
    ----------
    interval
        The window that was judged.
    findings
        Its comparisons with ordinary days; where no single column is flagged, all of them are shown.
    window, reference
        Profiles by segment and column, of the window and of the ordinary days; they hold every finding's.
    """
    shown = _one_a_column(findings)
    lines = -(-len(shown) // COLUMNS) or 1
    drawn = figures.figure(3.1 * lines + 0.4)
    flagged = sum(finding.flagged for finding in findings)
    title = f"{interval.start:%d %B %Y}: {flagged} of {len(findings)} comparisons differ from ordinary days"
    drawn.suptitle(title, fontsize=figures.TITLE_SIZE, fontweight="bold", x=0.01, ha="left")
    axes = drawn.subplots(lines, COLUMNS, squeeze=False)
    for axis in axes.flat[len(shown) :]:
        axis.set_axis_off()
    for axis, finding in zip(axes.flat, shown, strict=False):
        key = (finding.segment, finding.column)
        _panel(axis, finding, merged(reference[key]), merged(window[key]))
    return figures.png(drawn)


def _one_a_column(findings: Sequence[ColumnFinding]) -> list[ColumnFinding]:
    """Return one finding for each column, preferably the one of all rows; of the flagged findings, or of all if none is."""
    by_column: dict[str, ColumnFinding] = {}
    single = [one for one in findings if one.column != ALL_COLUMNS]
    for finding in [one for one in single if one.flagged] or single:
        if finding.column not in by_column or not finding.segment:
            by_column[finding.column] = finding
    return list(by_column.values())[:MOST_PANELS]


def _panel(axis: Any, finding: ColumnFinding, reference: Profile, window: Profile) -> None:
    from matplotlib.ticker import PercentFormatter

    labels, before, now = _bars(reference, window)
    places = np.arange(len(labels))
    colour = figures.FLAGGED if finding.flagged else figures.CURRENT
    axis.bar(places - 0.2, before, 0.4, color=figures.REFERENCE, label="ordinary days")
    axis.bar(places + 0.2, now, 0.4, color=colour, label="this window")
    axis.set_xticks(places, labels, rotation=30, ha="right", parse_math=False)
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axis.set_ylabel("share of rows")
    where = f"{_short(finding.segment or 'all rows', LONGEST_TITLE)}{_means(reference, window)}"
    figures.style(axis, f"{_short(column_in_words(finding.column), LONGEST_TITLE)}\n{where}")
    figures.legend(axis)


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
        labels = [_short(name, LONGEST_LABEL) for name in names[:MOST_BARS]]
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


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
