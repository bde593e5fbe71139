"""The picture of a drift verdict: reference and window side by side, one panel a flagged column."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from include.drift.counting import Profile
from include.drift.findings import Finding
from include.drift.judging import ProfilesByKey
from include.drift.merging import counts_by_category, merged
from include.store.interval import Interval

MOST_PANELS = 6
REFERENCE, WINDOW, FLAGGED = "#9aa5b1", "#1f5fa8", "#b3261e"


def draw_verdict(
    interval: Interval, findings: Sequence[Finding], window: ProfilesByKey, reference: ProfilesByKey
) -> bytes:
    """Return a PNG with one panel a finding, at most six, in the order given."""
    from matplotlib.figure import Figure

    shown = findings[:MOST_PANELS]
    lines = (len(shown) + 2) // 3 or 1
    figure = Figure(figsize=(12, 2.9 * lines + 0.6), layout="constrained")
    flagged = sum(finding.flagged for finding in findings)
    title = f"{interval.start:%d %B %Y}: {flagged} of {len(findings)} columns differ from ordinary days"
    figure.suptitle(title, fontsize=13, x=0.01, ha="left")
    axes = figure.subplots(lines, 3, squeeze=False)
    for axis in axes.flat[len(shown) :]:
        axis.set_axis_off()
    for axis, finding in zip(axes.flat, shown, strict=False):
        key = (finding.segment, finding.column)
        _panel(axis, finding, merged(reference[key]), merged(window[key]))
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110, metadata={"Software": None})
    return picture.getvalue()


def _panel(axis: Any, finding: Finding, reference: Profile, window: Profile) -> None:
    labels, first, second = _bars(reference, window)
    places = np.arange(len(labels))
    axis.bar(places - 0.2, first, 0.4, color=REFERENCE, label="ordinary days")
    axis.bar(places + 0.2, second, 0.4, color=FLAGGED if finding.flagged else WINDOW, label="this window")
    name = f"{finding.column}, {finding.segment}" if finding.segment else finding.column
    axis.set_title(f"{name}: effect {finding.effect:.2f}", fontsize=10, loc="left", parse_math=False)
    axis.set_xticks(places, labels, rotation=45, ha="right", fontsize=7, parse_math=False)
    axis.tick_params(axis="y", labelsize=7)
    axis.set_ylabel("share of rows", fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=7, frameon=False)


def _bars(reference: Profile, window: Profile) -> tuple[list[str], Any, Any]:
    """Return labels and shares of bins or of the dozen largest categories, and of missing values if there are any."""
    if reference["kind"] == "numeric":
        filled = reference if reference["rows"] > reference["nulls"] else window
        edges = filled["edges"]
        labels = [f"< {edges[1]:.3g}", *(f"{low:.3g}" for low in edges[1:-1])] if len(edges) > 2 else ["all"]
        counts = [_padded(profile["counts"], len(labels)) for profile in (reference, window)]
    else:
        found = [counts_by_category([profile]) for profile in (reference, window)]
        labels = sorted({*found[0], *found[1]}, key=lambda name: (-found[0].get(name, 0), -found[1].get(name, 0)))[:12]
        counts = [[of_name.get(name, 0) for name in labels] for of_name in found]
    if reference["nulls"] or window["nulls"]:
        labels = [*labels, "missing"]
        counts = [[*of_bin, profile["nulls"]] for of_bin, profile in zip(counts, (reference, window), strict=True)]
    first, second = (np.array(of_bin) for of_bin in counts)
    return labels, first / max(reference["rows"], 1), second / max(window["rows"], 1)


def _padded(counts: Sequence[int], length: int) -> list[int]:
    """Return counts per bin; a profile without values may have other bins, all of them empty."""
    return list(counts) if len(counts) == length else [0] * length
