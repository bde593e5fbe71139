"""What is logged of a canary decides whether it goes on, is held, or is stopped."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import chisquare

from include.foundation.config.promotion_sections import Canary as Bounds
from include.foundation.decisions.guard_verdict import CanaryTraffic
from include.foundation.store.ledgers import deployments
from include.foundation.store.ledgers.deployments import Canary, Deployment, append_deployment, canary
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.deployment import canary_traffic as traffic_module
from include.stages.deployment.canary_traffic import canary_traffic, fails_more, is_mismatch, ratio_p_value
from include.stages.deployment.comparing_days import compare_days
from include.stages.deployment.watching import rollback, watch_deployment
from include.stages.deployment.watching_canary import canary_outcome
from tests.include.stages.deployment.comparison_builders import (
    answer_requests,
    compared,
    make_replaced_store,
    registry_of,
    serve,
)

NOW = datetime.now(UTC)
BOUNDS = Bounds(requests=10, step_hours=1)


def seen(**changes: Any) -> CanaryTraffic:
    whole: dict[str, Any] = {
        "requests": 100, "served": 900, "callers": 1000, "by_canary": 100, "by_both": 0, "failures": 0,
        "served_failures": 0, "p_value": 1.0,
    }  # fmt: skip
    return CanaryTraffic(**(whole | changes))


@pytest.mark.parametrize(
    ("traffic", "more", "outcome"),
    [
        pytest.param({}, {}, "advance", id="all is well"),
        pytest.param({}, {"over": False}, "inconclusive", id="the step is not over"),
        pytest.param({"requests": 9}, {}, "inconclusive", id="too few requests"),
        pytest.param({"requests": 0}, {}, "no_data", id="none"),
        pytest.param({"p_value": None, "requests": 0, "served": 0, "callers": 0}, {}, "no_data", id="nothing at all"),
        pytest.param({"p_value": 1e-4}, {}, "mismatch", id="sample ratio"),
        pytest.param({"p_value": 4e-3}, {}, "mismatch", id="sample ratio at the first look"),
        pytest.param({"p_value": 4e-3}, {"look": 2}, "advance", id="sample ratio at the second look"),
        pytest.param({"by_both": 50}, {}, "mismatch", id="served by both"),
        pytest.param({"by_both": 5}, {}, "advance", id="a few served by both"),
        pytest.param({"failures": 20}, {}, "broken", id="fails"),
        pytest.param({"failures": 20, "served_failures": 180}, {}, "advance", id="fails as often as what is live"),
        pytest.param({"failures": 20, "served": 0}, {}, "advance", id="nothing to compare its failures with"),
        pytest.param({}, {"is_worse": True}, "broken", id="worse by its labels"),
        pytest.param({"requests": 0}, {"is_worse": True, "over": False}, "broken", id="worse, whatever else"),
    ],
)
def test_outcome_of_a_step(traffic: dict[str, Any], more: dict[str, Any], outcome: str) -> None:
    told, why = canary_outcome(seen(**traffic), BOUNDS, **({"is_worse": False, "look": 1, "over": True} | more))
    assert told == outcome
    assert why.startswith("holds: ") == (outcome in {"no_data", "mismatch"} or "needed" in why)


@pytest.mark.parametrize(("callers", "by_canary", "share"), [(1000, 90, 0.1), (1000, 300, 0.25), (64, 20, 0.5)])
def test_sample_ratio_is_the_test_of_chi_square(callers: int, by_canary: int, share: float) -> None:
    expected = chisquare([by_canary, callers - by_canary], [callers * share, callers * (1 - share)]).pvalue
    assert ratio_p_value(callers, by_canary, share) == pytest.approx(expected)


def test_looks_at_the_sample_ratio_spend_no_more_than_their_budget() -> None:
    spent = 0.0
    for look in range(1, 500):
        low, high = 0.0, 1.0
        for _ in range(40):  # the largest p-value that is a mismatch at this look
            middle = (low + high) / 2
            low, high = (middle, high) if is_mismatch(seen(p_value=middle), look) else (low, middle)
        spent += low
    assert 0.0099 < spent <= 0.01
    assert is_mismatch(seen(p_value=0.0060), 1)
    assert not is_mismatch(seen(p_value=0.0062), 1)


@pytest.mark.parametrize(("allowed", "is_more"), [(0.0, True), (0.5, False)])
def test_failures_that_are_allowed_are_those_of_the_loop_file(allowed: float, is_more: bool) -> None:
    assert fails_more(seen(failures=20), Bounds(max_failures=allowed)) == is_more


def begin(store: LoopStore, monkeypatch: pytest.MonkeyPatch, ago: timedelta, share: float = 0.25) -> Canary:
    """Begin to serve version 2, of a store where version 1 is live, some time ago by the clock."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - ago

    with monkeypatch.context() as patch:
        patch.setattr(deployments, "datetime", Clock)
        first = deployments.history(store)[-1]
        step = Deployment("3", first.model_version, "canary", "better", "third", None, "digest-3", share=share)
        append_deployment(store, step)
    running = canary(store)
    assert running is not None
    return running


def log(
    store: LoopStore, version: str, count: int, ago: timedelta, source: str | None = None, begin_at: int = 0
) -> None:
    moment = NOW - ago
    rows = [
        {
            "trace_id": f"{version}-{begin_at + number}", "ts": moment, "day": f"{moment:%Y-%m-%d}", "model_version": version,
            "predicted": "a", "input_text": "x", "source_id": source and f"{source}{number}",
        }
        for number in range(count)
    ]  # fmt: skip
    store.append_new("predictions", rows_of(store.loop, "predictions", rows))


