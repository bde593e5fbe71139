"""Data Docs: a page for each batch that a suite judged, and an index of the newest.

The sentences are those of Great Expectations. Its own pages are not used because they load Bootstrap, jQuery and a table
widget from the network, without which their index is blank, and because every run would render all former ones again.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from itertools import islice
from typing import Any

from include.foundation.quality.expectations import SuiteResult, observed, severity_of
from include.foundation.store.loop_files import names_in, read_file, write_file
from include.foundation.store.tables import LoopStore

FOLDER = "expectations"
NEWEST = 60
POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # a page loads and runs nothing
MEANS = {
    "met": "Every expectation is met.",
    "warning": "An expectation that only warns is missed: the loop went on. See whether the source or the suite has to change.",
    "missed": "The loop stopped before it could learn from this batch. Mend the source, or the suite if it asks too much; "
    "then clear the task.",
}
STYLE = """
:root{color-scheme:light dark}
:root{--text:#1c2024;--soft:#60646c;--line:#e0e1e6;--back:#fff;--card:#f7f8fa;--good:#2b7a3d;--bad:#c62a2f;--warn:#946800}
@media(prefers-color-scheme:dark){:root{--text:#edeef0;--soft:#b0b4ba;--line:#363a3f;--back:#111113;--card:#18191b;
--good:#71d083;--bad:#ff9592;--warn:#ffca16}}
body{font:16px/1.5 system-ui,sans-serif;margin:2.5rem auto;max-width:68rem;padding:0 1.25rem;color:var(--text);
background:var(--back)}
h1{font-size:1.6rem;margin:.25rem 0 .75rem}a{color:inherit}nav,.soft{color:var(--soft);font-size:.9rem}
dl{display:flex;flex-wrap:wrap;gap:.5rem 2.5rem;background:var(--card);border-radius:.5rem;padding:.9rem 1.2rem}
dt{color:var(--soft);font-size:.8rem}dd{margin:0;font-weight:600}
table{border-collapse:collapse;width:100%;margin-top:1rem}th{color:var(--soft);font-size:.8rem;font-weight:600}
td,th{padding:.55rem .8rem .55rem 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top;
overflow-wrap:anywhere}th{white-space:nowrap}td.batch{min-width:11rem}td.seen{min-width:15rem}
b{white-space:nowrap}b.met{color:var(--good)}b.missed{color:var(--bad)}b.warning{color:var(--warn)}
.share{background:var(--line);width:6rem;margin-top:.3rem}.share i{background:var(--warn);height:.4rem;display:block}
td:first-child,.number{white-space:nowrap}
@media(max-width:44rem){tr:first-child{display:none}tr,td{display:block}tr{border-bottom:1px solid var(--line);padding:.5rem 0}
td{border:0;padding:.1rem 0}}
"""


@dataclass(frozen=True)
class Judged:
    """What was judged: ``at`` sorts the pages, ``at``, ``kind`` and ``key`` name one, ``facts`` are shown on it."""

    kind: str
    at: datetime
    key: str
    title: str
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where the page is, below `FOLDER`, without its ending."""
        at = self.at.astimezone(UTC)
        return f"{at:%Y-%m}/{at:%Y%m%dT%H%M%S}-{self.kind}-{self.key}"


def publish(store: LoopStore, judged: Judged, result: SuiteResult) -> str:
    """Write a batch's page and its result as JSON, renew the index, and return the page's URI.

    Parameters
    ----------
    store
        Tables of the loop; pages land in ``<store uri>/_files/expectations``.
    judged
        What was judged; judged again, its page is replaced.
    result
        What the suite found.

    Notes
    -----
    The index has the newest 60 batches. It is made from the results that are there, so that one which was lost to
    another writer is back with the next, and it costs the same however many there are.

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
    """Return the page of a result, which needs no other file."""
    meta = result.details["meta"]
    sampled = meta["judged"] < meta["rows"]
    looked_at = f"a uniform sample of {meta['judged']:,}, the same each time" if sampled else "all rows"
    facts = {**judged.facts, "looked at": looked_at, "suite": result.details["suite_name"]}
    ordered = sorted(result.details["results"], key=lambda item: ("missed", "warning", "met").index(_state(item)))
    listed = "".join(f"<div><dt>{escape(name)}<dd>{escape(value)}</div>" for name, value in facts.items())
    return _page(
        f"{judged.title} · {loop}",
        f"<nav><a href=../index.html>{escape(loop)}: all batches</a></nav><h1>{escape(judged.title)}</h1>"
        f"<dl><div><dt>verdict<dd>{_mark(verdict(result))}</div>{listed}</dl><p>{MEANS[verdict(result)]}</p>{_refused(judged)}"
        f"<table><tr><th>Result<th>Expectation<th>Observed</tr>{''.join(map(_row, ordered))}</table>",
    )


def index_page(store: LoopStore) -> str:
    """Return the page that lists the newest 60 batches, newest first."""
    rows = "".join(_listed(path, found) for path, found in newest_results(store))
    name = escape(store.loop.name)
    return _page(
        f"Data Docs · {store.loop.name}",
        f"<h1>{name}: batches judged by expectations</h1><p class=soft>The newest {NEWEST}, newest first.</p>"
        f"<table><tr><th>Verdict<th>Batch<th>Size<th>Expectations<th>Missed</tr>{rows}</table>",
    )


def newest_results(store: LoopStore) -> list[tuple[str, SuiteResult]]:
    """Return the newest results with their paths below `FOLDER`, newest first."""
    paths = islice(_newest_paths(store), NEWEST)
    return [(path, SuiteResult(json.loads(read_file(store, f"{FOLDER}/{path}.json")))) for path in paths]


def verdict(result: SuiteResult) -> str:
    """Return what a result comes to: met, warning or missed."""
    return "missed" if not result.success else "warning" if result.warnings else "met"


def _refused(judged: Judged) -> str:
    """Return where refused lines are; nothing if none was refused."""
    if judged.facts.get("refused", "0 ").startswith("0 "):
        return ""
    return "<p class=soft>Lines that were refused are in the table quarantine of the store, each with its reason.</p>"


def _newest_paths(store: LoopStore) -> Iterator[str]:
    """Yield the results month by month, newest first, so that no more months are listed than are needed."""
    months = [name for name in names_in(store, FOLDER) if name[:4].isdigit()]
    for month in sorted(months, reverse=True):
        results = [name for name in names_in(store, f"{FOLDER}/{month}") if name.endswith(".json")]
        yield from (f"{month}/{name.removesuffix('.json')}" for name in sorted(results, reverse=True))


def _listed(path: str, found: SuiteResult) -> str:
    counts, missed = found.details["statistics"], "; ".join(found.failures + found.warnings)
    return (
        f"<tr><td>{_mark(verdict(found))}<td class=batch><a href='{escape(path)}.html'>{escape(found.details['title'])}</a>"
        f"<td class=number>{found.details['meta']['rows']:,} rows<td class=number>{counts['successful_expectations']} of "
        f"{counts['evaluated_expectations']} met<td>{escape(missed)}</tr>"
    )


def _row(item: Mapping[str, Any]) -> str:
    found, notes = item.get("result") or {}, (item["expectation_config"].get("meta") or {}).get("notes")
    bar = ""
    if found.get("element_count") and "unexpected_count" in found:
        share = found["unexpected_count"] / found["element_count"]
        bar = f"<div class=share title='{share:.1%}'><i style='width:{share:.1%}'></i></div>" if share else ""
    said = notes.get("content", "") if isinstance(notes, Mapping) else notes or ""
    text = " ".join(map(str, said)) if isinstance(said, list) else str(said)
    note = f"<div class=soft>{escape(text)}</div>" if text else ""
    return (
        f"<tr><td>{_mark(_state(item))}<td>{escape(item['says'])}{note}<td class=seen>{escape(_seen(item))}{bar}</tr>"
    )


def _seen(item: Mapping[str, Any]) -> str:
    """Return what was observed; that no row misses an expectation is said as such."""
    found = item.get("result") or {}
    if item["success"] and found.get("element_count") and found.get("unexpected_count") == 0:
        return f"all {found['element_count']:,} rows do"
    return observed(item)


def _state(item: Mapping[str, Any]) -> str:
    return "met" if item["success"] else "missed" if severity_of(item) == "critical" else "warning"


def _mark(state: str) -> str:
    sign = {"met": "✓", "missed": "✗", "warning": "!"}[state]
    return f"<b class={state}>{sign} {state}</b>"


def _page(title: str, body: str) -> str:
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f'<meta http-equiv=Content-Security-Policy content="{POLICY}">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>{body}</html>\n"
    )
