"""What a Prometheus knows of the panels of a dashboard."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import httpx

from observability.dashboards import Chart

STEPS = 240
LEGEND = re.compile(r"\{\{(\w+)\}\}")


class Series(NamedTuple):
    """One line of a panel.

    Attributes
    ----------
    name
        By the panel's legend.
    points
        Seconds since 1970, and values; those that are unknown are not there.
    """

    name: str
    points: list[tuple[float, float]]


class Prometheus:
    """What answers queries.

    Parameters
    ----------
    client
        Whose base is its address.
    until
        Moment up to which is asked.
    hours
        Before it.
    """

    def __init__(self, client: httpx.Client, until: float, hours: float) -> None:
        self._client, self.until, self.since = client, until, until - 3600 * hours
        self.step = (until - self.since) / STEPS

    def over_time(self, panel: Chart) -> list[Series]:
        """Return what a panel shows over the whole span.

        Raises
        ------
        httpx.HTTPError
            If it does not answer, or refuses a query.
        """
        span = {"start": self.since, "end": self.until, "step": self.step}
        return [
            Series(_legend(legend, sample["metric"]), _known(sample["values"]))
            for legend, query in panel.queries.items()
            for sample in self._asked("query_range", query, span)
        ]

    def now(self, panel: Chart) -> list[Series]:
        """Return what a panel shows at the end of the span.

        Raises
        ------
        httpx.HTTPError
            As of `over_time`.
        """
        return [
            Series(_legend(legend, sample["metric"]), _known([sample["value"]]))
            for legend, query in panel.queries.items()
            for sample in self._asked("query", query, {"time": self.until})
        ]

    def _asked(self, kind: str, query: str, more: Mapping[str, float]) -> list[dict[str, Any]]:
        answer = self._client.get(f"/api/v1/{kind}", params={"query": query.replace("$loop", ".*"), **more})
        answer.raise_for_status()
        return list(answer.json()["data"]["result"])


def _known(values: Sequence[tuple[float, str]]) -> list[tuple[float, float]]:
    return [(moment, float(value)) for moment, value in values if math.isfinite(float(value))]


def _legend(legend: str, labels: Mapping[str, str]) -> str:
    """Return the name of a series: with the values of its labels, and the loop's where the legend has none.

    Examples
    --------
    >>> _legend("{{loop}} {{bound}}", {"loop": "a", "bound": "low"}), _legend("age", {"loop": "a"})
    ('a low', 'a age')
    """
    name = LEGEND.sub(lambda label: labels.get(label[1], ""), legend).strip()
    return name if "{{loop}}" in legend or "loop" not in labels else f"{labels['loop']} {name}".strip()
