"""The one look of every picture: its width, its resolution, its type and its colours.

A colour has one meaning in all pictures. Besides the greys, the colours are those of Okabe and Ito, which people with any
kind of colour blindness can tell apart: https://jfly.uni-koeln.de/color/
"""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from include.foundation.statistics.estimates import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_INCHES, DPI = 11.0, 144
TITLE_SIZE, TEXT_SIZE = 11, 9
MOST_TICKS = 8

CHAMPION = "#0072B2"
CHALLENGER = "#009E73"
REFERENCE = "#B0B0B0"
CURRENT = "#56B4E9"
FLAGGED = "#D55E00"
UNCONFIRMED = "#E69F00"
INK, SOFT = "#16202b", "#5f6b76"


def figure(height_inches: float) -> "Figure":
    """Return an empty figure of the width that all pictures have."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")


def png(drawn: "Figure") -> bytes:
    """Return a figure as PNG without a time or a program's name in it: the same figure, the same bytes."""
    picture = io.BytesIO()
    drawn.savefig(picture, format="png", dpi=DPI, metadata={"Software": None})
    return picture.getvalue()


def style(axis: Any, title: str, *, grid: str = "y") -> None:
    """Give an axis its title and the look of all others.

    Parameters
    ----------
    axis
        Of matplotlib.
    title
        Plain text: nothing in it is read as mathematics.
    grid
        The direction whose values are read off: ``x``, ``y`` or ``both``.
    """
    axis.set_title(title, loc="left", fontsize=TITLE_SIZE, color=INK, parse_math=False)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=TEXT_SIZE)
    axis.xaxis.label.set_fontsize(TEXT_SIZE)
    axis.yaxis.label.set_fontsize(TEXT_SIZE)
    axis.grid(axis=grid, alpha=0.25)
    axis.set_axisbelow(True)


def legend(axis: Any, **place: Any) -> None:
    """Explain the colours without a frame; ``place`` is what `matplotlib.axes.Axes.legend` takes."""
    axis.legend(frameon=False, fontsize=TEXT_SIZE, handletextpad=0.3, columnspacing=1, borderpad=0.2, **place)


def note(axis: Any, text: str, at: tuple[float, float], *, points: float = 7, coordinates: Any = "data") -> None:
    """Write a text, literally, to the right of a point.

    Parameters
    ----------
    axis
        Where it is written.
    text
        What is written: a name may hold any character, so that none is read as mathematics.
    at
        The point.
    points
        Space between point and text, in typographic points.
    coordinates
        Of ``at``, as `matplotlib.axes.Axes.annotate` takes them.
    """
    axis.annotate(
        text, at, (points, 0), coordinates, "offset points", va="center", fontsize=TEXT_SIZE, parse_math=False
    )


def interval(
    axis: Any, score: Estimate, place: float, colour: str, *, horizontal: bool = False, label: str | None = None
) -> None:
    """Draw a value as a dot on the line of its interval.

    Parameters
    ----------
    axis
        Where it is drawn.
    score
        One that is known: its value is not None.
    place
        Where it is on the other axis.
    colour
        The one that stands for what is measured.
    horizontal
        Whether values are read off the horizontal axis.
    label
        In the legend; None leaves it out.
    """
    ends = [score.low, score.high]
    line = (ends, [place, place]) if horizontal else ([place, place], ends)
    dot = (score.value, place) if horizontal else (place, score.value)
    axis.plot(*line, color=colour, linewidth=3, alpha=0.5, solid_capstyle="round")
    axis.plot(*dot, "o", color=colour, label=label)


def name_places(axis: Any, places: Sequence[float], names: Sequence[str]) -> None:
    """Name at most eight places of the horizontal axis: evenly spread, and always the last.

    Parameters
    ----------
    axis
        Whose ticks they are.
    places, names
        One name for each place.
    """
    step = -(-len(places) // MOST_TICKS)
    shown = list(range(len(places) - 1, -1, -step))[::-1]
    axis.set_xticks(
        [places[place] for place in shown], [names[place] for place in shown], fontsize=TEXT_SIZE, parse_math=False
    )
