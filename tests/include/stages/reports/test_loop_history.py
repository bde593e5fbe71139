from datetime import timedelta

import pytest

from include.foundation.decisions import record
from include.foundation.intervals import Interval
from include.foundation.statistics.estimates import UNKNOWN
from include.stages.reports.loop_history import LoopHistory, cycles, days_of
from include.stages.reports.overview import overview, overview_facts, page
from include.stages.reports.release_notes import notes
from tests.decision_builders import make_gate_verdict, make_plan
from tests.include.stages.evaluation.judged_builders import make_judged_store
from tests.include.stages.reports.conftest import Played
from tests.include.stages.reports.report_builders import BETTER, DAY, UNCLEAR, TinyWorld, day_interval
from tests.served_builders import DAY_INTERVAL, LABELED_ROWS, store_served_day


def plan_on(world: TinyWorld, key: str, day: float, outcome: str = "train", why: str = "Enough labels.") -> None:
    plan = make_plan(key, outcome, reasons=(why,), newest_label=DAY + timedelta(days=day), dataset="d")
    record(world.store, plan)


def verdict_on(world: TinyWorld, key: str, outcome: str, champion: str | None = "1") -> None:
    record(world.store, make_gate_verdict(key, outcome, champion_version=champion))


def test_cycles_of_an_empty_store_are_none(world: TinyWorld) -> None:
    assert cycles(world.store) == []


def test_cycles_of_seed_labels_alone_are_none(world: TinyWorld) -> None:
    world.learn_seeds()
    world.judge(None)
    assert cycles(world.store) == []


def test_cycles_of_a_story_tell_what_each_batch_led_to(played: Played) -> None:
    one, two = cycles(played.store)
    assert (one.number, one.interval, one.days) == (1, played.one.key, "2026-11-01")
    assert (one.pulled, one.quarantined, one.drift) == (30, 2, "alarm (retrain)")
    assert (one.asked, one.received, one.accepted, one.labels_spent) == (30, 30, 30, 30)
    assert (one.challenger, one.verdict, one.champion) == (played.promoted.subject, "promote", "2")
    assert one.why == " ".join(played.promoted.reasons)
    assert (two.quarantined, two.drift, two.labels_spent, two.spent_before) == (0, "stable (none)", 60, 30)
    assert (two.challenger, two.verdict, two.champion) == (played.rejected.subject, "reject", "2")


def test_cycles_live_score_is_the_share_right_of_random_rows_as_served(played: Played) -> None:
    one, two = cycles(played.store)
    # of the first day's drawn rows the champion is wrong on all; on the second it is right on all
    assert (one.live_score.value, one.live_score.rows) == (0.0, 15)
    assert (two.live_score.value, two.live_score.rows) == (1.0, 20)


def test_cycles_live_score_weighs_rows_by_their_inclusion_probability(world: TinyWorld) -> None:
    world.ask("t1", "t2", batch_id=day_interval(0).key)
    common = {"stratum": "random", "split": "holdout", "ts": DAY + timedelta(hours=1)}
    world.accept("aaa", "t1", inclusion_probability=0.1, **common)
    world.accept("aba", "t2", inclusion_probability=0.5, **common)
    assert cycles(world.store)[0].live_score.value == pytest.approx(10 / 12)


def test_cycles_live_score_is_of_the_rows_from_the_start_of_the_interval_until_before_its_end(world: TinyWorld) -> None:
    world.ask("t1", "t2", batch_id=day_interval(0).key)
    for trace_id, word, days in (("t1", "aaa", 0), ("t2", "aba", 1), ("t3", "aba", -1)):
        world.accept(word, trace_id, ts=DAY + timedelta(days=days), stratum="random", split="holdout")
    score = cycles(world.store)[0].live_score
    assert (score.value, score.rows) == (1.0, 1)


def test_cycles_without_labeled_random_rows_do_not_know_the_live_score(world: TinyWorld) -> None:
    world.ask("t1", batch_id=day_interval(0).key)
    assert cycles(world.store)[0].live_score == UNKNOWN


def test_cycles_count_answers_without_a_label_as_received_not_as_accepted(world: TinyWorld) -> None:
    world.ask("t1", "t2", "t3", batch_id=day_interval(0).key)
    world.say("ada", "earn", "t1", "t2")
    world.say("ben", "ship", "t1")
    world.accept("aaa", "t2")
    world.set_aside("t1")
    cycle = cycles(world.store)[0]
    assert (cycle.asked, cycle.received, cycle.accepted, cycle.labels_spent) == (3, 2, 1, 2)


