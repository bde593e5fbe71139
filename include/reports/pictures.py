"""Pictures of the loop over its cycles."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from include.reports.ledger_summary import CycleSummary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE = "#1f5fa8"


def draw_cycles(summaries: Sequence[CycleSummary]) -> bytes:
    """Return a PNG: accuracy of what was live, cycle by cycle with intervals, and against the labels it cost.

    Parameters
    ----------
    summaries
        Oldest first; a cycle without labeled random rows is left out.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    known = [cycle for cycle in summaries if cycle.live_score.value is not None]
    before = [cycle.labels_spent for cycle in [*summaries[:1], *summaries]][1:]
    _intervals(left, [cycle.number for cycle in known], known)
    left.set_xticks(
        [cycle.number for cycle in known], [f"cycle {cycle.number}\n{cycle.verdict or 'no verdict'}" for cycle in known]
    )
    left.set_title("Accuracy of what was live, 95 % interval", loc="left", fontsize=11)
    spent = [before[cycle.number - 1] for cycle in known]
    _intervals(right, spent, known)
    right.plot(spent, [cycle.live_score.value for cycle in known], color=BLUE, alpha=0.4)
    right.set_title("The same, by labels spent", loc="left", fontsize=11)
    right.set_xlabel("labels")
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", alpha=0.3)
    return png(figure)


def png(figure: "Figure") -> bytes:
    """Return a figure as PNG without a time or a program's name in it: the same figure, the same bytes."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110, metadata={"Software": None})
    return picture.getvalue()


def _intervals(axis: Any, places: Sequence[float], known: Sequence[CycleSummary]) -> None:
    for place, cycle in zip(places, known, strict=True):
        score = cycle.live_score
        axis.plot([place, place], [score.low, score.high], color=BLUE, linewidth=3, alpha=0.5)
        axis.plot(place, score.value, "o", color=BLUE)
