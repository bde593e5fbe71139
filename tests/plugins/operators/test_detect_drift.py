"""A verdict wakes who is to act on it, and is told to people once."""

from datetime import timedelta
from unittest.mock import Mock

import pytest
from airflow.sdk.exceptions import AirflowNotFoundException
from feedback_loop.assets import loop_assets
from feedback_loop.hooks.model_registry_hook import ModelRegistryHook
from feedback_loop.operators.detect_drift import DetectDriftOperator

from include.foundation.decisions import AcceptedNormal, find
from include.foundation.intervals import Interval
from tests.builders import day
from tests.plugins.operators.operator_builders import context, drift_verdict, outlet_event, with_store


@pytest.mark.parametrize(
    ("outcome", "route", "events"),
    [("alarm", "retrain", 1), ("drift", "retrain", 0), *(("alarm", route, 0) for route in ("fix_data", "watch"))],
)
def test_detect_drift_wakes_retrain_on_an_alarm_that_asks_for_it_and_on_nothing_else(
    store, monkeypatch, outcome, route, events
):
    verdict = drift_verdict(outcome, route)
    monkeypatch.setattr("include.stages.drift.detection.detect_drift", lambda *_: verdict)
    assets, event = loop_assets("wire"), outlet_event()
    inputs = context() | {"outlet_events": {assets.drift_alarm: event}}
    operator = with_store(DetectDriftOperator(task_id="t", loop="wire", interval=day().key), store)
    for _ in range(2):  # a retry tells it again: the attempt before may have been killed
        assert operator.execute(inputs) == verdict.reference
    assert event.add.call_args_list == [((assets.drift,),)] * 2 * events


def test_detect_drift_of_an_hour_judges_the_last_whole_day_and_wakes_nobody_again(store, monkeypatch):
    verdict = drift_verdict("alarm")
    windows = []
    monkeypatch.setattr(
        "include.stages.drift.detection.detect_drift", lambda _, window, __: windows.append(window) or verdict
    )
    events = []
    for hours in (1, 24, 25, 30):
        event = outlet_event()
        start = day().start + timedelta(hours=hours - 1)
        operator = DetectDriftOperator(
            task_id="t", loop="wire", interval=Interval(start, start + timedelta(hours=1)).key
        )
        with_store(operator, store).execute(context() | {"outlet_events": {loop_assets("wire").drift_alarm: event}})
        events.append(event.add.call_count)
    assert windows == [day(-1), day(), day(), day()]
    assert events == [0, 1, 0, 0]


def test_first_day_of_a_new_normal_is_accepted_before_the_window_is_judged(store, monkeypatch):
    accepted = []
    monkeypatch.setattr(
        "include.stages.drift.detection.detect_drift",
        lambda store, *_: accepted.append(find(store, AcceptedNormal)) or drift_verdict("stable", "none"),
    )
    operator = with_store(DetectDriftOperator(task_id="t", loop="wire", interval=day().key), store)
    operator.execute(context(ordinary_from="2026-03-01"))
    operator.execute(context())
    assert [[(each.subject, each.until) for each in found] for found in accepted] == [[("2026-03-01", day().end)]] * 2


def test_model_of_a_version_comes_from_the_registry_and_there_may_be_none(store, monkeypatch):
    registry = Mock()
    registry.run_of.side_effect = lambda version: "run" if version == "2" else None
    monkeypatch.setattr(ModelRegistryHook, "get_conn", lambda _: registry)
    loaded = []
    monkeypatch.setattr(
        "include.stages.drift.detection.detect_drift",
        lambda _, __, load: loaded.extend([load("2"), load("9")]) or drift_verdict("stable", "none"),
    )
    operator = with_store(DetectDriftOperator(task_id="t", loop="wire", interval=day().key), store)
    operator.execute(context())
    assert loaded == [registry.load.return_value, None]
    registry.load.assert_called_once_with(run_id="run", version="2", files_digest=None)

    def without(_):
        raise AirflowNotFoundException("mlflow")

    monkeypatch.setattr(ModelRegistryHook, "get_conn", without)
    operator.execute(context())
    assert loaded[2:] == [None, None]


class TestAlarmIsTold:
    @pytest.fixture
    def detect(self, store, monkeypatch):
        def run(outcome, interval=None, route="watch"):
            verdict = drift_verdict(outcome, route)
            monkeypatch.setattr("include.stages.drift.detection.detect_drift", lambda *_: verdict)
            operator = DetectDriftOperator(task_id="t", loop="wire", interval=(interval or day()).key)
            inputs = context() | {"outlet_events": {loop_assets("wire").drift_alarm: outlet_event()}}
            return with_store(operator, store).execute(inputs)

        return run

    def test_new_alarm_is_told_once_though_the_task_is_run_again(self, store, detect, told):
        told(store.loop)
        for _ in range(2):
            detect("alarm")
        assert [(line["event"], line["loop"]) for line in told()] == [("drift_alarm", "wire")]
        assert "watch" in told()[0]["message"]
        assert day().key in told()[0]["message"]

    def test_alarm_that_is_judged_again_in_a_later_hour_is_not_told(self, store, detect, told):
        told(store.loop)
        later = Interval(day().end + timedelta(hours=3), day().end + timedelta(hours=4))
        detect("alarm", later)
        assert told() == []

    def test_drift_that_is_not_confirmed_is_not_told(self, store, detect, told):
        told(store.loop)
        detect("drift")
        assert told() == []
