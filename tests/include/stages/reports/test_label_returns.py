"""Labels cost minutes and money, by stratum and tier; what they brought has an interval, and so has what more would bring."""

from datetime import timedelta
from typing import Any

import pytest

from include.foundation.decisions import record
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.foundation.store.tables import LoopStore
from include.stages.reports.label_returns import label_returns
from include.stages.reports.loop_history import LoopHistory
from include.stages.reports.overview import page
from include.stages.reports.release_notes import notes
from tests.decision_builders import make_gate_verdict, make_plan, make_scores
from tests.include.stages.reports.conftest import Played
from tests.include.stages.reports.report_builders import DAY, TinyWorld, day_interval, make_report_loop

LIFT = Estimate(0.04, 0.01, 0.07, 200, 200.0)


@pytest.fixture
def priced(tmp_path) -> TinyWorld:
    loop = make_report_loop(
        labeling={"backend": "files", "uri": "labeling", "price_per_minute": 0.5},
        escalation={"tiers": [{"name": "experts", "overlap": 1, "price_per_minute": 2.0}]},
    )
    return TinyWorld(LoopStore(loop, str(tmp_path / "store")))


def play(world: TinyWorld, *days: int, outcome: str = "promote", difference: Estimate = LIFT) -> Any:
    """Let each day's two requests make a challenger on forty labels more, and return the last verdict."""
    gate = make_gate_verdict("first", "promote", champion_version=None, nth=None)
    record(world.store, gate)
    record(world.store, make_plan("first", "train", train=40, dataset="d"))
    world.deploy(gate, "1")
    for place, day in enumerate(days):
        names, key = (f"t{day}a", f"t{day}b"), f"k{day}"
        world.ask(
            names[0], batch_id=day_interval(day).key, stratum="random", split="holdout", inclusion_probability=0.5
        )
        world.ask(
            names[1], batch_id=day_interval(day).key, stratum="certainty", split="train", inclusion_probability=1.0
        )
        world.say("ada", "earn", *names, lead_time_seconds=120.0)
        newest = DAY + timedelta(days=day, hours=1)
        record(world.store, make_plan(key, "train", train=80 + 40 * place, newest_label=newest, dataset="d"))
        scores = make_scores(Estimate(0.8, 0.75, 0.85, 200, 200.0), difference=difference)
        gate = make_gate_verdict(key, outcome, champion_version="1", scores=scores)
        record(world.store, gate)
    return gate


def returns_of(world: TinyWorld, gate: Any):
    return label_returns(world.store, gate, LoopHistory(world.store))


def test_minutes_and_cost_are_by_stratum_and_tier_and_answers_without_a_time_take_as_long_as_others(priced):
    gate = play(priced, 0)
    priced.ask("e", batch_id=day_interval(0).key, stratum="certainty", split="train", tier=2)
    priced.say("dean", "earn", "e", lead_time_seconds=60.0)
    priced.say("ben", "earn", "t0b", lead_time_seconds=None)
    found = returns_of(priced, gate).spent
    assert [(part.stratum, part.tier, part.requests, part.answers, part.minutes, part.cost) for part in found] == [
        ("certainty", "first", 1, 2, 4.0, 2.0), ("certainty", "experts", 1, 1, 1.0, 2.0), ("random", "first", 1, 1, 2.0, 1.0),
    ]  # fmt: skip
    (each,) = returns_of(priced, gate).returned
    assert (each.labels, each.spent.minutes, each.spent.cost) == (40, 7.0, 5.0)


def test_lift_is_with_ninety_per_cent_and_by_hour_and_money_of_all_that_was_spent_since_the_champions_labels(priced):
    gate = play(priced, 0, 1, outcome="reject")
    first, second = returns_of(priced, gate).returned
    assert (first.labels, second.labels, first.spent.minutes, second.spent.minutes) == (40, 80, 4.0, 8.0)
    assert (first.lift.low, first.lift.high) == pytest.approx((0.04 - 0.03 * 1.645 / 1.96, 0.04 + 0.03 * 1.645 / 1.96))
    assert first.per_hour.value == pytest.approx(0.04 / (4 / 60))
    assert second.per_cost.low == pytest.approx(second.lift.low / 4.0)


def test_advice_says_what_more_labels_are_expected_to_bring_and_take_and_what_that_rests_on(priced):
    found = returns_of(priced, play(priced, 0))
    assert [option.expected.labels for option in found.options] == [20, 40, 80, 160]
    assert [option.minutes for option in found.options] == pytest.approx([2.0, 4.0, 8.0, 16.0])
    assert [option.cost for option in found.options] == pytest.approx([1.0, 2.0, 4.0, 8.0])
    assert found.advice.endswith("This rests on 1 challenger that met a champion, and on how learning curves go.")
    sure = Estimate(0.0, -0.001, 0.001, 5000, 5000.0)
    flat = returns_of(priced, play(priced, *range(1, 5), outcome="reject", difference=sure))
    assert flat.advice.startswith("It is not shown that more labels of this kind help")


def test_without_a_measured_lift_or_a_price_or_a_time_nothing_is_made_up(tmp_path):
    world = TinyWorld(LoopStore(make_report_loop(), str(tmp_path / "store")))
    found = returns_of(world, play(world, 0, difference=UNKNOWN))
    assert (found.returned, found.options) == ([], [])
    assert found.advice.startswith("What more labels would bring is unknown")
    assert {part.cost for part in found.spent} == {None}
    (each,) = returns_of(world, play(world, 1)).returned
    assert (each.per_cost, each.per_hour is None) == (None, False)


def test_first_model_has_no_batch_and_no_returns(played: Played):
    assert label_returns(played.store, played.first, LoopHistory(played.store)) is None


def test_notes_say_it(played: Played):
    facts = notes(played.store, played.promoted, LoopHistory(played.store))
    for template in ("release_notes.md", "release_notes.html"):
        text = page(template, facts)
        assert "What labels took and brought" in text
        assert "What more labels would bring is unknown" in text or "This rests on" in text
