from pathlib import Path

from include.foundation.decisions import GateVerdict, RetrainPlan, find
from include.foundation.store.tables import LoopStore
from include.stages.labels.datasets import read_dataset
from include.stages.reports.corrections import Corrections, corrections
from tests.include.stages.reports.conftest import Played
from tests.include.stages.reports.report_builders import TinyWorld, make_world


def corrections_of(store: LoopStore, plan: RetrainPlan) -> Corrections:
    return corrections(store, plan, read_dataset(store, plan.dataset).train)


def plan_of(store: LoopStore, gate: GateVerdict) -> RetrainPlan:
    return find(store, RetrainPlan, gate.subject)[-1]


def test_corrections_of_seed_labels_are_none(played: Played) -> None:
    found = corrections_of(played.store, plan_of(played.store, played.first))
    assert (found.new, found.corrected, found.pairs, found.segments) == (0, 0, [], [])


def test_users_count_new_training_labels_that_contradict_the_model(played: Played) -> None:
    found = corrections_of(played.store, plan_of(played.store, played.promoted))
    # 30 rows, 15 held out; of the other 15 the champion was wrong on the first five
    assert (found.new, found.corrected) == (15, 5)
    assert found.pairs == [("ship", "earn", 5)]


def test_corrections_leave_out_what_an_earlier_challenger_learnt_from(played: Played) -> None:
    found = corrections_of(played.store, plan_of(played.store, played.rejected))
    assert (found.new, found.corrected) == (10, 0)


def test_corrections_are_ordered_by_frequency_then_name(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    world.learn_seeds()
    world.deploy(world.judge(None), "1")
    world.serve(0, "aaa*5 bca*2 cba*2 aca*3 bab", drawn=5)
    found = corrections_of(world.store, plan_of(world.store, world.judge("1")))
    assert found.pairs == [("trade", "earn", 3), ("ship", "trade", 2), ("trade", "ship", 2), ("earn", "ship", 1)]


def test_corrections_by_segment_name_rows_without_one(world: TinyWorld) -> None:
    world.learn_seeds()
    world.deploy(world.judge(None), "1")
    world.serve(0, "aaa*4 aba*4", drawn=2, desks=("eu", None))
    found = corrections_of(world.store, plan_of(world.store, world.judge("1")))
    assert found.segments == [("desk", "eu", 3, 2), ("desk", "not given", 3, 2)]


def test_corrections_show_ten_pairs_and_ten_segments_and_count_all(tmp_path: Path) -> None:
    world = make_world(tmp_path, classes=("earn", "grain", "ship", "trade"))
    world.learn_seeds()
    world.deploy(world.judge(None), "1")
    wrong = " ".join(f"{said}{meant}{said}" for said in "abcd" for meant in "abcd" if said != meant)
    world.serve(0, f"aaa {wrong}", drawn=1, desks=[f"desk {number:02}" for number in range(13)])
    found = corrections_of(world.store, plan_of(world.store, world.judge("1")))
    assert (found.new, found.corrected, len(found.pairs), len(found.segments)) == (12, 12, 10, 10)
    assert found.segments[0] == ("desk", "desk 01", 1, 1)