def test_cycles_count_a_label_that_was_changed_once(world: TinyWorld) -> None:
    world.ask("t1", batch_id=day_interval(0).key)
    world.say("ada", "earn", "t1")
    world.accept("aaa", "t1")
    world.accept("baa", "t1", label_id="newer", supersedes="l-t1")
    assert cycles(world.store)[0].accepted == 1


def test_cycles_count_evidence_in_the_cycle_of_its_challenger(world: TinyWorld) -> None:
    for day in (0, 1):
        world.ask(f"t{day}", batch_id=day_interval(day).key)
    plan_on(world, "k", day=0.5)
    world.ask("e1", "e2", batch_id="evidence-k-1", evidence_for="k", stratum="disagreement")
    world.say("ada", "earn", "t0", "t1", "e1", "e2")
    assert [(cycle.asked, cycle.labels_spent) for cycle in cycles(world.store)] == [(3, 3), (1, 4)]


def test_cycles_count_comparisons_with_the_predecessor_in_the_cycle_of_their_day(world: TinyWorld) -> None:
    for day in (0, 1):
        world.ask(f"t{day}", batch_id=day_interval(day).key)
        of_day = {"batch_id": f"guard-{day}", "evidence_for": f"guard-{day}", "stratum": "disagreement"}
        world.ask(*(f"g{day}{n}" for n in range(day + 1)), asked_at=day_interval(day).end, **of_day)
    world.say("ada", "earn", "t0", "t1", "g00", "g10", "g11")
    assert [(cycle.asked, cycle.labels_spent) for cycle in cycles(world.store)] == [(2, 2), (3, 5)]


def test_cycles_of_intervals_that_overlap_count_evidence_and_verdict_once(world: TinyWorld) -> None:
    world.ask("t0", batch_id=day_interval(0).key)
    world.ask("t1", batch_id=day_interval(0, days=7).key)
    plan_on(world, "k", day=0.5)
    verdict_on(world, "k", "reject")
    world.ask("e1", batch_id="evidence-k-1", evidence_for="k", stratum="disagreement")
    found = cycles(world.store)
    assert [cycle.asked for cycle in found] == [2, 1]
    assert [cycle.verdict for cycle in found] == ["reject", None]


@pytest.mark.parametrize(
    ("day", "number"),
    [
        pytest.param(1.5, 2, id="within the longer one only"),
        pytest.param(2.5, 1, id="within both"),
        pytest.param(3.0, 2, id="at the end of the shorter one"),
        pytest.param(0.5, 1, id="before all"),
        pytest.param(8.5, 3, id="between two"),
    ],
)
def test_cycle_of_a_challenger_is_the_first_with_its_newest_label_or_else_the_next(
    world: TinyWorld, day: float, number: int
) -> None:
    for place, interval in enumerate((day_interval(9), day_interval(1, days=7), day_interval(2))):
        world.ask(f"t{place}", batch_id=interval.key)
    plan_on(world, "k", day=day)
    cycle = LoopHistory(world.store).cycle_of("k")
    assert cycle is not None
    assert cycle.number == number


def test_cycles_with_two_challengers_count_the_evidence_of_both_and_show_the_last(world: TinyWorld) -> None:
    world.ask("t0", batch_id=day_interval(0).key)
    for key, outcome in (("first", "reject"), ("second", "promote")):
        plan_on(world, key, day=0.5)
        verdict_on(world, key, outcome)
        world.ask(f"e-{key}", batch_id=f"evidence-{key}-1", evidence_for=key, stratum="disagreement")
    cycle = cycles(world.store)[0]
    assert (cycle.asked, cycle.challenger, cycle.verdict) == (3, "second", "promote")


def test_cycles_are_ordered_by_their_intervals_not_by_when_they_were_asked(world: TinyWorld) -> None:
    for day in (2, 0, 1):
        world.ask(f"t{day}", batch_id=day_interval(day).key)
    assert [cycle.days for cycle in cycles(world.store)] == ["2026-11-01", "2026-11-02", "2026-11-03"]


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        pytest.param(None, "No challenger was trained.", id="nothing decided"),
        pytest.param("no", "No challenger was trained. 3 labels are too few.", id="decided not to"),
        pytest.param("train", "Challenger k is not judged yet.", id="in training"),
    ],
)
def test_cycles_without_a_verdict_say_why(world: TinyWorld, outcome: str | None, why: str) -> None:
    world.ask("t0", batch_id=day_interval(0).key)
    if outcome is not None:
        plan_on(world, "k", day=0.5, outcome=outcome, why="3 labels are too few.")
    cycle = cycles(world.store)[0]
    assert (cycle.challenger, cycle.verdict, cycle.why) == (None, None, why)


