"""The page of a verdict says what happened, since when, how sure, and what to do; it escapes what it shows."""

import re
from pathlib import Path

import pytest

from include.foundation.decisions import record
from include.foundation.decisions.drift_verdict import (
    ALL_COLUMNS,
    ALL_ROWS,
    EstimatedDetails,
    MonitorFinding,
    PerformanceDetails,
)
from include.foundation.pages.charts import Chart
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.foundation.store.loop_files import write_file
from include.stages.drift.monitors.estimated_performance import BLIND
from include.stages.drift.page.drift_charts import CHARTS
from include.stages.drift.page.verdict_page import ROUTES, write_verdict_page
from include.stages.drift.page.wording import difference_in_words
from tests.builders import day, make_store
from tests.decision_builders import make_column_finding, make_drift_verdict
from tests.include.stages.reports.page_reader import Page

REASONS = ("x moved.", "Labels show it.", "Confirmed: flagged in 2 of the last 3 windows.")


def column(name="<b>x</b>", segment="desk=eu", *, flagged=True, **more):
    return make_column_finding(name, segment=segment, flagged=flagged, **({"expected": 0.5, "found": 0.8} | more))


def verdict(route="retrain", outcome="alarm", number=0, **more):
    whole = {
        "route": route, "flagged": True, "columns": [column()], "columns_judged": 7, "rows": 1200, "reasons": REASONS,
        "segments": ["desk=eu"], **more,
    }  # fmt: skip
    return make_drift_verdict(day(number).key, outcome, **whole)


def page_of(folder, found, store=None):
    return Path(write_verdict_page(store or make_store(folder), day(), found)).read_text()


def accuracy(monitor, details, segment=ALL_ROWS, *, flagged=False):
    return MonitorFinding(
        monitor=monitor, column="accuracy", segment=segment, statistic="accuracy", effect=0.1, p_value=None,
        flagged=flagged, sentence=f"It says so{segment}.", details=details,
    )  # fmt: skip


def labeled(segment=ALL_ROWS, *, flagged=False, **more):
    known = {"estimate": Estimate(0.75, 0.6, 0.85, 40, 40.0), "reference": 0.86, "needed": 40.0}
    return accuracy("performance", PerformanceDetails(**(known | more)), segment, flagged=flagged)


def guessed(segment=ALL_ROWS, *, flagged=False, **more):
    known = {"estimate": 0.5, "reference": 0.83, "ordinary": 0.014, "labels": 0}
    return accuracy("estimated_performance", EstimatedDetails(**(known | more)), segment, flagged=flagged)


@pytest.mark.parametrize("route", ROUTES)
def test_page_says_what_the_loop_does_and_escapes_names(tmp_path, route):
    page = page_of(tmp_path, verdict(route))
    assert "Drift is confirmed" in page
    assert ROUTES[route][0].split("{")[0].removesuffix(".") in page
    assert ROUTES[route][1].split("{")[0] in page
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "1 of 7 comparisons" in page
    assert "<img" not in page
    assert all(reason in page for reason in REASONS)


def test_page_loads_nothing_and_runs_nothing(tmp_path):
    page = page_of(tmp_path, verdict(columns=[column("<script>alert(1)</script>", "<img src=x>")]))
    assert "default-src 'none'" in page
    assert {"script", "img"}.isdisjoint(Page(page).tags)
    assert not re.search(r"<script|<img|<link|@import|url\(|https?://", page)


@pytest.mark.parametrize(
    ("route", "outcome", "said"),
    [
        ("retrain", "alarm", "10 new labels are enough"),
        ("retrain", "drift", "Training waits for an alarm"),
        ("fix_data", "alarm", "starts no training by itself"),
        ("fix_data", "drift", "Training waits for an alarm"),
        ("label_segment", "drift", "half of what it chooses is of desk=eu"),
        ("watch", "drift", "trigger observe with its first day as ordinary_from"),
    ],
)
def test_page_promises_only_what_this_outcome_starts(tmp_path, route, outcome, said):
    assert said in page_of(tmp_path, verdict(route, outcome))


@pytest.mark.parametrize("reference", [{"reference": "frozen"}, {"reference": "rolling"}])
def test_page_says_how_a_change_is_accepted_only_where_it_can_be(tmp_path, reference):
    page = page_of(tmp_path, verdict("watch"), make_store(tmp_path, drift=reference))
    assert ("ordinary_from" in page) == (reference["reference"] == "rolling")
    assert ("do nothing" in page) == (reference["reference"] == "frozen")


@pytest.mark.parametrize(
    ("count", "named"), [(3, "c00, c01, c02 was meant"), (4, "c00, c01, c02 and 1 more was meant")]
)
def test_page_names_three_columns_and_counts_the_others(tmp_path, count, named):
    columns = [column(f"c{number:02}", effect=0.9 - number / 100) for number in range(count)]
    assert f"Ask whether {named} to change." in page_of(tmp_path, verdict("watch", columns=columns))


def test_page_tells_of_many_columns_that_differ_a_little(tmp_path):
    joint = column(ALL_COLUMNS, "", statistic="squared_distance", expected=1.0, found=2.83, effect=0.06)
    page = page_of(tmp_path, verdict("watch", columns=[joint]))
    assert "Ask whether the data as a whole was meant to change." in page
    assert "many columns differ a little: squared distance 2.8, ordinarily 1.0" in page


