"""What earlier verdicts mean: k of m confirms an alarm, and flagged days are no reference."""

from dataclasses import replace
from datetime import timedelta

import pytest

from include.foundation.config.data_sections import Drift
from include.foundation.decisions import AcceptedNormal, DriftVerdict, find
from include.foundation.decisions.drift_verdict import ColumnFinding
from include.foundation.intervals import Interval
from include.foundation.store.ledgers.deployments import Deployment
from include.stages.drift.acceptance import Acceptance, accept_normal, acceptance
from include.stages.drift.detection import detect_drift
from include.stages.drift.earlier_verdicts import confirmation, kept_out, newest_verdicts, reference_days
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


def days(first, last):
    return [day(number).days[0] for number in range(first, last)]


def reference_of(store, number):
    return reference_days(store, day(number), newest_verdicts(store, day(number)))


def test_days_that_may_still_be_found_to_have_shifted_are_not_reference_once_there_are_others(tmp_path):
    """Of three windows that confirm each other, the two before; and six days once the reference has all of its ten days."""
    store = make_store(tmp_path, drift={**DRIFT, "reference_days": 10, "confirm": "2 of 3"})
    fill(store, 0, 18)
    references = {number: reference_of(store, number) for number in (7, 8, 9, 11, 14, 16, 18)}
    assert references == {
        7: days(0, 7), 8: days(0, 7), 9: days(0, 7), 11: days(0, 9), 14: days(0, 10), 16: days(0, 10), 18: days(2, 12),
    }  # fmt: skip


def test_flagged_days_of_a_confirmed_change_are_kept_out_until_a_person_accepts_them(tmp_path):
    store = make_store(tmp_path, drift={**DRIFT, "reference_days": 7})
    fill(store, 0, 20)
    fill(store, 20, 28, **LONG)
    assert {detect_drift(store, day(number)).outcome for number in range(20, 45)} == {"alarm"}
    assert reference_of(store, 45) == days(13, 20)
    accept_normal(store, day(20).start.date(), day(45))
    accept_normal(store, day(20).start.date(), day(45))
    assert len(find(store, AcceptedNormal)) == 1
    assert reference_of(store, 45) == days(32, 39)
    assert reference_of(store, 44) == days(13, 20)
    assert detect_drift(store, day(45)).outcome == "stable"


def test_person_says_from_when_on_days_are_ordinary_and_a_later_change_is_kept_out_again(tmp_path):
    store = make_store(tmp_path, drift={**DRIFT, "reference_days": 7})
    fill(store, 0, 10)
    fill(store, 10, 8, **LONG)
    accept_normal(store, day(10).start.date(), day(17))
    assert reference_of(store, 17) == days(10, 17)
    fill(store, 18, 4, input_text="word " * 200)
    assert {detect_drift(store, day(number)).outcome for number in range(18, 22)} == {"alarm"}
    assert reference_of(store, 22) == days(10, 17)


def deployed(version, at):
    return Deployment(version, None, "deploy", "…", f"e{version}", None, live_from=at)


@pytest.mark.parametrize(("route", "is_accepted"), [("retrain", True), ("watch", True), ("fix_data", False)])
def test_new_model_accepts_what_changed_before_it_unless_the_data_were_at_fault(route, is_accepted):
    accepted = Acceptance(by_model=day(5).start)
    verdict = drift_verdict(3, "alarm", route)
    assert kept_out(Drift(), [(day(3), verdict)], accepted) == (set() if is_accepted else set(days(3, 4)))
    assert kept_out(Drift(), [(day(6), verdict)], accepted) == set(days(6, 7))


def test_acceptance_is_what_was_accepted_and_deployed_by_the_end_of_the_window(tmp_path, monkeypatch):
    store = make_store(tmp_path)
    entries = [
        deployed("1", day(2).start),
        replace(deployed("2", day(4).start), action="rollback"),
        deployed("3", day(9).start),
    ]
    monkeypatch.setattr("include.stages.drift.acceptance.history", lambda _: entries)
    accept_normal(store, day(1).start.date(), day(3))
    accept_normal(store, day(6).start.date(), day(8))
    assert acceptance(store, day(2)) == Acceptance(by_model=day(2).start)
    assert acceptance(store, day(7)) == Acceptance(days(1, 2)[0], day(3).end, day(2).start)
    assert acceptance(store, day(9)) == Acceptance(days(6, 7)[0], day(8).end, day(9).start)


