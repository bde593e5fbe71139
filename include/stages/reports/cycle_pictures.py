"""Pictures of the loop over its cycles."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from include.foundation.decisions import DriftVerdict
from include.foundation.intervals import Interval
from include.stages.reports.ledger_summary import CycleSummary, days_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, RED, AMBER, GREY, INK = "#1f5fa8", "#b3261e", "#b26a00", "#9aa5b1", "#16202b"
DRIFT_COLOURS = {"alarm": RED, "drift": AMBER, "stable": BLUE, "inconclusive": GREY}
MOST_TICKS = 8
MOST_WINDOWS = 60


def draw_cycles(summaries: Sequence[CycleSummary]) -> bytes | None:
    """Return a PNG: accuracy of what was live, cycle by cycle with intervals, and against the labels it had cost.

    Parameters
    ----------
    summaries
        Oldest first; a cycle without labeled random rows is left out.

    Returns
    -------
    bytes or None
        None if no cycle has any.
    """
    from matplotlib.figure import Figure

    known = [cycle for cycle in summaries if cycle.live_score.value is not None]
    if not known:
        return None
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _intervals(left, [cycle.number for cycle in known], known)
    _ticks(left, [cycle.number for cycle in known], [f"cycle {cycle.number}\n{cycle.days[:10]}" for cycle in known])
    left.set_title("Accuracy of what was live, 95 % interval", loc="left", fontsize=11)
    left.set_ylabel("weighted share right", fontsize=9)
    spent = [cycle.spent_before for cycle in known]
    _intervals(right, spent, known)
    right.plot(spent, [cycle.live_score.value for cycle in known], color=BLUE, linewidth=1, alpha=0.4)
    right.set_title("The same, by the labels spent before", loc="left", fontsize=11)
    right.set_xlabel("labels", fontsize=9)
    for axis in (left, right):
        _plain(axis)
    return png(figure)


def draw_drift(verdicts: Sequence[DriftVerdict], floor: float) -> bytes | None:
    """Return a PNG: the largest effect of each judged interval, coloured by verdict; the last sixty.

    Parameters
    ----------
    verdicts
        Of kind ``drift``, in the order of their intervals.
    floor
        Smallest effect that matters.

    Returns
    -------
    bytes or None
        None if no interval was judged.
    """
    from matplotlib.figure import Figure

    judged = [verdict for verdict in verdicts if verdict.columns][-MOST_WINDOWS:]
    if not judged:
        return None
    figure = Figure(figsize=(11, 2.6), layout="constrained")
    axis = figure.subplots()
    for place, verdict in enumerate(judged):
        largest = max(verdict.columns, key=lambda finding: (finding.flagged, finding.effect))
        colour = DRIFT_COLOURS[verdict.outcome]
        axis.plot([place, place], [0, largest.effect], color=colour, linewidth=3, alpha=0.6)
        axis.plot(place, largest.effect, "o", color=colour)
        if len(judged) <= MOST_TICKS:
            said = f"{verdict.outcome}: {largest.column}" if largest.flagged else verdict.outcome
            axis.annotate(said, (place, largest.effect), (7, 0), textcoords="offset points", va="center", fontsize=9)
    axis.axhline(floor, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    axis.annotate("floor", (1, floor), (3, 0), ("axes fraction", "data"), "offset points", va="center", fontsize=9)
    names = [days_of(Interval.from_key(verdict.subject))[:10] for verdict in judged]
    _ticks(axis, range(len(judged)), names)
    axis.set_xlim(-0.4, max(len(judged) - 0.2, 0.8))
    axis.set_ylim(0, max(0.3, axis.get_ylim()[1]))
    axis.set_title("Largest drift by interval: effect on the column that drifted most", loc="left", fontsize=11)
    _plain(axis)
    return png(figure)


def png(figure: "Figure") -> bytes:
    """Return a figure as PNG without a time or a program's name in it: the same figure, the same bytes."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=144, metadata={"Software": None})
    return picture.getvalue()


def _intervals(axis: Any, places: Sequence[float], known: Sequence[CycleSummary]) -> None:
    for place, cycle in zip(places, known, strict=True):
        score = cycle.live_score
        axis.plot([place, place], [score.low, score.high], color=BLUE, linewidth=3, alpha=0.45, solid_capstyle="round")
        axis.plot(place, score.value, "o", color=BLUE)
        if len(known) <= MOST_TICKS:
            axis.annotate(
                f"{score.value:.2f}", (place, score.value), (8, 0), textcoords="offset points", va="center", fontsize=9
            )


def _ticks(axis: Any, places: Sequence[float], names: Sequence[str]) -> None:
    """Name at most eight places, evenly spread, the last among them."""
    step = -(-len(places) // MOST_TICKS)
    shown = list(range(len(places) - 1, -1, -step))[::-1]
    axis.set_xticks([places[place] for place in shown], [names[place] for place in shown], fontsize=9)


def _plain(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=9)
    axis.grid(axis="y", alpha=0.25)
    axis.margins(x=0.12)