def test_tables_of_a_page_end_after_ten_columns_ten_segments_and_forty_comparisons(tmp_path):
    columns = [column(f"c{number:02}", effect=0.9 - number / 100) for number in range(45)]
    page = page_of(tmp_path, verdict(columns=columns, monitors=[labeled(f"desk={n:02}") for n in range(12)]))
    changed, *accuracy, compared = [part.partition("</table>")[0] for part in page.split("<table")[1:]]
    assert [f"c{number:02}" in changed for number in (0, 9, 10)] == [True, True, False]
    assert [f"desk={number:02}" in accuracy[0] for number in (0, 9, 10)] == [True, True, False]
    assert [f"c{number:02}" in compared for number in (0, 39, 40)] == [True, True, False]


def test_page_says_since_when(tmp_path):
    """A window too small to judge does not end what goes on; a stable one does; a later one does not count."""
    store = make_store(tmp_path)
    for number, flagged, outcome in [
        (-5, True, "alarm"), (-4, False, "stable"), (-3, True, "drift"), (-2, False, "inconclusive"), (-1, False, "drift"),
        (-1, True, "alarm"), (1, True, "drift"),
    ]:  # fmt: skip
        record(store, verdict(outcome=outcome, number=number, flagged=flagged))
    assert "7 March 2026 00:00 UTC, 3 windows in a row" in page_of(tmp_path, verdict(), store)
    assert "10 March 2026 00:00 UTC, this window" in page_of(tmp_path, verdict(), make_store(tmp_path / ".."))


def test_page_tells_each_column_once_largest_first_and_where(tmp_path):
    found = [
        column("input_text:words", effect=0.9), column("input_text:words", "", effect=0.2, expected=0.1, found=-0.1),
        column("predicted", "", statistic="earn", effect=0.4), column("confidence", "desk=us", flagged=False),
    ]  # fmt: skip
    page = page_of(tmp_path, verdict(columns=found))
    table = page.partition("What changed")[2].partition("</table>")[0]
    assert table.index("predicted class") < table.index("text: length in words")
    assert "“earn” is 80.0% of rows, ordinarily 50.0%" in table
    assert "lower" in table
    assert "all rows, and 1 segment on its own" in table
    assert "confidence" not in table


@pytest.mark.parametrize(
    ("statistic", "change", "numeric", "said"),
    [
        ("location", (0.0, 0.4), True, "higher"),
        ("spread", (0.0, -0.4), True, "less spread out"),
        ("shape", (0.0, 0.4), True, "distributed otherwise"),
        ("location", (0.1, 0.4), False, "“location” is 40.0% of rows, ordinarily 10.0%"),
        ("unseen", (0.0, 0.4), False, "40.0% of rows have a value never seen before, ordinarily 0.0%"),
        ("spread", (None, 0.4), True, "spread differs"),
    ],
)
def test_difference_is_told_in_words(statistic, change, numeric, said):
    assert difference_in_words(statistic, *change, numeric=numeric) == said


def test_page_holds_labels_and_estimate_side_by_side_and_says_what_is_blind(tmp_path):
    monitors = [
        guessed("desk=us", flagged=True),
        guessed("desk=eu"),
        labeled("desk=eu"),
        labeled(flagged=True),
        guessed(),
    ]
    page = page_of(tmp_path, verdict(monitors=monitors))
    rows = page.partition("Is the model still as right?")[2].partition("</table>")[0].split("<tr>")[2:]
    assert [re.search(r'scope="row"[^>]*>([^<]*)', row)[1] for row in rows] == ["all rows", "desk=us", "desk=eu"]
    assert "75.0%\n(60.0% to 85.0%, 40 labels): has dropped" in rows[0]
    assert "no labels yet" in rows[1]
    assert "50.0%: has dropped" in rows[1]
    assert "83.0% ± 1.4%" in rows[2]
    assert "has dropped" not in rows[2]
    assert page.count(BLIND) == 1
    assert "Not calibrated" in page


def test_page_of_labels_that_tell_nothing_yet_says_so(tmp_path):
    nothing = labeled(estimate=UNKNOWN, reference=None)
    page = page_of(tmp_path, verdict(monitors=[nothing]))
    assert "no labels yet" in page
    assert "unknown" in page


def test_page_draws_the_charts_and_is_the_same_when_written_again(tmp_path):
    store = make_store(tmp_path)
    chart = Chart(name="a", title="Desk <b>", says="Shares.", height=99, columns=("Value",), rows=(("eu",),))
    found = verdict(picture=write_file(store, "drift/a.json", CHARTS.dump_json((chart,))))
    first = page_of(tmp_path, found, store)
    assert "Desk &lt;b&gt;, as a table" in first
    assert "<td>eu</td>" in first
    assert page_of(tmp_path, found, store) == first


def test_page_of_a_verdict_of_an_earlier_version_leaves_its_picture_out(tmp_path):
    store = make_store(tmp_path)
    assert "How it looks" not in page_of(tmp_path, verdict(picture=write_file(store, "drift/a.png", b"png")), store)


def test_page_of_a_window_that_was_too_small_has_no_table(tmp_path):
    few = verdict("none", "inconclusive", columns=[], columns_judged=0, segments=[], flagged=False)
    page = page_of(tmp_path, few)
    assert "too little to judge" in page
    assert "<table" not in page
    assert "Since" not in page
