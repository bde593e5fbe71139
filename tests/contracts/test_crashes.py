"""A crash before or after any step of any stage: run again, the stage ends as if it had never crashed."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.contracts import crash_story, roll_out_story
from tests.contracts.crash_story import DATABASE, Crash, Steps, World, make_sources, put_back
from tests.contracts.roll_out_story import SERVED, STRATEGY, by_gateway, in_ledger

STAGES = crash_story.STAGES | roll_out_story.STAGES
BEFORE = crash_story.BEFORE | roll_out_story.BEFORE


@dataclass
class Told:
    """The story without a crash: where each stage began, how many steps it took, and what was there after it."""

    folder: Path
    steps: dict[str, int]
    facts: dict[str, Any]

    @property
    def copies(self) -> Path:
        return self.folder / "gateway"

    def start(self, stage: str) -> Path:
        return self.folder / stage


def strategy_of(stage: str) -> str:
    return STRATEGY.get(stage, "alias")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, mlflow_template: Path) -> Told:
    folder = tmp_path_factory.mktemp("crashes")
    story, work = Told(folder, {}, {}), folder / "work"
    (work / "mlflow").mkdir(parents=True)
    shutil.copyfile(mlflow_template, work / "mlflow" / DATABASE)
    make_sources(work)
    for stage, run in STAGES.items():
        world = World(work, strategy=strategy_of(stage))
        if stage in BEFORE:
            BEFORE[stage](world)
        put_back(work, story.start(stage))
        with Steps().watched() as steps:
            run(world)
        story.steps[stage], story.facts[stage] = steps.count, World(work).facts()
    return story


@pytest.mark.parametrize("stage", STAGES)
def test_stage_that_crashed_anywhere_ends_as_its_twin(stage: str, told: Told) -> None:
    work, strategy = told.folder / "work", strategy_of(stage)
    assert told.steps[stage] > 0
    for crash_at in range(1, told.steps[stage] + 1):
        for after in (False, True):
            database = f"{stage}-{crash_at}-{after}.db"
            put_back(told.start(stage), work, database)
            with pytest.raises(Crash) as crash, Steps(crash_at, after).watched():
                STAGES[stage](World(work, database, strategy=strategy))
            where = f"{stage}: crash {'after' if after else 'before'} step {crash_at}, {crash.value}"
            world = World(work, database, attempt=2, strategy=strategy)
            if stage in SERVED:
                assert by_gateway(world, told.copies) == in_ledger(world), where
            STAGES[stage](world)
            assert World(work, database).facts() == told.facts[stage], where
            if stage in SERVED:
                assert by_gateway(world, told.copies) == in_ledger(world) == SERVED[stage], where
