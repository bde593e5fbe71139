"""The picture of a drift verdict: reference and window side by side, flagged columns first."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from include.drift.profiles import counts_by_category, merged
from include.store.interval import Interval

MOST_PANELS = 6
REFERENCE, WINDOW, FLAGGED = "#9aa5b1", "#1f5fa8", "#b3261e"


def draw_verdict(
    interval: Interval,
    columns: Sequence[Mapping[str, Any]],
    window: Mapping[str, list[dict[str, Any]]],
    reference: Mapping[str, list[dict[str, Any]]],
) -> bytes:
    """Return a PNG with one panel a column, at most six, in the order given."""
    from matplotlib.figure import Figure

    shown = columns[:MOST_PANELS]
    height = 2.9 * ((len(shown) + 2) // 3)
    figure = Figure(figsize=(12, max(height, 2.9) + 0.6), layout="constrained")
    flagged = sum(bool(column["flagged"]) for column in columns)
    figure.suptitle(
        f"{interval.start:%d %B %Y}: {flagged} of {len(columns)} columns differ from ordinary days",
        fontsize=13,
        x=0.01,
        ha="left",
    )
    axes = figure.subplots((len(shown) + 2) // 3 or 1, 3, squeeze=False)
    for axis in axes.flat[len(shown) :]:
        axis.set_axis_off()
    for axis, column in zip(axes.flat, shown, strict=False):
        name = column["column"]
        _panel(axis, column, merged(reference[name]), merged(window[name]))
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110, metadata={"Software": None})
    return picture.getvalue()


def _panel(axis: Any, column: Mapping[str, Any], reference: dict[str, Any], window: dict[str, Any]) -> None:
    labels, first, second = _bars(reference, window)
    places = np.arange(len(labels))
    axis.bar(places - 0.2, first, 0.4, color=REFERENCE, label="ordinary days")
    axis.bar(places + 0.2, second, 0.4, color=FLAGGED if column["flagged"] else WINDOW, label="this window")
    axis.set_title(f"{column['column']}: effect {column['effect']:.2f}", fontsize=10, loc="left", parse_math=False)
    axis.set_xticks(places, labels, rotation=45, ha="right", fontsize=7, parse_math=False)
    axis.tick_params(axis="y", labelsize=7)
    axis.set_ylabel("share of rows", fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=7, frameon=False)


def _bars(reference: dict[str, Any], window: dict[str, Any]) -> tuple[list[str], Any, Any]:
    if reference["kind"] == "numeric":
        edges = reference["edges"]
        labels = [f"< {edges[1]:.3g}", *(f"{low:.3g}" for low in edges[1:-1])] if len(edges) > 2 else ["all"]
        first, second = np.array(reference["counts"]), np.array(window["counts"])
    else:
        one, two = counts_by_category([reference]), counts_by_category([window])
        labels = sorted({*one, *two}, key=lambda name: -one.get(name, 0))[:12]
        first, second = (np.array([counts.get(name, 0) for name in labels]) for counts in (one, two))
    return labels, first / max(reference["rows"], 1), second / max(window["rows"], 1)
