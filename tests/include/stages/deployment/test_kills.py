"""Training, registering, deploying and rolling back, killed before each step and run again."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from include.foundation.decisions import broken_links
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.store.ledgers.deployments import history
from include.foundation.store.tables import LoopStore
from include.stages.deployment.deploying import deploy
from include.stages.training.deciding import decide_retrain
from tests.conftest import ROOT
from tests.decision_builders import make_approval
from tests.include.stages.deployment.dying import CASES, SCENARIOS, case_name, roll_back, train_to_deploy
from tests.include.stages.training.challenger_builders import (
    make_label_store,
    make_text_loop,
    publish_labels,
    registry_in,
    say_gate,
)


def opened(folder: Path) -> tuple[LoopStore, ModelRegistry]:
    store = make_label_store(folder)
    return store, ModelRegistry(f"sqlite:///{folder / 'mlflow' / 'mlflow.db'}", make_text_loop())


def prepare_training(folder: Path, template: Path) -> None:
    store = make_label_store(folder)
    registry_in(folder / "mlflow", store.loop, template)
    publish_labels(store, range(12))
    assert decide_retrain(store).outcome == "train"


def prepare_rollback(folder: Path) -> None:
    """Go on from a trained and deployed version 1: version 2 takes over."""
    store, registry = opened(folder)
    train_to_deploy(store, registry)
    run = registry.client.get_run(registry.run_of("1"))
    again = registry.client.create_run(registry.experiment_id, tags={"challenger_key": "second"})
    registry.client.create_model_version(
        "tiny", f"{run.info.artifact_uri}/model", again.info.run_id, tags={"challenger_key": "second"}
    )
    gate = say_gate(store, "second", "promote", champion_version="1")
    deploy(store, registry, gate, make_approval(gate))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, mlflow_template: Path) -> tuple[Path, dict[str, int]]:
    """Every case's folder after its process was killed, and how each process ended."""
    folder = tmp_path_factory.mktemp("killed")
    prepare_training(folder / "train", mlflow_template)
    shutil.copytree(folder / "train", folder / "rollback")
    prepare_rollback(folder / "rollback")
    for scenario, step in CASES:
        shutil.copytree(folder / scenario, folder / case_name(scenario, step))
    told = subprocess.run(
        [sys.executable, "-m", "tests.include.stages.deployment.dying", str(folder)],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return folder, {name: int(code) for name, code in (line.split() for line in told.splitlines())}


def cases_of(scenario: str) -> list[str]:
    return list(SCENARIOS[scenario][1])


@pytest.mark.parametrize(("scenario", "step"), CASES)
def test_process_of_a_case_was_killed_before_its_step(
    killed: tuple[Path, dict[str, int]], scenario: str, step: str
) -> None:
    assert killed[1][case_name(scenario, step)] == -signal.SIGKILL


@pytest.mark.parametrize("step", cases_of("train"))
def test_training_to_deployment_killed_anywhere_and_run_again_is_there_once(
    killed: tuple[Path, dict[str, int]], step: str
) -> None:
    store, registry = opened(killed[0] / case_name("train", step))
    report = train_to_deploy(store, registry)
    assert train_to_deploy(store, registry) == report
    runs = [run.info.status for run in registry.client.search_runs([registry.experiment_id])]
    assert sorted(set(runs)) in (["FINISHED"], ["FINISHED", "KILLED"])
    assert runs.count("FINISHED") == 1
    assert len(registry.client.search_model_versions("name = 'tiny'")) == 1
    assert [(row.sequence, row.model_version, row.action) for row in history(store)] == [(1, "1", "deploy")]
    assert registry.aliased(CHAMPION) == "1"
    assert json.loads(Path(report.manifest).read_text())["version"] == "1"
    assert broken_links(store) == []


@pytest.mark.parametrize("step", cases_of("rollback"))
def test_rollback_killed_anywhere_and_run_again_happens_once(killed: tuple[Path, dict[str, int]], step: str) -> None:
    store, registry = opened(killed[0] / case_name("rollback", step))
    report = roll_back(store, registry)
    assert roll_back(store, registry) == report
    assert [(row.model_version, row.action) for row in history(store)] == [
        ("1", "deploy"),
        ("2", "deploy"),
        ("1", "rollback"),
    ]
    assert registry.aliased(CHAMPION) == "1"
    assert json.loads(Path(report.manifest).read_text())["version"] == "1"
