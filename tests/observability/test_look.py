"""The page that draws the dashboards: what a Prometheus knows is on it, and what it does not know is said to be unknown."""

import re
from typing import Any

import httpx
import pytest

from observability.dashboards import DASHBOARDS, LOOPS, Chart
from observability.look import main, page
from observability.panel_charts import MOST_SERIES, drawn
from observability.prometheus_queries import Prometheus

UNTIL = 1_700_000_000.0
STEP = 15.0  # seconds: an hour in 240 steps


def prometheus(*series: tuple[dict[str, str], list[Any]]) -> Prometheus:
    """Return one that gives the same series to every query."""

    def _answer(request: httpx.Request) -> httpx.Response:
        is_range = request.url.path.endswith("query_range")
        result = [
            {"metric": labels, **({"values": values} if is_range else {"value": values[-1]})}
            for labels, values in series
        ]
        return httpx.Response(200, json={"status": "success", "data": {"result": result}})

    return Prometheus(httpx.Client(base_url="http://p", transport=httpx.MockTransport(_answer)), UNTIL, 1.0)


def points(*values: float | str, start: float = UNTIL - 3600) -> list[Any]:
    return [[start + STEP * place, str(value)] for place, value in enumerate(values)]


PANEL = Chart("A title", "What it means.", {"{{loop}} {{bound}}": "some_metric"}, unit="percentunit")


def test_series_are_lines_with_their_names_and_ends_in_words() -> None:
    chart = drawn(PANEL, 1, prometheus(({"loop": "a", "bound": "low"}, points(0.5, 0.9, 0.25)))).chart
    assert chart is not None
    assert (chart.key[0][1], chart.rows) == ("a low", (("a low", "25%", "25%", "90%"),))
    ((path,), *_) = [chart.paths]
    places = [float(pair.split(",")[1]) for pair in path.points.split()]
    assert places[1] < places[0] < places[2]


def test_gap_is_no_line() -> None:
    values = points(1, 1) + points(2, 2, start=UNTIL - 1000)
    chart = drawn(PANEL, 1, prometheus(({"loop": "a"}, values))).chart
    assert chart is not None
    assert len(chart.paths) == 2


@pytest.mark.parametrize("values", [[], points("NaN", "NaN"), points("+Inf")], ids=["none", "NaN", "infinite"])
def test_what_is_not_known_is_not_drawn(values: list[Any]) -> None:
    shown = drawn(PANEL, 1, prometheus(*([({"loop": "a"}, values)] if values else [])))
    assert (shown.chart, shown.absence) == (None, "unknown")


def test_nothing_wrong_is_none_and_not_unknown() -> None:
    condition = next(panel for panel in LOOPS if panel.title == "Drift alarms")
    assert (drawn(condition, 1, prometheus()).newest, drawn(condition, 1, prometheus()).absence) == ([], "none")


def test_series_beyond_those_that_can_be_told_apart_are_counted_and_in_the_table() -> None:
    chart = drawn(PANEL, 1, prometheus(*(({"loop": f"loop{n}"}, points(n, n)) for n in range(20)))).chart
    assert chart is not None
    assert (len(chart.key), len(chart.rows), f"and {20 - MOST_SERIES} more" in chart.says) == (MOST_SERIES, 20, True)
    assert len({(path.tone, path.is_dashed) for path in chart.paths}) == MOST_SERIES


def test_page_has_every_panel_of_every_dashboard_and_escapes_labels() -> None:
    told = page(prometheus(({"loop": "<b>a</b>", "version": "3"}, points(1, 2, 3))))
    for title, panels, _ in DASHBOARDS.values():
        assert f"<h2>{title}</h2>" in told
        assert all(panel.title in told for panel in panels)
    assert "<b>" not in told
    assert "version 3" in told
    assert len(set(names := re.findall(r'id="(panel\d+)-title"', told))) == len(names)


def test_command_says_which_prometheus_does_not_answer(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--prometheus", "http://127.0.0.1:9", "--output", str(tmp_path / "look.html")]) == 1
    assert "http://127.0.0.1:9" in capsys.readouterr().err
