"""Data Docs: a page for each judged batch, and an index to click through them."""

import json
from html import escape

from include.errors import StoreError
from include.logs.expectations import SuiteResult, observed, say
from include.store.files import read_file, write_file
from include.store.tables import LoopStore

MOST_RUNS = 60
INDEX = "expectations/index.json"
STYLE = (
    "body{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem;color:#1a1a1a}"
    "td,th{padding:.4rem .8rem;text-align:left;border-bottom:1px solid #ddd}.bad{background:#fdecea}"
)


def result_page(title: str, result: SuiteResult, note: str = "") -> str:
    """Return a self-contained HTML page of a result."""
    rows = "".join(
        f"<tr class={'ok' if item['success'] else 'bad'}><td>{'met' if item['success'] else 'NOT MET'}</td>"
        f"<td>{escape(say(item))}</td><td>{escape(observed(item))}</td></tr>"
        for item in result.details["results"]
    )
    verdict = "met every expectation" if result.success else f"missed {len(result.failures)} expectations"
    return (
        f"<!doctype html><meta charset=utf-8><title>{escape(title)}</title><style>{STYLE}</style>"
        f"<h1>{escape(title)}</h1><p>The batch {verdict}. {note}</p>"
        f"<table><tr><th>Result</th><th>Expectation</th><th>Observed</th></tr>{rows}</table>"
    )


def publish_index(store: LoopStore, name: str, entry: dict[str, str | int | bool]) -> str:
    """Put a run at the top of the index of the newest sixty, once, and return the index page's URI."""
    runs = [run for run in _runs(store) if run["page"] != entry["page"]]
    runs = sorted([entry, *runs], key=lambda run: str(run["page"]), reverse=True)[:MOST_RUNS]
    write_file(store, INDEX, json.dumps(runs))
    rows = "".join(
        f"<tr class={'ok' if run['met'] else 'bad'}><td>{'met' if run['met'] else 'NOT MET'}</td>"
        f"<td><a href='{escape(str(run['page']), quote=True)}'>{escape(str(run['interval']))}</a></td>"
        f"<td>{run['rows']}</td><td>{run['missed']}</td></tr>"
        for run in runs
    )
    return write_file(
        store,
        "expectations/index.html",
        f"<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'><title>{escape(name)}</title>"
        f"<style>{STYLE}</style><h1>{escape(name)}</h1><p>The newest {len(runs)} batches.</p>"
        f"<table><tr><th>Result</th><th>Interval</th><th>Rows</th><th>Missed</th></tr>{rows}</table>",
    )


def _runs(store: LoopStore) -> list[dict[str, str | int | bool]]:
    try:
        return list(json.loads(read_file(store, INDEX)))
    except StoreError:  # there is none yet
        return []
