"""A small loop from its first log line to a deployed model, stage by stage, and the seam at which a stage can crash."""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from deltalake.table import TableOptimizer
from mlflow import MlflowClient

from include.foundation.decisions import (
    Approval,
    Evaluation,
    GateVerdict,
    GuardVerdict,
    RetrainPlan,
    TrainedChallenger,
    latest,
)
from include.foundation.models.judged_models import challenger_model, live_model
from include.foundation.models.registry import CHALLENGER, CHAMPION, ModelRegistry
from include.foundation.store.objects.local_objects import LocalObjects
from include.foundation.store.rows import rows_of
from include.foundation.store.schemas import schemas
from include.foundation.store.tables import LoopStore
from include.stages.deployment.comparing_days import compare_days
from include.stages.deployment.deploying import deploy
from include.stages.deployment.watching import rollback, watch_deployment
from include.stages.drift.detection import detect_drift
from include.stages.drift.profiling.profiles import profile_days
from include.stages.evaluation.comparing import evaluate
from include.stages.evaluation.registering import register_challenger
from include.stages.gate.approval import record_approval
from include.stages.gate.judging import judge
from include.stages.labeling.collecting import collect_annotations
from include.stages.labeling.files_backend import FilesBackend
from include.stages.labeling.pushing import push_requests
from include.stages.labels.dataset_publishing import publish_in_attempt
from include.stages.labels.datasets import read_dataset
from include.stages.labels.label_validation import validate_labels
from include.stages.labels.seeds import admit_seed_labels
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.log_validation import validate_logs
from include.stages.logs.pulling import pull_logs
from include.stages.reports.release_notes import write_release_notes
from include.stages.selection.selecting import select_samples
from include.stages.training.deciding import decide_retrain
from include.stages.training.fitting import train_challenger
from tests.builders import DAY, KEY, day, line, make_store, write_lines
from tests.decision_builders import make_approval, make_guard_verdict, make_scores
from tests.include.stages.training.challenger_builders import fitted, log_fitted, say_gate

WORDS = {"acq": "merger stake bid", "earn": "profit quarter dividend", "grain": "wheat corn crop"}
DATABASE = "mlflow.db"
ANSWERED = (DAY + timedelta(days=2)).isoformat()
CLOCKS = {"pushed_at", "deployed_at", "noted_at", "hash", "previous_hash", "evidence_digest"}
RANDOM = re.compile(r"[0-9a-f]{32,}")  # MLflow's ids of runs, and the digests of evidence that names them
MLFLOW_WRITES = (
    "create_experiment", "create_run", "log_param", "log_metric", "log_artifacts", "log_artifact", "set_terminated",
    "delete_run", "create_registered_model", "create_model_version", "delete_model_version", "set_registered_model_alias",
)  # fmt: skip


class Crash(BaseException):
    """The process ends here: nothing catches it."""


