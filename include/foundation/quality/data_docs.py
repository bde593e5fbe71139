"""Data Docs: a page for each batch that a suite judged, and an index of the newest.

The sentences are those of Great Expectations. Its own pages are not used: they load Bootstrap, jQuery and a table widget
from the network, their index is blank without these, and every run would render all earlier pages again.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from include.foundation.pages.rendering import render
from include.foundation.quality.expectations import SuiteResult, observed, severity_of
from include.foundation.store.loop_files import names_in, read_file, write_file
from include.foundation.store.tables import LoopStore

FOLDER = "expectations"
NEWEST = 60
TEMPLATES = Path(__file__).parent / "templates"
WORST_FIRST = ("missed", "warning", "met")
MEANINGS = {
    "met": "Every expectation is met.",
    "warning": "An expectation that only warns is missed: the loop went on. See whether the source or the suite has to change.",
    "missed": "The loop stopped before it could learn from this batch. Mend the source, or the suite if it asks too much; "
    "then clear the task.",
}


@dataclass(frozen=True)
class Judged:
    """A batch that was judged.

    Attributes
    ----------
    kind
        What its rows are: ``logs`` or ``labels``.
    at
        Moment that it stands for; the index is sorted by it.
    key
        Tells it from other batches of the same kind and moment.
    title
        Heading of its page.
    facts
        What else its page shows, by name.
    """

    kind: str
    at: datetime
    key: str
    title: str
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where its page is, below `FOLDER` and without the ending."""
        at = self.at.astimezone(UTC)
        return f"{at:%Y-%m}/{at:%Y%m%dT%H%M%S}-{self.kind}-{self.key}"


def publish(store: LoopStore, judged: Judged, result: SuiteResult) -> str:
    """Write a batch's page and its result as JSON, renew the index, and return the page's URI.

    Parameters
    ----------
    store
        Tables of the loop; pages land in ``<store uri>/_files/expectations``.
    judged
        The batch; if it was judged before, its page is replaced.
    result
        What the suite found.

    Notes
    -----
    The index lists the newest 60 batches. It is made from the results that are in the store: an entry that a concurrent
    writer overwrote is back with the next batch, and the cost does not grow with the number of batches.

    Raises
    ------
    StoreError
        If a file cannot be written or read.
    """
    details = result.details | {"title": judged.title, "facts": dict(judged.facts)}
    write_file(store, f"{FOLDER}/{judged.path}.json", json.dumps(details, indent=1, default=str))
    page = write_file(store, f"{FOLDER}/{judged.path}.html", result_page(store.loop.name, judged, result))
    write_file(store, f"{FOLDER}/index.html", index_page(store))
    return page


def result_page(loop: str, judged: Judged, result: SuiteResult) -> str:
    """Return the page of one batch, which needs no other file.

    Parameters
    ----------
    loop
        Its name.
    judged
        The batch.
    result
        What the suite found.
    """
    meta, outcome = result.details["meta"], verdict(result)
    sampled = meta["judged"] < meta["rows"]
    looked_at = f"a uniform sample of {meta['judged']:,}, the same each time" if sampled else "all rows"
    expectations = [_expectation(item) for item in result.details["results"]]
    facts = {
        "loop": loop,
        "title": judged.title,
        "verdict": outcome,
        "meaning": MEANINGS[outcome],
        "facts": {**judged.facts, "looked at": looked_at, "suite": result.details["suite_name"]},
        "has_refused_lines": not judged.facts.get("refused", "0 ").startswith("0 "),
        "expectations": sorted(expectations, key=lambda expectation: WORST_FIRST.index(expectation["outcome"])),
    }
    return render(TEMPLATES, "batch.html", facts)


def index_page(store: LoopStore) -> str:
    """Return the page that lists the newest 60 batches, newest first."""
    batches = [{"path": path, "verdict": verdict(result), "result": result} for path, result in newest_results(store)]
    return render(TEMPLATES, "batches.html", {"loop": store.loop.name, "newest": NEWEST, "batches": batches})


def newest_results(store: LoopStore) -> list[tuple[str, SuiteResult]]:
    """Return the newest results with their paths below `FOLDER`, newest first."""
    paths = islice(_newest_paths(store), NEWEST)
    return [(path, SuiteResult(json.loads(read_file(store, f"{FOLDER}/{path}.json")))) for path in paths]


def verdict(result: SuiteResult) -> str:
    """Return the worst that a result has: ``met``, ``warning`` or ``missed``."""
    return "missed" if not result.success else "warning" if result.warnings else "met"


def _newest_paths(store: LoopStore) -> Iterator[str]:
    """Yield the results month by month, newest first, so that no more months are listed than are needed."""
    months = [name for name in names_in(store, FOLDER) if name[:4].isdigit()]
    for month in sorted(months, reverse=True):
        results = [name for name in names_in(store, f"{FOLDER}/{month}") if name.endswith(".json")]
        yield from (f"{month}/{name.removesuffix('.json')}" for name in sorted(results, reverse=True))


def _expectation(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page says of one expectation; ``share`` of the rows do not meet it, None if it is not about rows."""
    counts = item.get("result") or {}
    about_rows = counts.get("element_count") and "unexpected_count" in counts
    return {
        "outcome": "met" if item["success"] else "missed" if severity_of(item) == "critical" else "warning",
        "says": item["says"],
        "note": _note(item),
        "observed": _observed(item),
        "share": counts["unexpected_count"] / counts["element_count"] if about_rows else None,
    }


def _note(item: Mapping[str, Any]) -> str:
    """Return the notes of an expectation, which Great Expectations allows as a text, a list, or either as ``content``."""
    notes = (item["expectation_config"].get("meta") or {}).get("notes") or ""
    content = notes.get("content", "") if isinstance(notes, Mapping) else notes
    return " ".join(map(str, content)) if isinstance(content, list) else str(content)


def _observed(item: Mapping[str, Any]) -> str:
    """Return what was observed; that every row meets an expectation is said as such."""
    counts = item.get("result") or {}
    if item["success"] and counts.get("element_count") and counts.get("unexpected_count") == 0:
        return f"all {counts['element_count']:,} rows do"
    return observed(item)