def drift_verdict(number, outcome, route="watch", p_value=0.001):
    found = ColumnFinding(
        monitor="data", column="x", segment="", statistic="location", effect=0.3, p_value=p_value, flagged=True, expected=0.0,
        found=0.3, rows=100,
    )  # fmt: skip
    flagged = outcome != "stable"
    return DriftVerdict(
        subject=day(number).key, outcome=outcome, reasons=("…",), route=route, flagged=flagged, rows=100, reference_days=28,
        columns=(found,) if flagged else (),
    )  # fmt: skip


def test_flagged_day_that_nothing_confirms_is_ordinary_again_but_for_faults_and_what_no_tail_explains():
    def kept(**changes):
        earlier = [
            (day(n), drift_verdict(n, "stable") if n != 3 else drift_verdict(3, "drift", **changes)) for n in range(9)
        ]
        return kept_out(Drift(), earlier, Acceptance())

    assert kept() == set()
    assert kept(route="fix_data") == set(days(3, 4))
    assert kept(p_value=1e-41) == set(days(3, 4))
    assert kept(p_value=1e-12) == set()  # one day in a hundred is as far where tails are heavy
    assert kept_out(
        Drift(), [(day(3), drift_verdict(3, "drift")), (day(4), drift_verdict(4, "stable"))], Acceptance()
    ) == set(days(3, 4))


def test_confirmed_change_keeps_out_the_flagged_windows_that_confirm_it_and_those_of_its_cool_down():
    cooling = drift_verdict(7, "drift").model_copy(update={"confirmed": True})
    outcomes = {3: "drift", 4: "stable", 5: "alarm", 6: "stable"}
    earlier = [(day(n), drift_verdict(n, outcome)) for n, outcome in outcomes.items()]
    earlier += [(day(7), cooling), *((day(n), drift_verdict(n, "stable")) for n in range(8, 12))]
    assert kept_out(Drift(), earlier, Acceptance()) == set(days(3, 4) + days(5, 6) + days(7, 8))


@pytest.mark.parametrize(
    ("lasting", "confirm", "outcome"),
    [(True, "2 of 3", "alarm"), (False, "2 of 3", "drift"), (False, "1 of 2", "alarm")],
)
def test_windows_that_confirm_each_other_must_differ_together(lasting, confirm, outcome):
    assert confirmation(Drift(confirm=confirm), [True, True], None, lasting=lasting)[0] == outcome


def test_days_of_a_kind_are_held_against_their_own_kind(tmp_path):
    """Day 0 is the tenth of March; the fifteenth of each month is a pay-day."""
    drift = {**DRIFT, "reference_days": 10, "days_of_month": [15], "confirm": "2 of 3"}
    store = make_store(tmp_path, drift=drift)
    fill(store, 0, 130)
    pay_days = [name for name in days(0, 130) if name.endswith("-15")]
    assert reference_of(store, 97) == pay_days[:3]
    assert day(97).days == pay_days[3:4]
    assert reference_of(store, 99) == [name for name in days(0, 93) if name not in pay_days][-10:]
    whole = Interval(day(92).start, day(98).end)
    assert not set(reference_of_interval(store, whole)) & set(pay_days)


def reference_of_interval(store, interval):
    return reference_days(store, interval, newest_verdicts(store, interval))


def test_frozen_reference_stays_the_first_days(tmp_path):
    store = make_store(tmp_path, drift={**DRIFT, "reference": "frozen", "reference_days": 8})
    fill(store, 0, 9)
    fill(store, 9, 12, **LONG)
    assert reference_days(store, day(20), newest_verdicts(store, day(20))) == [
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
