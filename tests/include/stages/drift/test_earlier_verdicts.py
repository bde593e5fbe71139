"""What earlier verdicts mean: k of m confirms an alarm, and flagged days are no reference."""

from datetime import timedelta

import pytest

from include.foundation.config.data_sections import Drift
from include.stages.drift.detection import detect_drift
from include.stages.drift.earlier_verdicts import confirmation, newest_verdicts, reference_days
from tests.builders import day, make_store
from tests.include.stages.drift.drift_builders import DRIFT, fill

LONG = {"input_text": "word " * 60}


@pytest.mark.parametrize(
    ("flags", "since_last_alarm", "outcome"),
    [
        ([True, True, False], None, "stable"),
        ([False, False, True], None, "drift"),
        ([True, False, True], None, "alarm"),
        ([True, False, False, True], None, "drift"),
        ([True, True, True], timedelta(days=2), "drift"),
        ([True, True, True], timedelta(days=3), "alarm"),
    ],
)
def test_confirmation_is_k_of_m_with_a_cool_down(flags, since_last_alarm, outcome):
    assert confirmation(Drift(confirm="2 of 3", cooldown_days=3), flags, since_last_alarm)[0] == outcome


def test_rolling_reference_is_the_last_days_but_for_flagged_ones(tmp_path):
    store = make_store(tmp_path, drift={**DRIFT, "reference_days": 10})
    fill(store, 0, 12)
    fill(store, 12, 1, **LONG)
    fill(store, 13, 1)
    assert detect_drift(store, day(12)).flagged
    assert reference_days(store, day(13), newest_verdicts(store, day(13))) == [
        day(number).days[0] for number in range(2, 12)
    ]


def test_days_still_being_watched_are_not_reference_once_there_are_others(tmp_path):
    store = make_store(tmp_path, drift={**DRIFT, "reference_days": 10, "confirm": "2 of 3"})
    fill(store, 0, 13)
    assert reference_days(store, day(13), newest_verdicts(store, day(13))) == [
        day(number).days[0] for number in range(1, 11)
    ]
    assert reference_days(store, day(11), newest_verdicts(store, day(11))) == [
        day(number).days[0] for number in range(10)
    ]
    assert reference_days(store, day(8), newest_verdicts(store, day(8))) == [day(number).days[0] for number in range(8)]


def test_frozen_reference_stays_the_first_days(tmp_path):
    store = make_store(tmp_path, drift={**DRIFT, "reference": "frozen", "reference_days": 8})
    fill(store, 0, 9)
    fill(store, 9, 6, **LONG)
    assert reference_days(store, day(14), newest_verdicts(store, day(14))) == [
        day(number).days[0] for number in range(8)
    ]
    outcomes = [detect_drift(store, day(number)).outcome for number in (5, 8, 9, 14)]
    assert outcomes == ["inconclusive", "stable", "alarm", "alarm"]


def test_reference_of_dates_is_those_but_never_the_window_itself(tmp_path):
    days = [day(2).start.date(), day(10).start.date()]
    store = make_store(tmp_path, drift={**DRIFT, "reference": "dates", "reference_dates": days})
    fill(store, 0, 13)
    assert reference_days(store, day(12), newest_verdicts(store, day(12))) == [
        day(number).days[0] for number in range(2, 11)
    ]
    assert day(5).days[0] not in reference_days(store, day(5), newest_verdicts(store, day(5)))
    assert detect_drift(store, day(12)).outcome == "stable"
