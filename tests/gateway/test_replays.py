"""Past days are played through a gateway that was told to replay, and through no other."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.messages import Instance, Signal
from gateway.openapi_page import openapi
from gateway.refusals import Refusal
from gateway.replays import demand_own_times
from include.foundation.intervals import Interval
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.pulling import pull_logs
from tests.builders import KEY, make_tiny_loop
from tests.gateway.gateway_worlds import running

PAST = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = Interval.parse("2026-03-10", "2026-03-11")


def signal(**own):
    return Signal(trace_id="t", kind="explicit", signal="report", **own)


def problems_of(items, *, replay):
    try:
        demand_own_times(items, replay=replay)
    except Refusal as refusal:
        return [[str(refusal.status), *problem.split(": ")[:2]] for problem in refusal.problems]
    return []


def test_elsewhere_ids_and_times_of_clients_are_refused_all_at_once():
    rows = [Instance({}), Instance({}, trace_id="t"), Instance({}, ts=PAST, trace_id="u")]
    assert problems_of(rows, replay=False) == [["422", "1", "trace_id"], ["422", "2", "trace_id"], ["422", "2", "ts"]]
    assert problems_of([signal(), signal(ts=PAST)], replay=False) == [["422", "1", "ts"]]
    assert problems_of([signal(), signal(ts=PAST)], replay=True) == []
    assert problems_of(rows, replay=True) == []


def test_time_to_come_is_refused_in_a_replay_as_well():
    late = datetime.now(UTC) + timedelta(hours=1)
    assert problems_of([Instance({}, ts=late), Instance({}, ts=PAST)], replay=True) == [["422", "0", "ts"]]


@pytest.mark.parametrize("replay", [False, True])
def test_description_says_what_this_gateway_takes(replay):
    schemas = openapi([make_tiny_loop(["a", "b"])], replay=replay)["components"]["schemas"]
    requests = [name for name in schemas if name.startswith(("PredictOne", "Instance"))]
    assert len(requests) >= 3
    for name in requests:
        assert ({"ts", "trace_id"} <= schemas[name]["properties"].keys()) is replay
    assert ("ts" in schemas["SignalOne"]["properties"]) is replay
    assert "trace_id" in schemas["SignalOne"]["properties"]


@pytest.mark.integration
def test_rows_and_signals_that_are_replayed_are_of_their_day(world, monkeypatch):
    row = {"input": {"text": "oil"}, "trace_id": "of-march", "ts": PAST.isoformat()}
    said = {"trace_id": "of-march", "kind": "explicit", "signal": "rating", "value": 5, "ts": PAST.isoformat()}
    monkeypatch.setenv("GATEWAY_REPLAY", "true")
    with running(world) as gateway:
        answer = gateway.client.post("/v1/predict", json={"instances": [row, {"input": {"text": "wheat"}}]})
        assert gateway.client.post("/v1/feedback", json=said).status_code == 200
        assert gateway.client.post("/v1/predict", json=row | {"ts": "2026-03-10T12:00:00"}).status_code == 422
    monkeypatch.delenv("GATEWAY_REPLAY")
    with running(world) as gateway:
        assert gateway.client.post("/v1/predict", json=row).status_code == 422
    assert answer.json()["predictions"][0]["trace_id"] == "of-march"
    pull_logs(world.store, DAY, KEY)
    pull_feedback(world.store, DAY, KEY)
    of_march, today = sorted(world.store.read("predictions").to_pylist(), key=lambda stored: stored["ts"])
    assert (of_march["trace_id"], of_march["ts"]) == ("of-march", PAST)
    assert datetime.now(UTC) - today["ts"] < timedelta(hours=1)
    (stored,) = world.store.read("feedback").to_pylist()
    assert stored["ts"] == PAST
