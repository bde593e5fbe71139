"""Processes that are killed at a named step: ``python -m tests.include.stages.deployment.dying <folder>``.

The folder has one folder a case, see `case_name`, each with its own store and registry. Every case runs in a fork of its own,
which ends by SIGKILL just before the step.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow.sklearn
import mlflow.store.model_registry.sqlalchemy_store
import mlflow.store.tracking.sqlalchemy_store  # noqa: F401 - as above
import pandas as pd
import sklearn.linear_model  # noqa: F401 - as above
import skops.io  # noqa: F401 - as above
from sklearn.dummy import DummyClassifier

from include.foundation.decisions import RetrainPlan, find
from include.foundation.models.model_files import save_model
from include.foundation.models.registry import ModelRegistry
from include.foundation.store.tables import LoopStore
from include.stages.deployment.deploying import DeployReport, deploy
from include.stages.deployment.watching import rollback
from include.stages.training.fitting import train_challenger
from tests.decision_builders import make_approval, make_guard_verdict
from tests.include.stages.training.challenger_builders import make_label_store, make_text_loop, say_gate

Scenario = Callable[[LoopStore, ModelRegistry], DeployReport]
CHANGE = ("set_registered_model_alias", "ledger", "manifest")
LOGGING = ("create_experiment", "create_run", "log_param", "log_metric", "log_artifacts", "set_terminated")
REGISTERING = ("create_registered_model", "create_model_version")


def train_to_deploy(store: LoopStore, registry: ModelRegistry) -> DeployReport:
    """Train what was planned last, register it, and deploy it as the first model."""
    plan = find(store, RetrainPlan)[-1]
    trained = train_challenger(store, plan, registry)
    registry.register(trained.run_id, {})
    gate = say_gate(store, plan.subject, "promote", champion_version=None)
    return deploy(store, registry, gate, make_approval(gate))


def roll_back(store: LoopStore, registry: ModelRegistry) -> DeployReport:
    """Put version 1 back for version 2."""
    return rollback(store, registry, make_guard_verdict())


SCENARIOS: dict[str, tuple[Scenario, tuple[str, ...]]] = {
    "train": (train_to_deploy, LOGGING + REGISTERING + CHANGE),
    "rollback": (roll_back, CHANGE),
}
CASES = [(scenario, step) for scenario, (_, steps) in SCENARIOS.items() for step in steps]


def case_name(scenario: str, step: str) -> str:
    return f"{scenario}-{step}"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingClient:
    """MLflow's client up to the call of one method."""

    def __init__(self, client: Any, step: str) -> None:
        self._client = client
        self._step = step

    def __getattr__(self, name: str) -> Any:
        if name == self._step:
            die()
        return getattr(self._client, name)


class DyingStore(LoopStore):
    """The store up to the commit of the ledger."""

    def append_computed(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "deployments":
            die()
        return super().append_computed(name, *args, **kwargs)


def run_until(folder: Path, scenario: str, step: str) -> None:
    """Run a scenario in a folder, killed before the step."""
    store = make_label_store(folder)
    registry = ModelRegistry(f"sqlite:///{folder / 'mlflow' / 'mlflow.db'}", make_text_loop())
    if step == "ledger":
        store = DyingStore(store.loop, str(folder / "store"))
    elif step == "manifest":
        sys.addaudithook(lambda event, _: die() if event == "os.rename" else None)
    else:
        registry.__dict__["client"] = DyingClient(registry.client, step)
    SCENARIOS[scenario][0](store, registry)


def warm_up(folder: Path) -> None:
    """Let MLflow look through the installed packages once, not in every fork."""
    example = pd.DataFrame({"number": [0.0, 1.0]})
    save_model(DummyClassifier().fit(example, ["no", "yes"]), folder / "warm-up", example)


def main(folder: Path) -> None:
    warm_up(folder)
    for scenario, step in CASES:
        child = os.fork()
        if child == 0:
            try:
                run_until(folder / case_name(scenario, step), scenario, step)
            finally:
                os._exit(1)  # it was to be killed
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{case_name(scenario, step)} {ended}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
