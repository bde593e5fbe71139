"""Small worlds for whole-loop tests: a loop on scikit-learn's digits, its traffic and its annotators, in one folder."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import yaml

from demo.annotators import Annotators
from demo.data_sets import examples_for
from demo.traffic import Traffic
from include.foundation.config.loading import load_loop
from include.foundation.config.loop_file import Loop
from include.foundation.intervals import Interval
from tests.conftest import ROOT

FIRST_DAY = date(2026, 9, 1)
REFERENCE_DAYS = 8
KEY = b"a key for pseudonyms in tests"


@dataclass
class World:
    """A loop, and everything outside it."""

    folder: Path
    loop: Loop
    traffic: Traffic
    annotators: Annotators

    @property
    def store(self) -> str:
        return str(self.folder / "store")

    @property
    def tracking_uri(self) -> str:
        return f"sqlite:///{self.folder}/mlflow/mlflow.db"

    def day(self, number: int) -> Interval:
        start = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(days=number)
        return Interval(start, start + timedelta(days=1))


def make_world(folder: Path, **gate: object) -> World:
    """Write a loop file and the seed labels of a world; the same every time."""
    raw = yaml.safe_load((ROOT / "include" / "loops" / "digits.yaml").read_text())
    raw |= {"name": "sums", "drift": {"reference_days": REFERENCE_DAYS, "confirm": "1 of 1"}}
    raw["logs"]["uri"] = str(folder / "logs")
    raw["feedback"] = {"uri": str(folder / "feedback")}
    raw["training"]["seed_labels"] = str(folder / "seed")
    raw["labeling"] = {"backend": "files", "uri": str(folder / "labeling"), "poll_seconds": 1, "quorum": 0.95}
    raw["selection"] = {"budget": 40, "random_share": 0.4}
    raw["retrain"] = {"min_new_labels": 20, "cooldown_hours": 240}
    raw["gate"] = {"approval": "auto", "slices": ["source"], "max_rounds": 1, "floor": 0.3, **gate}
    path = folder / "loops" / "sums.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(raw))
    for name in ("logs", "feedback"):
        (folder / name).mkdir()
    loop = load_loop(path)
    traffic = Traffic(loop, examples_for(loop))
    traffic.write_seed_labels(100)
    return World(folder, loop, traffic, Annotators(loop, traffic.truth))
