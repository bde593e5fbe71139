"""Verdicts are walked back window by window, and no further back is read than is asked for."""

from itertools import islice

import pytest

from include.foundation.config.data_sections import WATCHED_DAYS
from include.foundation.decisions import DriftVerdict, chain, find, record
from include.foundation.decisions.chain import subjects
from include.foundation.decisions.verdict_history import AT_ONCE, verdicts_back
from include.stages.drift.earlier_verdicts import newest_verdicts
from tests.builders import day, make_store
from tests.decision_builders import Note, make_drift_verdict

WINDOWS = 3 * AT_ONCE


@pytest.fixture
def store(tmp_path):
    """A store with a verdict on each of some days, in no order, that of day 2 changed since."""
    store = make_store(tmp_path, drift={"reference_days": 7, "cooldown_days": 3, "confirm": "2 of 3"})
    for number in [*range(1, WINDOWS), 0]:
        record(store, make_drift_verdict(day(number).key))
    record(store, make_drift_verdict(day(2).key, "alarm"))
    record(store, Note(subject=day(90).key, outcome="yes", reasons=(), number=1))
    return store


@pytest.fixture
def parsed(monkeypatch):
    """Every decision that is read."""
    read, original = [], chain._decision
    monkeypatch.setattr(chain, "_decision", lambda kind, row: read.append(row["subject"]) or original(kind, row))
    return read


def test_windows_come_newest_first_each_with_its_newest_verdict(store):
    walked = list(verdicts_back(store))
    assert [window for window, _ in walked] == [day(number) for number in reversed(range(WINDOWS))]
    assert [window for window, verdict in walked if verdict.outcome == "alarm"] == [day(2)]


def test_windows_that_end_later_are_left_out(store):
    assert next(verdicts_back(store, day(5).start))[0] == day(4)
    assert list(verdicts_back(store, day(0).start)) == []


def test_no_more_is_read_than_is_taken(store, parsed):
    assert len(list(islice(verdicts_back(store), 3))) == 3
    assert len(parsed) == AT_ONCE


def test_verdicts_that_matter_for_a_window_are_its_own_and_those_of_its_look_back(store, parsed):
    last = WINDOWS - 1
    wanted = newest_verdicts(store, day(last))
    assert set(wanted) == {day(number).key for number in range(last - 7 - WATCHED_DAYS, last + 1)}
    assert len(parsed) <= 2 * AT_ONCE + 1


def test_windows_of_confirmation_count_however_long_ago_they_were(store):
    assert set(newest_verdicts(store, day(500))) == {day(number).key for number in range(WINDOWS - 3, WINDOWS)}


def test_subjects_are_those_of_the_kind_and_each_once(store):
    assert subjects(store, DriftVerdict) == sorted(day(number).key for number in range(WINDOWS))
    assert {verdict.subject for verdict in find(store, DriftVerdict, [day(2).key, day(3).key])} == {
        day(2).key,
        day(3).key,
    }
    assert find(store, DriftVerdict, []) == []
