"""Small labeled loops, decisions and registries for the tests of training and deployment."""

import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import GateVerdict, PublishedDataset, RetrainPlan, record
from include.foundation.models.registry import ModelRegistry
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.datasets import Dataset
from include.stages.training.deciding import decide_retrain
from include.stages.training.fitting import fit
from tests.builders import make_tiny_loop
from tests.decision_builders import make_gate_verdict, make_scores

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "1")

WORDS = {"crude": "oil barrel rig opec", "grain": "wheat corn tonnes crop", "ship": "vessel port cargo strike"}
CLASSES = tuple(WORDS)
DAY = datetime(2026, 11, 1, tzinfo=UTC)
PROMISE = Estimate(0.9, 0.85, 0.95, 100, 100.0)


def make_text_loop(**sections: Any) -> Loop:
    retrain = {"min_new_labels": 6, "min_new_labels_on_drift": 2, "cooldown_hours": 0}
    return make_tiny_loop(CLASSES, **{"retrain": retrain} | sections)


def make_label_store(tmp_path: Path, loop: Loop | None = None) -> LoopStore:
    return LoopStore(loop or make_text_loop(), str(tmp_path / "store"))


def label_row(number: int, **overrides: Any) -> dict[str, Any]:
    """One label whose text tells its class; ``number`` is also its minute after `DAY`."""
    label = overrides.get("label", CLASSES[number % len(CLASSES)])
    words = WORDS.get(label, label).split()
    return {
        "label_id": f"l{number:05d}",
        "trace_id": f"t{number:05d}",
        "label": label,
        "decided_by": "majority",
        "origin": "annotation",
        "split": "train",
        "stratum": "certainty",
        "inclusion_probability": 1.0,
        "content_key": f"c{number}",
        "predicted": label,
        "model_version": "1",
        "ts": DAY + timedelta(minutes=number),
        "decided_at": DAY + timedelta(days=1, minutes=number),
        "input_text": f"{words[number % len(words)]} {words[0]} n{number}",
    } | overrides


def add_labels(store: LoopStore, rows: Sequence[Mapping[str, Any]]) -> None:
    store.append_new("labels", rows_of(store.loop, "labels", rows))


def publish_labels(store: LoopStore, numbers: range, **overrides: Any) -> PublishedDataset:
    """Add labels of these numbers and publish them with what was there."""
    add_labels(store, [label_row(number, **overrides) for number in numbers])
    return publish_dataset(store)


def add_predictions(store: LoopStore, days: Sequence[float], version: str = "1") -> None:
    """Log a row at each of these days after `DAY`."""
    times = [DAY + timedelta(days=day) for day in days]
    rows = [
        {
            "trace_id": f"p{version}-{ts.isoformat()}",
            "ts": ts,
            "day": ts.date().isoformat(),
            "model_version": version,
            "predicted": "crude",
            "input_text": "oil",
        }
        for ts in times
    ]
    store.append_new("predictions", rows_of(store.loop, "predictions", rows))


def add_request(store: LoopStore, request_id: str, **overrides: Any) -> None:
    row = {
        "request_id": request_id,
        "batch_id": "batch",
        "trace_id": f"trace-{request_id}",
        "tier": 1,
        "stratum": "disagreement",
        "split": "train",
        "inclusion_probability": 0.5,
        "reasons": ["evidence"],
        "hidden_prelabel": True,
        "content_key": request_id,
        "asked_at": DAY,
        "external_id": request_id,
        "pushed_at": datetime.now(UTC),
    } | overrides
    store.update_rows("requests", rows_of(store.loop, "requests", [row]))


def say_gate(store: LoopStore, challenger_key: str, outcome: str, **evidence: Any) -> GateVerdict:
    """Record a verdict of the gate."""
    scores = {"scores": make_scores(champion=UNKNOWN, challenger=PROMISE)}
    return record(store, make_gate_verdict(challenger_key, outcome, **(scores | evidence)))


def registry_in(folder: Path, loop: Loop, template: Path) -> ModelRegistry:
    """Open a registry of its own on a copy of the migrated database."""
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "mlflow.db"
    if not database.exists():
        shutil.copyfile(template, database)
    return ModelRegistry(f"sqlite:///{database}", loop)


def migrate_template(folder: Path) -> Path:
    """Make the empty, migrated MLflow database that tests copy, once in a folder."""
    template = folder / "mlflow-template.db"
    if not template.exists():
        _ = ModelRegistry(f"sqlite:///{template}", make_text_loop()).client
    return template


def fitted(store: LoopStore) -> Any:
    """Fit a small model of the text loop."""
    rows = rows_of(store.loop, "labels", [label_row(number) for number in range(12)])
    return fit(store, Dataset("digest", 0, rows, rows.slice(0, 0)))


def log_fitted(registry: ModelRegistry, store: LoopStore, challenger_key: str, estimator: Any) -> str:
    """Log a fitted model of the text loop under a key and return its run."""
    rows = rows_of(store.loop, "labels", [label_row(number) for number in range(3)])
    return registry.log_challenger(
        challenger_key, estimator, params={"seed": 0}, metrics={"train_rows": 3.0}, tags={}, signature_rows=rows
    )


def alternating(count: int, share_right: float) -> list[bool]:
    """Right and wrong answers spread evenly: the same share in every stretch."""
    steps = np.floor(np.arange(1, count + 1) * share_right)
    return list(np.diff(steps, prepend=0) > 0)


def register_challengers(registry: ModelRegistry, store: LoopStore, estimator: Any, *keys: str) -> list[str]:
    """Log and register one fitted model under each key and return the versions."""
    return [registry.register(log_fitted(registry, store, key, estimator), {}) for key in keys]


def judge_plan(store: LoopStore, outcome: str = "promote", numbers: range = range(12)) -> RetrainPlan:
    """Plan a challenger on labels of these numbers and let the gate judge it."""
    dataset = publish_labels(store, numbers)
    plan = decide_retrain(store)
    assert plan.outcome == "train"
    say_gate(store, plan.subject, outcome, dataset=dataset.subject)
    return plan
