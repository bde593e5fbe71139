import io

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread

from include.foundation.decisions import DriftVerdict
from include.foundation.pages import figures
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.stages.reports.cycle_pictures import draw_cycles, draw_drift
from include.stages.reports.loop_history import CycleSummary
from tests.decision_builders import make_column_finding, make_drift_verdict
from tests.drawn_figures import dots, drawn, names, notes
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


def test_draw_cycles_without_a_known_score_draws_nothing() -> None:
    assert draw_cycles([]) is None
    assert draw_cycles([summary(1, UNKNOWN)]) is None


def test_draw_cycles_twice_gives_the_same_bytes() -> None:
    found = [summary(number, KNOWN if number % 2 else UNKNOWN) for number in range(1, 30)]
    assert draw_cycles(found) == draw_cycles(found)


def test_draw_cycles_gives_a_picture() -> None:
    picture = draw_cycles([summary(1, KNOWN)])
    assert picture is not None
    assert imread(io.BytesIO(picture)).shape[1] > 1000


def test_draw_cycles_shows_each_known_score_by_cycle_and_by_what_it_had_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = [Estimate(value, value - 0.1, value + 0.05, 40, 40.0) for value in (0.5, 0.75, 0.8125)]
    known = [summary(number, score) for number, score in zip((1, 3, 4), scores, strict=True)]
    figure = drawn(monkeypatch, draw_cycles, [known[0], summary(2, UNKNOWN), *known[1:]])
    left, right = figure.axes
    assert dots(left) == [(1, 0.5), (3, 0.75), (4, 0.8125)]
    assert names(left) == ["cycle 1\n2026-11-02", "cycle 3\n2026-11-04", "cycle 4\n2026-11-05"]
    assert np.asarray(right.lines[0].get_xydata()).tolist() == [[0, 0.5], [6, 0.75], [9, 0.8125]]
    assert dots(right) == [(0, 0.5), (6, 0.75), (9, 0.8125)]
    told = [("0.50", 0.5), ("0.75", 0.75), ("0.81", 0.8125)]
    assert notes(left) == [(text, place[:2], (8, 0)) for (text, _), place in zip(told, dots(left), strict=True)]
    assert [note[0] for note in notes(right)] == [text for text, _ in told]
    assert left.margins() == right.margins() == (0.12, 0.05)
    assert (left.get_ylim(), figure.get_figheight()) == (right.get_ylim(), 3.4)


@pytest.mark.parametrize(("count", "told"), [(figures.MOST_TICKS, figures.MOST_TICKS), (figures.MOST_TICKS + 1, 0)])
def test_pictures_of_more_than_eight_places_leave_out_the_words(
    monkeypatch: pytest.MonkeyPatch, count: int, told: int
) -> None:
    cycles = [summary(number, KNOWN) for number in range(count)]
    assert len(notes(drawn(monkeypatch, draw_cycles, cycles).axes[0])) == told
    verdicts = [drift_of(number, effect=0.2) for number in range(count)]
    assert len(notes(drawn(monkeypatch, draw_drift, verdicts, 0.1).axes[0])) == told + 1  # and the floor


def test_draw_drift_shows_the_column_that_drifted_most_in_the_colour_of_its_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alarm = drift_of(1, effect=0.2)
    larger = make_column_finding("age", effect=0.4, flagged=False)
    several = alarm.model_copy(update={"columns": (larger, *alarm.columns)})
    figure = drawn(monkeypatch, draw_drift, [several, drift_of(2, effect=None), drift_of(3, effect=0.05)], 0.1)
    (axis,) = figure.axes
    assert dots(axis) == [(0, 0.2), (1, 0.05)]
    lines = [line for line in axis.lines if line.get_marker() != "o"]
    ends = [np.asarray(line.get_xydata()).tolist() for line in lines]
    assert ends == [[[0, 0], [0, 0.2]], [[1, 0], [1, 0.05]], [[0, 0.1], [1, 0.1]]]
    assert [to_hex(line.get_color()).upper() for line in lines[:2]] == [figures.FLAGGED, figures.CURRENT]
    assert notes(axis) == [
        ("alarm: predicted", (0, 0.2), (7, 0)), ("stable", (1, 0.05), (7, 0)), ("floor", (1, 0.1), (3, 0)),
    ]  # fmt: skip
    assert names(axis) == ["2026-11-02", "2026-11-04"]
    assert (axis.get_xlim(), axis.get_ylim()) == ((-0.4, 1.8), (0, 0.3))
    assert figure.get_figheight() == 2.6


def test_draw_drift_of_one_large_effect_has_room_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    (axis,) = drawn(monkeypatch, draw_drift, [drift_of(1, effect=0.9)], 0.1).axes
    assert axis.get_xlim() == (-0.4, 0.8)
    assert (axis.get_ylim()[0], axis.get_ylim()[1]) == (0, pytest.approx(0.945))


def test_draw_drift_without_a_judged_interval_draws_nothing() -> None:
    assert draw_drift([], 0.1) is None
    assert draw_drift([drift_of(1, effect=None)], 0.1) is None


def test_draw_drift_of_many_intervals_shows_the_last_sixty() -> None:
    verdicts = [drift_of(number, effect=0.2 if number % 7 == 0 else 0.05) for number in range(80)]
    assert draw_drift(verdicts, 0.1) == draw_drift(verdicts[-60:], 0.1)
    assert draw_drift(verdicts, 0.1) != draw_drift(verdicts[:60], 0.1)


def test_draw_drift_writes_the_name_of_a_column_as_it_is() -> None:
    picture = draw_drift([drift_of(1, effect=0.2, column="input_$x^{$")], 0.1)
    assert picture is not None
    assert picture != draw_drift([drift_of(1, effect=0.2)], 0.1)