def test_cycles_with_a_promotion_that_was_not_deployed_keep_the_champion(world: TinyWorld) -> None:
    world.ask("t0", batch_id=day_interval(0).key)
    plan_on(world, "k", day=0.5)
    verdict_on(world, "k", "promote", champion="7")
    assert cycles(world.store)[0].champion == "7"


def test_cycles_without_a_verdict_have_the_champion_of_their_time(played: Played, world: TinyWorld) -> None:
    world.learn_seeds()
    gate = world.judge(None)
    world.ask("t0", batch_id=day_interval(-1).key)
    assert cycles(world.store)[0].champion is None
    world.deploy(gate, "1")
    world.serve(0, "aaa", drawn=1)
    world.deploy(played.promoted, "2")  # live for rows after the first day's
    assert [cycle.champion for cycle in cycles(world.store)] == ["1", "2"]


def test_cycle_of_a_challenger_is_that_of_its_newest_label(played: Played) -> None:
    ledger = LoopHistory(played.store)
    found = [ledger.cycle_of(gate.subject) for gate in played.gates]
    assert [cycle.number if cycle else None for cycle in found] == [None, 1, 2]


def test_cycles_of_a_challenger_judged_twice_show_the_later_verdict(world: TinyWorld) -> None:
    world.learn_seeds()
    world.deploy(world.judge(None), "1")
    world.serve(0, UNCLEAR, drawn=4)
    world.log_unasked(0, "aba*20")
    gate = world.judge("1")
    before = cycles(world.store)[0]
    verdict_on(world, gate.subject, "promote")
    assert (before.verdict, cycles(world.store)[0].verdict) == ("label_more", "promote")


def test_cycles_change_nothing_in_the_store(world: TinyWorld) -> None:
    world.serve(0, BETTER, drawn=15)
    names = ("requests", "labels", "predictions", "decisions", "deployments")
    before = [world.store.version(name) for name in names]
    cycles(world.store)
    assert [world.store.version(name) for name in names] == before


def test_days_of_an_interval_in_another_zone_are_utc() -> None:
    assert days_of(Interval.parse("2026-11-01T01:00+01:00", "2026-11-02T01:00+01:00")) == "2026-11-01"


@pytest.mark.parametrize("hours", [(6, 30), (9, 10)], ids=["daily at six", "hourly"])
def test_drift_of_a_cycle_is_the_verdict_on_the_days_that_end_in_its_interval(
    world: TinyWorld, hours: tuple[int, int]
) -> None:
    """Drift is judged on whole days, whatever the schedule's hours: notes and index must look the verdict up alike."""
    start = DAY + timedelta(days=1)
    interval = Interval(start + timedelta(hours=hours[0]), start + timedelta(hours=hours[1]))
    world.ask("t1", batch_id=interval.key)
    verdict = world.drift(interval.whole_days)
    history = LoopHistory(world.store)
    assert history.drift_on(interval) == verdict
    assert history.cycles()[0].drift == "alarm (retrain)"


def test_of_many_cycles_the_newest_are_shown_and_all_are_counted(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cycles(played.store)
    monkeypatch.setattr("include.stages.reports.loop_history.MOST_CYCLES", 1)
    ledger = LoopHistory(played.store)
    assert ledger.cycles() == whole[1:]
    assert ledger.cycles(1) == whole[:1]
    assert (ledger.count, ledger.labels_spent) == (2, 60)
    facts = notes(played.store, played.rejected, ledger)
    assert "The newest 1 of 2 cycles." in page("release_notes.html", facts)
    assert "The newest 1 of 2 cycles." in page("release_notes.md", facts)
    assert "The newest 2 of" not in page(
        "index.html",
        {**overview_facts(overview(played.store, ledger)), "loop": played.store.loop, "cycles": whole, "stand": None},
    )


def test_cycles_live_score_is_powered_by_the_confidence_in_all_that_was_served(tmp_path) -> None:
    store = make_judged_store(tmp_path)
    truth = store_served_day(store)
    (cycle,) = cycles(store)
    assert (cycle.interval, cycle.live_score.rows) == (DAY_INTERVAL.key, LABELED_ROWS)
    assert cycle.live_score.gain > 1.4
    assert cycle.live_score.low < truth < cycle.live_score.high
