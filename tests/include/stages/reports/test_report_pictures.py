import io

from matplotlib.image import imread

from include.foundation.decisions import DriftVerdict
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.stages.reports.cycle_pictures import draw_cycles, draw_drift
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