def test_callers_are_counted_once_and_requests_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_replaced_store(tmp_path)
    running = begin(store, monkeypatch, timedelta(hours=3))
    hour = timedelta(hours=1)
    log(store, "3", 10, hour)  # ten requests without a source
    log(store, "3", 4, hour, "s", 100)
    log(store, "3", 4, hour, "s", 200)  # the same four callers
    log(store, "2", 6, hour, "s", 300)  # two more, and the four again
    log(store, "2", 30, hour, " ", 400)
    log(store, "3", 5, timedelta(hours=4), begin_at=500)  # before the step
    log(store, "1", 5, hour, begin_at=600)  # of a version that is neither
    failed = {"stage": "logs", "source": "f", "reason_code": "failed_prediction", "reason": "", "ts": NOW - hour}
    lines = [
        failed | {"refusal_id": f"r{version}", "raw": "…", "model_version": version} for version in ("3", "2", None)
    ]
    store.append_new("quarantine", rows_of(store.loop, "quarantine", lines))
    told = canary_traffic(store, running)
    assert (told.requests, told.served) == (18, 36)
    assert (told.callers, told.by_canary, told.by_both) == (10 + 4 + 2 + 30, 10, 4)
    assert (told.failures, told.served_failures) == (1, 1)
    assert told.p_value is None or told.p_value == ratio_p_value(42, 10, 0.25)


def test_callers_of_the_newest_step_length_count_so_that_what_was_mended_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_replaced_store(tmp_path)
    running = begin(store, monkeypatch, timedelta(hours=100))
    log(store, "3", 50, timedelta(hours=80))
    log(store, "2", 8, timedelta(hours=1))
    told = canary_traffic(store, running)
    assert (told.requests, told.served, told.callers) == (50, 8, 8)


def test_rows_until_gateways_follow_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_replaced_store(tmp_path)
    running = begin(store, monkeypatch, timedelta(hours=2))
    monkeypatch.setattr(traffic_module, "SETTLE", timedelta(minutes=90))
    log(store, "3", 5, timedelta(hours=1))
    log(store, "3", 5, timedelta(minutes=10), begin_at=10)
    assert canary_traffic(store, running).requests == 5


@pytest.mark.parametrize(("hours", "outcome"), [(73, "advance"), (71, "inconclusive")])
def test_watched_canary_goes_on_when_its_step_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int, outcome: str
) -> None:
    store = make_replaced_store(tmp_path)
    begin(store, monkeypatch, timedelta(hours=hours), share=0.5)
    for version in ("2", "3"):
        log(store, version, 200, timedelta(hours=1))
    verdict = watch_deployment(store)
    assert (verdict.outcome, verdict.subject, verdict.predecessor, verdict.share) == (outcome, "3", "2", 0.5)
    assert "canary: version 3 serves 50% of the callers since" in verdict.reasons[0]
    assert "200 of 200 requests" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("bounds", "outcome"),
    [
        pytest.param({"requests": 200}, "advance", id="enough"),
        pytest.param({"requests": 201}, "inconclusive", id="one too few"),
        pytest.param({"step_hours": 80}, "inconclusive", id="longer step"),
        pytest.param({"step_hours": 60}, "advance", id="shorter step"),
    ],
)
def test_step_is_over_when_the_loop_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bounds: dict[str, Any], outcome: str
) -> None:
    own = make_replaced_store(tmp_path)
    deploy = own.loop.deploy.model_copy(update={"strategy": "canary", "canary": Bounds(**bounds)})
    store = LoopStore(own.loop.model_copy(update={"deploy": deploy}), str(tmp_path / "store"))
    begin(store, monkeypatch, timedelta(hours=73), share=0.5)
    for version in ("2", "3"):
        log(store, version, 200, timedelta(hours=1))
    assert watch_deployment(store).outcome == outcome


def test_without_a_row_it_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_replaced_store(tmp_path)
    begin(store, monkeypatch, timedelta(days=9))
    log(store, "2", 50, timedelta(hours=1))
    verdict = watch_deployment(store)
    assert (verdict.outcome, verdict.reasons[-1]) == (
        "no_data",
        "holds: no data: no request that it answered is logged since.",
    )


def test_canary_that_is_worse_on_the_same_rows_is_stopped(tmp_path: Path) -> None:
    """The guard's own paired test: the canary answers rows wrong that what is live gets right."""
    store = make_replaced_store(tmp_path, comparison_labels=240)
    replaced = deployments.history(store)
    assert replaced[-1].model_version == "2"
    step = replace(
        replaced[-1], model_version="3", previous_version="1", action="canary", evidence_digest="third", share=0.5
    )
    append_deployment(store, replace(replaced[0], evidence_digest="again"))  # version 1 is live again
    append_deployment(store, step)
    registry = registry_of(store)
    for day in range(8):
        serve(store, "aab*200", day=day, version="3")
        serve(store, "aaa*200", day=day, version="1", source_id="other")
        verdict = watch_deployment(store)
        if verdict.outcome == "broken":
            break
        compare_days(store, registry, verdict)
        answer_requests(store)
    assert verdict.outcome == "broken"
    assert {(day.champion, day.predecessor, day.deployment) for day in compared(store)} == {("3", "1", "third")}
    registry.aliased.return_value = "1"
    rollback(store, registry, verdict)
    assert canary(store) is None
    assert deployments.live(store).model_version == "1"