@dataclass
class Steps:
    """Counts what a stage does to the world outside it, and crashes before or after one of these steps.

    Attributes
    ----------
    crash_at
        Number of the step, from 1; None never crashes.
    after
        Whether the step is done first: it succeeded, and nobody got the answer.
    """

    crash_at: int | None = None
    after: bool = False
    count: int = 0
    last: str = ""

    @contextmanager
    def watched(self) -> Iterator["Steps"]:
        """Watch every commit, object and call of MLflow."""
        places = [
            (LoopStore, "commit"),
            (TableOptimizer, "compact"),
            (LocalObjects, "_write"),
            (LocalObjects, "_delete"),
        ]
        places += [(MlflowClient, name) for name in MLFLOW_WRITES]
        patches = [patch.object(owner, name, self._counted(name, getattr(owner, name))) for owner, name in places]
        for each in patches:
            each.start()
        try:
            yield self
        finally:
            for each in patches:
                each.stop()

    def _counted(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            if name == self.last and name.startswith("log_"):  # one metric of many is like the next
                return step(*args, **kwargs)
            self.count, self.last = self.count + 1, name
            if self.count == self.crash_at and not self.after:
                raise Crash(name)
            answer = step(*args, **kwargs)
            if self.count == self.crash_at:
                raise Crash(name)
            return answer

        return counted


@dataclass
class World:
    """What one process has open on the loop's folder.

    Attributes
    ----------
    folder
        Of the loop.
    database
        File name of MLflow's database, which MLflow keeps open: another state of it needs another name.
    attempt
        Counts the tries of a task.
    task
        The section ``task`` of the loop file.
    strategy
        Of the section ``deploy``.
    """

    folder: Path
    database: str = DATABASE
    attempt: int = 1
    task: dict[str, Any] = field(default_factory=lambda: {"classes": list(WORDS)})
    strategy: str = "alias"

    def __post_init__(self) -> None:
        ways: dict[str, dict[str, Any]] = {
            "shadow": {"shadow": {"uri": str(self.folder / "shadow"), "requests": 20}},
            "canary": {"canary": {"shares": [0.1, 0.5, 1.0]}},
        }
        self.store = make_store(
            self.folder,
            task=self.task,
            logs={"max_refused_share": 0.2},
            feedback={"uri": str(self.folder / "feedback")},
            training={"seed_labels": str(self.folder / "seeds")},
            selection={"budget": 8, "random_share": 0.5},
            labeling={"overlap": 2},
            drift={"min_rows": 1},
            gate={"approval": "auto", "floor": 0.1, "error_budget": 0.6},  # three rows of three are enough
            deploy={"strategy": self.strategy, **ways.get(self.strategy, {})},
        )
        self.registry = ModelRegistry(f"sqlite:///{self.folder / 'mlflow' / self.database}", self.store.loop)
        self.backend = FilesBackend(self.store.loop)

    def made(self, kind: Any) -> Any:
        """Return the newest decision of a kind."""
        return latest(self.store, kind)

    def facts(self) -> dict[str, Any]:
        """Return everything the stages made that does not depend on the clock or on chance."""
        tables = {
            name: sorted(
                _masked({key: value for key, value in row.items() if key not in _clocks(name)}) for row in rows
            )
            for name in schemas(self.store.loop)
            for rows in [self.store.read(name).to_pylist()]
        }
        places = [Path(self.store.uri) / "_files", self.folder / "labeling"]
        files = sorted(RANDOM.sub("*", str(path)) for place in places for path in place.rglob("*") if path.is_file())
        return {"tables": tables, "files": files, "models": self._models()}

    def _models(self) -> list[Any]:
        client = self.registry.client
        experiment = client.get_experiment_by_name(self.store.loop.name)
        runs = client.search_runs([experiment.experiment_id], "attributes.status = 'FINISHED'") if experiment else []
        versions = client.search_model_versions(f"name = '{self.store.loop.name}'")
        return [
            sorted(run.data.tags["challenger_key"] for run in runs),
            sorted((str(version.version), version.tags["challenger_key"]) for version in versions),
            [self.registry.aliased(alias) for alias in (CHAMPION, CHALLENGER)] if versions else [],
        ]


def _clocks(table: str) -> set[str]:
    return CLOCKS | {"decided_at"} if table == "decisions" else CLOCKS


def _masked(row: dict[str, Any]) -> str:
    return RANDOM.sub("*", json.dumps(row, sort_keys=True, default=str))


def _texts(folder: Path, name: str, records: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps(record) + "\n" for record in records))


