"""The page of a drift verdict: what happened, what the loop does about it, and the evidence, in a minute."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from include.store.decisions import Decision
from include.store.files import read_file, write_file
from include.store.interval import Interval
from include.store.tables import LoopStore

TEMPLATES = Path(__file__).parent / "templates"
MOST_ROWS = 40
HEADLINES = {
    "alarm": "Drift is confirmed",
    "drift": "Something drifted, and is not confirmed yet",
    "stable": "Nothing drifted",
    "inconclusive": "There is too little to judge",
}
ROUTES = {
    "fix_data": "Mend the data. The loop asks for no labels of broken rows and does not retrain until the alarm is over.",
    "label_segment": "Label it. The next requests prefer these rows; no retraining is started by this verdict.",
    "retrain": "Retrain. Once the alarm is confirmed, retrain runs with fewer new labels than usual.",
    "watch": "Watch. What drifted costs no accuracy that confidence can see; nothing is started.",
    "none": "Nothing is to be done.",
}


def write_verdict_page(store: LoopStore, interval: Interval, verdict: Decision) -> str:
    """Write the self-contained HTML page of a verdict and return its URI; writing it again changes nothing.

    Parameters
    ----------
    store
        Tables of the loop; the page lands in ``drift/<interval>.html`` of its files.
    interval
        The window.
    verdict
        Of kind ``drift``.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    evidence = verdict.evidence
    pages = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    page = pages.get_template("verdict.html").render(
        loop=store.loop, interval=interval, verdict=verdict, evidence=evidence, headline=HEADLINES[verdict.outcome],
        route=ROUTES[evidence["route"]], columns=evidence["columns"][:MOST_ROWS],
        flagged=sum(bool(column["flagged"]) for column in evidence["columns"]), picture=_picture(store, evidence),
        monitors=[found for found in evidence.get("monitors", []) if found["flagged"] or not found["segment"]],
    )  # fmt: skip
    return write_file(store, f"drift/{interval.start:%Y%m%dT%H%M}-{interval.end:%Y%m%dT%H%M}.html", page)


def _picture(store: LoopStore, evidence: Mapping[str, Any]) -> str | None:
    """Return the verdict's picture as base64; None if none was drawn."""
    uri = evidence.get("picture")
    if not uri:
        return None
    return base64.b64encode(read_file(store, f"drift/{str(uri).rpartition('/')[2]}")).decode()
