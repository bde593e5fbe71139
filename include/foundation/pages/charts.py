"""Charts: marks at their places, which ``charts.html`` draws as SVG, and the table that says the same in words.

A tone has one meaning in all charts; ``style.css`` gives each a colour for a light and one for a dark background. They are near
those of Okabe and Ito, which people with any kind of colour blindness can tell apart: https://jfly.uni-koeln.de/color/
"""

from collections.abc import Sequence
from math import ceil, floor, isfinite, log10
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from include.foundation.pages import formats
from include.foundation.statistics.estimates import Estimate

Tone = Literal["champion", "challenger", "reference", "current", "flagged", "unconfirmed", "soft"]

WIDTH, NARROW = 760.0, 370.0
LEFT, RIGHT, TOP, BELOW = 52.0, 44.0, 16.0, 42.0  # margins, in units of the drawing: a letter is about seven wide
MOST_NAMES, MOST_LEVELS, LONGEST_NAME = 8, 6, 20


class Name(NamedTuple):
    """A word at a place of an axis."""

    at: float
    text: str


class Dot(NamedTuple):
    """A value at ``(x, y)`` on the line from ``low`` to ``high`` that runs through it, upwards."""

    x: float
    y: float
    low: float
    high: float
    tone: Tone
    words: str


class Bar(NamedTuple):
    """A rectangle whose upper left corner is ``(x, y)``."""

    x: float
    y: float
    width: float
    height: float
    tone: Tone
    words: str


class Path(NamedTuple):
    """A line through points, as SVG writes them."""

    points: str
    tone: Tone
    is_dashed: bool = False


