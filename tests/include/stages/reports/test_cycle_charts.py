from dataclasses import replace

import pytest

from include.foundation.decisions import DriftVerdict
from include.foundation.pages.charts import MOST_NAMES
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.foundation.store.ledgers.deployments import Deployment, Promise
from include.stages.reports.cycle_charts import accuracy_by_labels_chart, accuracy_chart, drift_chart, labels_chart
from include.stages.reports.loop_history import CycleSummary
from tests.decision_builders import make_column_finding, make_drift_verdict
from tests.include.stages.reports.report_builders import day_interval


def summary(number: int, score: Estimate) -> CycleSummary:
    return CycleSummary(
        number=number, interval=day_interval(number).key, pulled=9, quarantined=0, drift="stable (none)", asked=3, received=3,
        accepted=3, challenger=None, verdict=None, why="", champion=None, live_score=score, labels_spent=3 * number,
    )  # fmt: skip


def drift_of(number: int, *, effect: float | None, column: str = "predicted") -> DriftVerdict:
    columns = [] if effect is None else [make_column_finding(column, effect=effect, flagged=effect > 0.1)]
    outcome = "inconclusive" if effect is None else "alarm" if effect > 0.1 else "stable"
    return make_drift_verdict(day_interval(number).key, outcome, columns=columns)


KNOWN = Estimate(0.8, 0.7, 0.9, 40, 40.0)


def deployment(version: str, day: int, promised: float | None = None, action: str = "deploy") -> Deployment:
    promise = Promise.of(promised, promised, promised)
    return Deployment(version, None, action, "", "", promise, live_from=day_interval(day).start)


def test_without_a_known_score_there_is_no_chart_of_accuracy() -> None:
    assert accuracy_chart([]) is None
    assert accuracy_chart([summary(1, UNKNOWN)]) is None
    assert accuracy_by_labels_chart([summary(1, KNOWN)]) is None


def test_each_known_score_is_shown_by_cycle_and_by_what_it_had_cost() -> None:
    scores = [Estimate(value, value - 0.1, value + 0.05, 40, 40.0) for value in (0.5, 0.75, 0.8125)]
    known = [summary(number, score) for number, score in zip((1, 3, 4), scores, strict=True)]
    chart = accuracy_chart([known[0], summary(2, UNKNOWN), *known[1:]])
    assert chart is not None
    steps = [later.x - one.x for one, later in zip(chart.dots, chart.dots[1:], strict=False)]
    assert steps[0] == pytest.approx(2 * steps[1], abs=0.2)
    assert [name.text for name in chart.across] == [
        "1 · 2026-11-02", "2 · 2026-11-03", "3 · 2026-11-04", "4 · 2026-11-05",
    ]  # fmt: skip
    assert "cycle 3, 2026-11-04: 0.750 (0.650 to 0.800)" in [dot.words for dot in chart.dots]
    assert chart.says == "3 of 4 cycles are known; the newest is 0.812 (0.713 to 0.863)."
    by_labels = accuracy_by_labels_chart(known)
    assert by_labels is not None
    assert [dot.words.partition(":")[0] for dot in by_labels.dots] == [
        "after 0 labels",
        "after 6 labels",
        "after 9 labels",
    ]
    assert by_labels.dots[1].x - by_labels.dots[0].x == pytest.approx(
        2 * (by_labels.dots[2].x - by_labels.dots[1].x), abs=0.2
    )


def test_what_was_promised_and_each_change_stand_where_they_began() -> None:
    changes = [deployment("1", 1, 0.7), deployment("2", 3, 0.8), deployment("1", 4, None, "rollback")]
    chart = accuracy_chart([summary(number, KNOWN) for number in range(1, 6)], changes)
    assert chart is not None
    assert [mark.text for mark in chart.marked] == ["v1", "v2", "back to v1"]
    middle = (chart.dots[1].x + chart.dots[2].x) / 2
    assert chart.marked[1].at == pytest.approx(middle, abs=0.2)
    ends = [[float(point.split(",")[0]) for point in path.points.split()] for path in chart.paths]
    assert [[start, end] for start, end in ends] == [
        [mark.at, later.at] for mark, later in zip(chart.marked[:2], chart.marked[1:], strict=True)
    ]


def test_changes_of_before_the_shown_cycles_are_left_out_but_the_last() -> None:
    cycles = [summary(number, KNOWN) for number in range(8, 10)]
    chart = accuracy_chart(cycles, [deployment("1", 1, 0.7), deployment("2", 3, 0.8)])
    assert chart is not None
    assert [mark.text for mark in chart.marked] == ["v2"]
    assert len(chart.paths) == 1


def test_names_of_many_cycles_have_room_beside_each_other() -> None:
    chart = accuracy_chart([summary(number, KNOWN) for number in range(300, 360)])
    assert chart is not None
    letter = 7
    assert all(
        later.at - one.at > letter * len(one.text) for one, later in zip(chart.across, chart.across[1:], strict=False)
    )


def test_labels_are_stacked_by_stratum_and_told_by_tier() -> None:
    asked = (("certainty", 1, 4), ("random", 1, 2), ("random", 2, 2))
    asking = replace(summary(1, KNOWN), asked=8, asked_as=asked)
    chart = labels_chart([asking, replace(summary(2, KNOWN), asked=0)])
    assert chart is not None
    lower, upper = chart.bars
    assert lower.height == pytest.approx(upper.height, abs=0.2)
    assert upper.y + upper.height == pytest.approx(lower.y, abs=0.2)
    assert lower.y + lower.height == pytest.approx(chart.floor, abs=0.2)
    assert [name for _, name in chart.key] == ["certainty", "random"]
    assert chart.rows[-1] == ("1", "2026-11-02", "random", "2", "2")
    assert labels_chart([summary(1, KNOWN)]) is None


def test_drift_shows_the_column_that_drifted_most_in_the_tone_of_its_verdict() -> None:
    alarm = drift_of(1, effect=0.2)
    larger = make_column_finding("age", effect=0.4, flagged=False)
    several = alarm.model_copy(update={"columns": (larger, *alarm.columns)})
    chart = drift_chart([several, drift_of(2, effect=None), drift_of(3, effect=0.05)], 0.1)
    assert chart is not None
    assert [dot.tone for dot in chart.dots] == ["flagged", "current"]
    assert {dot.low for dot in chart.dots} == {chart.floor}
    assert (chart.floor - chart.dots[0].y) / (chart.floor - chart.dots[1].y) == pytest.approx(4, abs=0.05)
    assert chart.dots[0].words == "2026-11-02: alarm, predicted"
    assert [name for _, name in chart.key] == ["alarm", "stable", "below 0.1: does not matter"]
    assert chart.rows == (
        ("2026-11-04", "stable", "none", "predicted", "0.050"), ("2026-11-02", "alarm", "none", "predicted", "0.200"),
    )  # fmt: skip


def test_drift_without_a_judged_interval_has_no_chart() -> None:
    assert drift_chart([], 0.1) is None
    assert drift_chart([drift_of(1, effect=None)], 0.1) is None


def test_drift_of_many_intervals_shows_the_last_sixty() -> None:
    verdicts = [drift_of(number, effect=0.2 if number % 7 == 0 else 0.05) for number in range(80)]
    assert drift_chart(verdicts, 0.1) == drift_chart(verdicts[-60:], 0.1)
    chart = drift_chart(verdicts, 0.1)
    assert chart is not None
    assert (len(chart.dots), len(chart.across)) == (60, MOST_NAMES)
