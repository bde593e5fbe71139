"""A whole loop on an object store that loses answers, against a twin on a disk, which does not: a seed replays one history."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.workloads.soak_loop import SoakLoop
from benchmarks.workloads.soak_tasks import EACH_INTERVAL, Cycle
from include.foundation.config.loop_file import Loop
from include.foundation.decisions import broken_links
from include.foundation.errors import NothingToDo, StoreError
from include.foundation.store.tables import LoopStore
from tests.include.foundation.store.lossy_s3 import FATES, lossy
from tests.include.stages.logs.s3_server import BUCKET
from tests.include.stages.training.challenger_builders import registry_in

CYCLES, ROWS, TRIES = 2, 60, 20
SEEDS = (1,)  # each replays one history of losses; try others when the store changes
WHAT_IS_SAME = {
    "predictions": ["trace_id", "ts", "predicted", "confidence", "user_key", "input_text"],
    "quarantine": ["refusal_id", "reason_code", "raw"],
    "feedback": ["feedback_id", "trace_id", "signal", "value"],
    "requests": [
        "request_id",
        "trace_id",
        "stratum",
        "split",
        "inclusion_probability",
        "hidden_prelabel",
        "external_id",
    ],
    "annotations": ["annotation_id", "request_id", "annotator", "label"],
    "labels": ["label_id", "label", "decided_by", "confidence", "split", "supersedes"],
    "decisions": ["sequence", "kind", "outcome"],  # a challenger's key covers where the loop's files are
    "deployments": ["sequence", "model_version", "previous_version", "action", "promised_score"],
}  # without clocks


class RemoteCycle(Cycle):
    """The tasks of a cycle whose store is on an object store; a task that fails is run again, as Airflow would."""

    def __init__(self, soak: SoakLoop, number: int, place: str, options: Mapping[str, str]) -> None:
        super().__init__(soak, number)
        self.place, self.options = place, options

    @property
    def store(self) -> LoopStore:
        return LoopStore(self.soak.loop, self.place, self.options)

    def insist(self, name: str, given: Any = None) -> Any:
        for _ in range(TRIES):
            try:
                return getattr(self, name)(given)
            except NothingToDo:
                return None
            except StoreError as error:
                failed = error
        raise failed


def play(cycle: RemoteCycle, number: int) -> None:
    cycle.soak.serve(number)
    cycle.insist("pull_logs", cycle.insist("plan_pull"))
    for name in EACH_INTERVAL:
        cycle.insist(name)
        if name == "push_to_labeling":
            cycle.soak.answer(number)
    plan = cycle.insist("decide_retrain")
    if plan is not None:
        verdict = cycle.insist("judge", [plan, cycle.insist("retrain", plan)["run_id"]])
        cycle.soak.version = cycle.insist("release_notes", verdict)
    cycle.insist("maintain_store")


@pytest.fixture
def play_loop(tmp_path: Path, s3_options: dict[str, str], mlflow_template: Path) -> Callable[..., dict[str, list[Any]]]:
    def played(name: str, place: str, options: dict[str, str]) -> dict[str, list[Any]]:
        soak = SoakLoop(tmp_path / name / "loop", ROWS, timedelta(days=1))
        sections = soak.loop.model_dump(mode="json")
        gate = sections["gate"] | {"error_budget": 0.6}  # what few rows say is enough
        soak.loop = Loop.model_validate(sections | {"selection": {"budget": 40, "random_share": 0.5}, "gate": gate})
        registry_in(soak.folder, soak.loop, mlflow_template)
        for number in range(CYCLES):
            play(RemoteCycle(soak, number, place, options), number)
        store = LoopStore(soak.loop, place, s3_options)
        assert broken_links(store) == []
        rows = {table: store.read(table).select(columns).to_pylist() for table, columns in WHAT_IS_SAME.items()}
        return rows | {
            "decisions": sorted(rows["decisions"], key=lambda row: row["sequence"])
        }  # its key has such a key

    return played


def test_loop_whose_store_loses_answers_does_what_its_twin_does(tmp_path, play_loop, s3_options):
    twin = play_loop("twin", str(tmp_path / "twin" / "store"), {})
    assert len(twin["deployments"]) > 0
    for seed in SEEDS:
        with lossy(s3_options, seed, 0.4) as (server, options):
            played = play_loop(f"lossy-{seed}", f"s3://{BUCKET}/lossy-{seed}", options)
        assert sum(server.fates[fate] for fate in FATES) > 20
        for table, rows in twin.items():
            assert played[table] == rows, (seed, table)