class Chart(BaseModel):
    """A chart with everything in its place, in units of its drawing from the upper left corner, and its table.

    Examples
    --------
    >>> plane = Plane((0, 1), (0, 1), height=100)
    >>> Chart(name="a", title="One dot", says="It is in the middle.", height=100, dots=(plane.dot(0.5, 0.5, "champion"),)).width
    760.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str
    """What its parts are called on the page: letters."""
    title: str
    says: str
    """A sentence for who does not see it."""
    height: float
    width: float = WIDTH
    across: tuple[Name, ...] = ()
    upwards: tuple[Name, ...] = ()
    tilted: bool = False
    """Whether the names across are long."""
    unit: str = ""
    """What is counted across."""
    dots: tuple[Dot, ...] = ()
    bars: tuple[Bar, ...] = ()
    paths: tuple[Path, ...] = ()
    marked: tuple[Name, ...] = ()
    """What happened where, across."""
    key: tuple[tuple[Tone, str], ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    """Of the table, each with a cell a column; the page has one of its own where there are no columns."""

    @property
    def floor(self) -> float:
        """Where the horizontal axis is."""
        return self.height - (2 * BELOW if self.tilted else BELOW)


class Plane:
    """Where values lie in a chart.

    Parameters
    ----------
    across, upwards
        The least and the largest value of each axis.
    height, width
        Of the chart.
    tilted
        Whether the names across need the room of long ones.
    """

    def __init__(
        self,
        across: tuple[float, float],
        upwards: tuple[float, float],
        *,
        height: float,
        width: float = WIDTH,
        tilted: bool = False,
    ) -> None:
        self._across, self._upwards = _wide(*across), _wide(*upwards)
        self._right, self._floor = width - RIGHT, height - (2 * BELOW if tilted else BELOW)

    def x(self, value: float) -> float:
        """Return where a value is across."""
        low, high = self._across
        return round(LEFT + (value - low) / (high - low) * (self._right - LEFT), 1)

    def y(self, value: float) -> float:
        """Return where a value is, from the top; what lies beyond an end of the axis is at the end."""
        low, high = self._upwards
        return round(self._floor - (min(max(value, low), high) - low) / (high - low) * (self._floor - TOP), 1)

    def dot(
        self,
        x: float,
        value: float,
        tone: Tone,
        words: str = "",
        *,
        low: float | None = None,
        high: float | None = None,
    ) -> Dot:
        """Return a value as a dot, on the line of its interval if that is given.

        Parameters
        ----------
        x, value
            Where it is, across and upwards.
        tone
            What it means.
        words
            What it says to who points at it.
        low, high
            Ends of the line, upwards; the value itself by default.
        """
        lower, upper = (self.y(value if end is None else end) for end in (low, high))
        return Dot(self.x(x), self.y(value), lower, upper, tone, words)

    def interval(self, x: float, score: Estimate, tone: Tone, words: str = "") -> list[Dot]:
        """Return an estimate as a dot on the line of its interval; none where it is unknown.

        Parameters
        ----------
        x
            Where it is, across.
        score
            The estimate.
        tone
            What it means.
        words
            What it is of; the estimate itself is said after it.
        """
        if score.value is None:
            return []
        said = f"{words}{': ' if words else ''}{formats.estimate(score)}"
        return [self.dot(x, score.value, tone, said, low=score.low, high=score.high)]

    def bar(self, x: float, width: float, value: float, tone: Tone, words: str = "", *, base: float = 0.0) -> Bar:
        """Return a bar.

        Parameters
        ----------
        x, width
            Its left edge, and how wide it is, on the axis across.
        value, base
            From where to where it reaches upwards.
        tone
            What it means.
        words
            What it says to who points at it.
        """
        left, top, bottom = self.x(x), self.y(value), self.y(base)
        return Bar(left, top, round(self.x(x + width) - left, 1), round(bottom - top, 1), tone, words)

    def path(self, points: Sequence[tuple[float, float]], tone: Tone, *, is_dashed: bool = False) -> Path:
        """Return a line.

        Parameters
        ----------
        points
            It runs through them; each is a value across and one upwards.
        tone
            What it means.
        is_dashed
            Whether it is a mere guide.
        """
        return Path(" ".join(f"{self.x(x):g},{self.y(y):g}" for x, y in points), tone, is_dashed)

    def level(self, value: float, tone: Tone = "soft") -> Path:
        """Return a dashed line across the whole chart."""
        return self.path([(self._across[0], value), (self._across[1], value)], tone, is_dashed=True)

    def names(self, places: Sequence[float], names: Sequence[str], most: int = MOST_NAMES) -> tuple[Name, ...]:
        """Return names of places across: evenly spread, and always the last.

        Parameters
        ----------
        places, names
            One name for each place.
        most
            How many are shown at most.
        """
        step = -(-len(places) // most) or 1
        shown = range(len(places) - 1, -1, -step)
        return tuple(Name(self.x(places[place]), short(names[place], LONGEST_NAME)) for place in reversed(shown))

    def levels(self, *, as_share: bool = False) -> tuple[Name, ...]:
        """Return round values of the vertical axis, at most six, with their places."""
        return tuple(
            Name(self.y(value), f"{value:.0%}" if as_share else f"{value:g}") for value in round_values(*self._upwards)
        )

    def counts(self) -> tuple[Name, ...]:
        """Return round values of the horizontal axis, at most six, with their places."""
        return tuple(Name(self.x(value), f"{value:,.6g}") for value in round_values(*self._across))


def round_values(low: float, high: float) -> list[float]:
    """Return the round values between two, at most six, in steps of 1, 2 or 5 times a power of ten.

    Examples
    --------
    >>> round_values(0.62, 0.93), round_values(0, 7), round_values(3, 3)
    ([0.65, 0.7, 0.75, 0.8, 0.85, 0.9], [0.0, 2.0, 4.0, 6.0], [3])
    """
    if not (isfinite(low) and isfinite(high)) or high <= low:
        return [low]
    size = 10.0 ** floor(log10((high - low) / MOST_LEVELS))
    for step in (size, 2 * size, 5 * size, 10 * size):
        first, last = ceil(round(low / step, 9)), floor(round(high / step, 9))
        if last - first < MOST_LEVELS:
            return [float(f"{number * step:.12g}") for number in range(first, last + 1)]
    return [low, high]


def short(text: str, longest: int) -> str:
    """Return a text, cut where it is too long.

    Examples
    --------
    >>> short("grain", 5), short("grains", 5)
    ('grain', 'grai…')
    """
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _wide(low: float, high: float) -> tuple[float, float]:
    """Return the ends of an axis, which are never one."""
    return (low, high) if high > low else (low - 0.5, low + 0.5)
