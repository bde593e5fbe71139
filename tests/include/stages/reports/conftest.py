from pathlib import Path

import pytest

from include.foundation.decisions import GateVerdict
from include.stages.reports.release_notes import write_release_notes
from tests.include.stages.reports.report_builders import BETTER, WORSE, TinyWorld, make_world


@pytest.fixture
def world(tmp_path: Path) -> TinyWorld:
    return make_world(tmp_path)


class Played:
    """A story told once: a first model, a cycle that promotes on a day that drifted, one that rejects."""

    def __init__(self, world: TinyWorld) -> None:
        self.world, self.store = world, world.store
        world.learn_seeds()
        self.first = world.judge(None)
        world.deploy(self.first, "1")
        self.one = world.serve(0, BETTER, drawn=15)
        world.drift(self.one)
        world.refuse(self.one, 2)
        self.promoted = world.judge("1")
        world.deploy(self.promoted, "2", previous="1")
        self.two = world.serve(1, WORSE, drawn=20)
        world.drift(self.two, "stable", effect=0.02)
        self.rejected = world.judge("2")

    @property
    def gates(self) -> list[GateVerdict]:
        return [self.first, self.promoted, self.rejected]


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Only for tests that leave its tables alone."""
    return Played(make_world(tmp_path_factory.mktemp("played")))


@pytest.fixture(scope="session")
def written(played: Played) -> dict[str, Path]:
    """The notes on each verdict of the story, in order, by the verdict's outcome; the first model's under ``first``."""
    names = ("first", "promote", "reject")
    return {name: Path(write_release_notes(played.store, gate)) for name, gate in zip(names, played.gates, strict=True)}
