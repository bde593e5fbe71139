"""The page of a verdict says what happened and what the loop does, and escapes what it shows."""

from pathlib import Path

import pytest

from include.drift.verdict_page import ROUTES, write_verdict_page
from include.store.decisions import Decision
from include.store.files import write_file
from tests.builders import day, make_store


def verdict(route="retrain", outcome="alarm", **more):
    column = {
        "column": "<b>x</b>", "segment": "desk=eu", "monitor": "data", "statistic": "location", "p_value": 0.001,
        "effect": 0.3, "flagged": True, "expected": 0.5, "found": 0.8, "rows": 100,
    }  # fmt: skip
    evidence = {
        "route": route, "flagged": True, "columns": [column], "columns_judged": 7, "rows": 1200, "reference_days": 28,
        "segments": ["desk=eu"], "monitors": [], "picture": None, **more,
    }  # fmt: skip
    return Decision("drift", day().key, outcome, ("x moved.",), evidence)


@pytest.mark.parametrize("route", ROUTES)
def test_page_says_what_the_loop_does_and_escapes_names(tmp_path, route):
    page = Path(write_verdict_page(make_store(tmp_path), day(), verdict(route))).read_text()
    assert "Drift is confirmed" in page
    assert ROUTES[route].split(".")[0] in page
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "1 of 7 comparisons" in page
    assert "<img" not in page


def test_page_shows_the_picture_and_is_the_same_when_written_again(tmp_path):
    store = make_store(tmp_path)
    found = verdict(picture=write_file(store, "drift/a.png", b"png"))
    first = Path(write_verdict_page(store, day(), found)).read_text()
    assert 'src="data:image/png;base64,cG5n"' in first
    assert Path(write_verdict_page(store, day(), found)).read_text() == first


def test_page_of_a_window_that_was_too_small_has_no_table(tmp_path):
    few = verdict("none", "inconclusive", columns=[], columns_judged=0, segments=[], flagged=False)
    page = Path(write_verdict_page(make_store(tmp_path), day(), few)).read_text()
    assert "too little to judge" in page
    assert "<table" not in page
