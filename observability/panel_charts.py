"""Panels of a dashboard, drawn by the charts that all pages share."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, get_args

from include.foundation.pages import charts, formats
from observability.dashboards import Chart
from observability.prometheus_queries import Prometheus, Series

TONES: tuple[charts.Tone, ...] = tuple(tone for tone in get_args(charts.Tone) if tone != "soft")
MOST_SERIES = 2 * len(TONES)  # a tone has a whole and a dashed line
HEIGHT = 200.0
CONDITIONS = ("==", "> 0", "unless")
BYTES = ("B", "KiB", "MiB", "GiB", "TiB")
SPANS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


class Drawn(NamedTuple):
    """A panel as the page shows it.

    Attributes
    ----------
    panel
        Of the dashboard.
    newest
        Names of series, and their newest values in words; of a time series, none.
    chart
        Of a time series that is known.
    """

    panel: Chart
    newest: list[tuple[str, str]]
    chart: charts.Chart | None

    @property
    def absence(self) -> str:
        """What it means that nothing is shown: ``none`` where only what is wrong is asked for, else ``unknown``."""
        return (
            "none" if any(sign in query for query in self.panel.queries.values() for sign in CONDITIONS) else "unknown"
        )


def drawn(panel: Chart, place: int, prometheus: Prometheus) -> Drawn:
    """Return a panel with what Prometheus knows.

    Parameters
    ----------
    panel
        Of a dashboard.
    place
        Of the panel on the page, for the names of its parts.
    prometheus
        Is asked.

    Raises
    ------
    httpx.HTTPError
        If it does not answer.
    """
    say = _words_of(panel.unit)
    if panel.kind != "timeseries":
        return Drawn(
            panel, [(each.name, say(each.points[-1][1])) for each in prometheus.now(panel) if each.points], None
        )
    series = [each for each in prometheus.over_time(panel) if each.points]
    return Drawn(panel, [], _chart(panel, place, series, prometheus) if series else None)


def _chart(panel: Chart, place: int, series: Sequence[Series], prometheus: Prometheus) -> charts.Chart:
    say, shown = _words_of(panel.unit), series[:MOST_SERIES]
    values = [value for each in shown for _, value in each.points]
    ends = min(0.0, *values), max(0.0, *values)
    plane = charts.Plane((prometheus.since, prometheus.until), ends, height=HEIGHT, width=charts.NARROW)
    moments = [prometheus.since + part / 3 * (prometheus.until - prometheus.since) for part in range(4)]
    paths = [
        plane.path(piece, TONES[number % len(TONES)], is_dashed=number >= len(TONES))
        for number, each in enumerate(shown)
        for piece in _pieces(each.points, prometheus.step)
    ]
    more = f" and {len(series) - len(shown)} more" if len(series) > len(shown) else ""
    return charts.Chart(
        name=f"panel{place}",
        title=panel.title,
        says=f"{len(series)} series; newest: {', '.join(f'{each.name} {say(each.points[-1][1])}' for each in shown)}{more}.",
        height=HEIGHT,
        width=charts.NARROW,
        across=plane.names(moments, [_moment(each, prometheus) for each in moments]),
        upwards=tuple(charts.Name(plane.y(value), say(value)) for value in _levels(panel.unit, *ends)),
        paths=tuple(paths),
        key=tuple((TONES[number % len(TONES)], each.name) for number, each in enumerate(shown)),
        columns=("Series", "Newest", "Least", "Largest"),
        rows=tuple((each.name, say(each.points[-1][1]), *_ends(each, say)) for each in series),
    )  # fmt: skip


def _levels(unit: str, low: float, high: float) -> list[float]:
    """Return values of an axis that are round in what they are said in.

    Examples
    --------
    >>> [value / 60 for value in _levels("s", 0, 200)]
    [0.0, 1.0, 2.0, 3.0]
    """
    size = {"s": _span_of(high)[0], "bytes": 1024.0 ** _power_of(high)}.get(unit, 1.0)
    return [value * size for value in charts.round_values(low / size, high / size)]


def _ends(series: Series, say: Callable[[float], str]) -> tuple[str, str]:
    values = [value for _, value in series.points]
    return say(min(values)), say(max(values))


def _pieces(points: Sequence[tuple[float, float]], step: float) -> list[list[tuple[float, float]]]:
    """Return the points between gaps, each piece with at least two."""
    pieces: list[list[tuple[float, float]]] = []
    for point in points:
        if not pieces or point[0] - pieces[-1][-1][0] > 2 * step:
            pieces.append([])
        pieces[-1].append(point)
    return [piece if len(piece) > 1 else [*piece, (piece[0][0] + step, piece[0][1])] for piece in pieces]


def _moment(seconds: float, prometheus: Prometheus) -> str:
    span = prometheus.until - prometheus.since
    form = "%d %b" if span > 2 * 86400 else "%H:%M" if span > 600 else "%H:%M:%S"
    return f"{datetime.fromtimestamp(seconds, UTC):{form}}"


def _words_of(unit: str) -> Callable[[float], str]:
    """Return how a value is said in a unit of Grafana's.

    Examples
    --------
    >>> [_words_of(unit)(value) for unit, value in (("percentunit", 0.5), ("s", 5400.0), ("bytes", 3 << 20), ("short", 12000))]
    ['50%', '1.5 h', '3 MiB', '12,000']
    """
    return UNITS.get(unit, formats.large)


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"


def _span_of(seconds: float) -> tuple[float, str]:
    return next(((size, name) for size, name in SPANS if abs(seconds) >= size), (0.001, "ms"))


def _span(seconds: float) -> str:
    size, name = _span_of(seconds)
    return f"{seconds / size:.3g} {name}" if seconds else "0 s"


def _power_of(size: float) -> int:
    return min(len(BYTES) - 1, int(math.log2(size) // 10)) if size >= 1 else 0


def _bytes(size: float) -> str:
    return f"{size / 1024 ** _power_of(size):.3g} {BYTES[_power_of(size)]}"


UNITS: Mapping[str, Callable[[float], str]] = {"percentunit": _percent, "s": _span, "bytes": _bytes}