def make_sources(folder: Path) -> None:
    """Write the logs, feedback and seeds that the story starts from."""
    names = list(WORDS)
    lines = []
    for number in range(24):
        word = WORDS[names[number % 3]].split()[number // 3 % 3]
        text = f"{word} {'abcdefghijklmnopqrstuvwx'[number] * 3}"
        when = DAY + timedelta(hours=3, minutes=number)
        lines.append(line(number, when=when, input={"text": text}, prediction=names[(number + number // 12) % 3]))
    write_lines(folder, [*lines, "not json", {**lines[0], "ts": (DAY + timedelta(hours=9)).isoformat()}, lines[3]])
    _texts(
        folder / "feedback",
        "signals.jsonl",
        [
            {"feedback_id": f"f{n}", "trace_id": f"t{n}", "ts": DAY.isoformat(), "kind": "explicit", "signal": "report"}
            for n in range(3)
        ],
    )
    _texts(
        folder / "seeds",
        "seeds.jsonl",
        [
            {"input": {"text": f"{word} {'abcdefgh'[n] * 4}"}, "label": name}
            for name, words in WORDS.items()
            for word in words.split()
            for n in range(4)
        ],
    )


def by_first_word(request: Mapping[str, Any]) -> str:
    """Return the class that has the first word of a request's text."""
    word = request["input"]["text"].split()[0]
    return next(name for name, words in WORDS.items() if word in words.split())


def answer_requests(world: World, says: Callable[[Mapping[str, Any]], str] = by_first_word) -> None:
    """Let two people answer the batches that nobody has answered yet."""
    answered, folder = world.backend.answer_folder, world.backend.request_folder
    paths = [path for path in sorted(folder.glob("*.jsonl")) if not (answered / path.name).exists()]
    requests = [(path.name, json.loads(text)) for path in paths for text in path.open()]
    for name in {name for name, _ in requests}:
        batch = [request for its_name, request in requests if its_name == name]
        same = [
            {"request_id": request["request_id"], "created_at": ANSWERED, "label": says(request)} for request in batch
        ]
        _texts(answered, name, [answer | {"annotator": person} for answer in same for person in ("ada", "bob")])


def _evaluate(world: World) -> None:
    store, plan = world.store, world.made(RetrainPlan)
    run_id = world.made(TrainedChallenger).run_id
    challenger = challenger_model(store, world.registry, plan.challenger_key, run_id)
    dataset = read_dataset(store, plan.evaluation_dataset)
    evaluate(store, dataset, plan.evaluation_dataset, live_model(store, world.registry), challenger)


def _drift(world: World) -> None:
    profile_days(world.store, day())
    detect_drift(world.store, day())


def _labels(world: World) -> None:
    admit_seed_labels(world.store)
    validate_labels(world.store)


def _replace_champion(world: World) -> None:
    """Deploy a second version: not a stage of its own."""
    log_fitted(world.registry, world.store, "second", fitted(world.store))
    run = world.registry.client.search_runs([world.registry.experiment_id], "tags.challenger_key = 'second'")[0]
    world.registry.register(run.info.run_id, {})
    champion = world.registry.aliased(CHAMPION)
    gate = say_gate(world.store, "second", "promote", champion_version=champion, scores=make_scores())
    deploy(world.store, world.registry, gate, make_approval(gate))


def _serve_second(world: World) -> None:
    """Deploy a second version and log what it served on a day that is over; it answers otherwise than the first."""
    _replace_champion(world)
    names, store = list(WORDS), world.store
    times = [DAY + timedelta(days=2, hours=12 * n) for n in range(4)]
    rows = [
        {
            "trace_id": f"s{n}", "ts": ts, "day": f"{ts:%Y-%m-%d}", "model_version": "2", "predicted": names[n % 3],
            "input_text": f"{WORDS[names[0]].split()[n % 3]} served {n}",
        }
        for n, ts in enumerate(times)
    ]  # fmt: skip
    store.append_new("predictions", rows_of(store.loop, "predictions", rows))
    watch_deployment(store)


STAGES: dict[str, Callable[[World], Any]] = {
    "pull": lambda world: pull_logs(world.store, day(), KEY),
    "validate logs": lambda world: validate_logs(world.store, day()),
    "feedback": lambda world: pull_feedback(world.store, day(), KEY),
    "drift": _drift,
    "select": lambda world: select_samples(world.store, day()),
    "push": lambda world: push_requests(world.store, world.backend),
    "collect": lambda world: collect_annotations(world.store, world.backend, KEY),
    "labels": _labels,
    "publish": lambda world: publish_in_attempt(world.store, world.attempt),
    "decide": lambda world: decide_retrain(world.store),
    "retrain": lambda world: train_challenger(world.store, world.made(RetrainPlan), world.registry),
    "evaluate": _evaluate,
    "register": lambda world: register_challenger(world.store, world.registry, world.made(Evaluation)),
    "gate": lambda world: judge(world.store, world.made(Evaluation)),
    "approve": lambda world: record_approval(
        world.store, world.made(GateVerdict).reference, approved=True, by="policy"
    ),
    "deploy": lambda world: deploy(world.store, world.registry, world.made(GateVerdict), world.made(Approval)),
    "release notes": lambda world: write_release_notes(world.store, world.made(GateVerdict), world.registry),
    "watch": lambda world: watch_deployment(world.store),
    "compare": lambda world: compare_days(world.store, world.registry, world.made(GuardVerdict)),
    "rollback": lambda world: rollback(world.store, world.registry, make_guard_verdict()),
}
BEFORE: dict[str, Callable[[World], None]] = {"collect": answer_requests, "compare": _serve_second}


def put_back(source: Path, target: Path, database: str = DATABASE) -> None:
    """Make a folder what another one was, with MLflow's database under a name of its own."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    (target / "mlflow" / DATABASE).rename(target / "mlflow" / database)
