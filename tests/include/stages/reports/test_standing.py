from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.foundation.decisions import Approval, record
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.stages.reports.loop_facts import Work, loop_facts
from include.stages.reports.loop_needs import StageRuns
from include.stages.reports.standing import Standing, standing
from tests.decision_builders import make_guard_verdict
from tests.include.stages.reports.conftest import Played
from tests.include.stages.reports.report_builders import BETTER, DAY, TinyWorld, day_interval, make_world

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SCORE = Estimate(0.8, 0.7, 0.9, 100, 90.0)


def stands(world: TinyWorld | Played, now: datetime = NOW) -> Standing:
    return standing(world.store.loop, loop_facts(world.store, now), now)


def needs_of(world: TinyWorld, now: datetime = NOW) -> list[tuple[str, bool]]:
    return [(need.who, need.is_urgent) for need in stands(world, now).needs]


def queue_of(world: TinyWorld, now: datetime) -> tuple[int, int]:
    stand = stands(world, now)
    return stand.open, stand.late


@pytest.fixture
def live(world: TinyWorld) -> TinyWorld:
    world.learn_seeds()
    world.deploy(world.judge(None), "1")
    return world


def test_an_empty_loop_asks_its_owner_for_a_first_model_and_knows_nothing(world: TinyWorld) -> None:
    now, facts = stands(world), loop_facts(world.store, NOW)
    assert (facts.live, now.accuracy, facts.judged_at, facts.drift) == (None, UNKNOWN, None, None)
    assert (now.open, now.late, facts.month) == (0, 0, Work(0, None, None))
    assert [need.who for need in now.needs] == ["the loop's owner"]
    assert now.state == "waits"


def test_a_loop_that_needs_nobody_is_well(live: TinyWorld) -> None:
    record(live.store, make_guard_verdict("1", "kept", score=SCORE))
    now = stands(live)
    assert (now.state, now.needs) == ("well", ())
    assert now.accuracy == SCORE
    assert now.facts.judged_at is not None
    assert abs(datetime.now(UTC) - now.facts.judged_at) < timedelta(hours=1)


def test_accuracy_of_an_earlier_version_is_not_that_of_the_live_one(live: TinyWorld) -> None:
    record(live.store, make_guard_verdict("0", "kept", score=SCORE))
    assert stands(live).accuracy == UNKNOWN


def test_a_promotion_waits_for_an_approver_until_somebody_answered(live: TinyWorld) -> None:
    live.serve(0, BETTER, drawn=15)
    gate = live.judge("1")
    assert needs_of(live) == [("an approver", True)]
    record(live.store, Approval(subject=gate.subject, outcome="rejected", reasons=("No.",), gate="other", by="x"))
    assert needs_of(live) == [("an approver", True)]
    record(
        live.store,
        Approval(subject=gate.subject, outcome="rejected", reasons=("No.",), gate=gate.evidence_digest, by="x"),
    )
    assert needs_of(live) == []


def test_a_promotion_that_is_live_waits_for_nobody(played: Played) -> None:
    assert stands(played).needs == ()


def test_requests_are_open_then_late_and_after_a_month_of_the_past(live: TinyWorld) -> None:
    live.ask("x1", "x2", batch_id="b", asked_at=NOW, pushed_at=NOW)
    live.ask("x3", batch_id="b", asked_at=NOW)
    live.serve(0, BETTER, drawn=15)
    assert queue_of(live, NOW) == (3, 0)
    patience = live.store.loop.patience(1)
    assert queue_of(live, NOW + patience) == (1, 2)
    assert ("annotators", True) in needs_of(live, NOW + patience)
    assert queue_of(live, NOW + timedelta(days=40)) == (0, 0)


def test_what_a_lead_holds_is_the_leads_and_not_the_annotators(live: TinyWorld) -> None:
    lead = len(live.store.loop.tiers)
    live.ask("x1", batch_id="b", asked_at=NOW, pushed_at=NOW, tier=lead)
    assert queue_of(live, NOW + live.store.loop.patience(lead)) == (0, 0)
    stand = stands(live)
    assert stand.facts.held is not None
    assert ("whoever decides what is contested", f"Decide 1 request {stand.facts.held.where}.") in [
        (need.who, need.what) for need in stand.needs
    ]


@pytest.mark.parametrize(
    ("outcome", "more", "who", "is_urgent"),
    [
        ("harder", {}, "the loop's owner", False),
        ("below_promise", {}, "the loop's owner", False),
        ("broken", {}, "the loop's owner", True),
        ("no_data", {}, "whoever serves the model", False),
        ("no_data", {"watch_ended": True}, "whoever serves the model", True),
    ],
)
def test_what_the_guard_says_is_somebodys(
    live: TinyWorld, outcome: str, more: dict[str, Any], who: str, is_urgent: bool
) -> None:
    record(live.store, make_guard_verdict("1", outcome, **more))
    assert needs_of(live) == [(who, is_urgent)]


def test_a_drift_alarm_is_told_to_the_owner(live: TinyWorld) -> None:
    live.drift(day_interval(0), "stable")
    assert needs_of(live) == []
    live.drift(day_interval(1), "alarm")
    assert needs_of(live) == [("the loop's owner", False)]


def test_work_of_the_month_leaves_out_that_of_the_month_before(tmp_path: Path) -> None:
    world = make_world(tmp_path, labeling={"price_per_minute": 0.5})
    world.ask("x1", "x2", batch_id="b")
    world.say("ada", "earn", "x1")
    december = DAY + timedelta(days=31)
    assert loop_facts(world.store, december).month == Work(1, None, None)
    world.say("ben", "earn", "x1", "x2", lead_time_seconds=30.0)
    assert loop_facts(world.store, december).month == Work(3, 1.0, 0.5)
    assert loop_facts(world.store, DAY + timedelta(days=65)).month == Work(0, None, None)


def test_work_without_a_price_costs_what_nobody_knows(world: TinyWorld) -> None:
    world.ask("x1", batch_id="b")
    world.say("ada", "earn", "x1", lead_time_seconds=60.0)
    assert loop_facts(world.store, DAY + timedelta(days=31)).month == Work(1, 1.0, None)


@pytest.mark.parametrize(
    ("runs", "needs"),
    [
        (StageRuns("observe", "wire.observe", "success"), []),
        (StageRuns("observe", "wire.observe"), []),
        (StageRuns("observe", "wire.observe", "failed"), [("whoever runs Airflow", True)]),
        (StageRuns("observe", "wire.observe", "failed", is_paused=True), [("whoever runs Airflow", False)]),
    ],
)
def test_runs_that_failed_need_somebody(live: TinyWorld, runs: StageRuns, needs: list[tuple[str, bool]]) -> None:
    stand = standing(live.store.loop, loop_facts(live.store, NOW), NOW, [runs])
    assert [(need.who, need.is_urgent) for need in stand.needs] == needs
    assert stand.stages == (runs,)


def test_dags_that_are_paused_are_one_need(live: TinyWorld) -> None:
    runs = [StageRuns(stage, f"wire.{stage}", is_paused=True) for stage in ("observe", "label")]
    (need,) = standing(live.store.loop, loop_facts(live.store, NOW), NOW, runs).needs
    assert need.what == "Unpause wire.observe, wire.label: until then the loop does not go on."


def test_what_is_urgent_comes_first(live: TinyWorld) -> None:
    live.ask("x1", batch_id="b", asked_at=NOW)
    stand = standing(live.store.loop, loop_facts(live.store, NOW), NOW, [StageRuns("label", "wire.label", "failed")])
    assert [need.is_urgent for need in stand.needs] == [True, False]
    assert stand.state == "act"
