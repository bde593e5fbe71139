"""``python -m observability.look``: draw every dashboard from a Prometheus into one page, where there is no Grafana."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx

from include.foundation.pages.rendering import render
from observability.dashboards import DASHBOARDS
from observability.panel_charts import drawn
from observability.prometheus_queries import Prometheus

TEMPLATES = Path(__file__).parent / "templates"


def page(prometheus: Prometheus) -> str:
    """Return the page.

    Raises
    ------
    httpx.HTTPError
        If Prometheus does not answer.
    """
    boards, place = [], 0
    for title, panels, _ in DASHBOARDS.values():
        shown = []
        for panel in panels:
            place += 1
            shown.append(drawn(panel, place, prometheus))
        boards.append((title, shown))
    ends = [datetime.fromtimestamp(end, UTC) for end in (prometheus.since, prometheus.until)]
    return render(TEMPLATES, "look.html", {"boards": boards, "since": ends[0], "until": ends[1]})


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m observability.look", description=__doc__)
    parser.add_argument("--prometheus", required=True, help="its address, such as http://127.0.0.1:9090")
    parser.add_argument("--output", type=Path, required=True, help="HTML file to write")
    parser.add_argument("--hours", type=float, default=24.0, help="before now, of which time series are shown")
    given = parser.parse_args(arguments)
    try:
        with httpx.Client(base_url=given.prometheus, timeout=60) as client:
            given.output.write_text(page(Prometheus(client, datetime.now(UTC).timestamp(), given.hours)))
    except (httpx.HTTPError, OSError) as error:
        print(f"{given.prometheus}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
