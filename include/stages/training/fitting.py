"""Train the challenger that was planned."""

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from include.foundation.decisions import RetrainPlan
from include.foundation.digests import digest_of
from include.foundation.errors import TrainingError
from include.foundation.models.building import build
from include.foundation.models.frames import features_frame
from include.foundation.store.tables import LoopStore
from include.stages.labels.datasets import Dataset, read_dataset

if TYPE_CHECKING:
    from include.foundation.models.registry import ModelRegistry


@dataclass(frozen=True)
class ChallengerReference:
    """Where a trained challenger is. The digest tells models apart by what they predict."""

    challenger_key: str
    run_id: str
    model_digest: str
    already_there: bool


def train_challenger(store: LoopStore, plan: RetrainPlan, registry: "ModelRegistry") -> ChallengerReference:
    """Fit a challenger and log it with its lineage; one that is trained already is returned as it is.

    Parameters
    ----------
    store
        Tables of the loop.
    plan
        The retrain decision, outcome ``train`` or ``judge_pending``.
    registry
        Where the run is logged.

    Raises
    ------
    TrainingError
        If the dataset has fewer than two classes, or the model cannot be fitted on it.
    """
    key = plan.challenger_key
    done = registry.finished_run(key)
    if done is not None:
        return ChallengerReference(key, done.info.run_id, done.data.tags["model_digest"], already_there=True)
    dataset = read_dataset(store, plan.dataset)
    estimator = fit(store, dataset)
    digest = model_digest(store, dataset, estimator)
    run_id = registry.log_challenger(
        key,
        estimator,
        params={"factory": store.loop.training.factory, "seed": store.loop.training.seed, **store.loop.training.params},
        metrics=_metrics(store, dataset, estimator),
        tags=_tags(store, plan, dataset) | {"model_digest": digest},
        signature_rows=dataset.train.slice(0, 20),
    )
    return ChallengerReference(key, run_id, digest, already_there=False)


def fit(store: LoopStore, dataset: Dataset) -> Any:
    """Return the loop's model fitted on the training rows, seeded.

    Raises
    ------
    TrainingError
        If there are fewer than two classes, or the model refuses the rows.
    """
    labels = np.array(dataset.train.column("label").to_pylist())
    if np.unique(labels).size < 2:
        raise TrainingError(
            f"Got {labels.size} training labels of {np.unique(labels).size} classes, expected two or more classes"
        )
    estimator = build(store.loop)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return estimator.fit(features_frame(store.loop, dataset.train), labels)
    except ValueError as error:
        raise TrainingError(f"{store.loop.training.factory} cannot be fitted on {labels.size} rows: {error}") from error


def model_digest(store: LoopStore, dataset: Dataset, estimator: Any) -> str:
    """Return a digest of what a model says about its training rows, to ten digits, and of how it was made."""
    probabilities = np.round(estimator.predict_proba(features_frame(store.loop, dataset.train)), 10)
    return digest_of(
        store.loop.training.model_dump(mode="json"), list(map(str, estimator.classes_)), probabilities.tolist()
    )


def _metrics(store: LoopStore, dataset: Dataset, estimator: Any) -> dict[str, float]:
    labels = np.array(dataset.train.column("label").to_pylist())
    fitted = estimator.predict(features_frame(store.loop, dataset.train))
    counts = Counter(labels.tolist())
    shown = {f"train_rows_{_metric_name(name)}": float(count) for name, count in sorted(counts.items())}
    return {"train_rows": float(labels.size), "train_accuracy": float((fitted == labels).mean()), **shown}


def _tags(store: LoopStore, plan: RetrainPlan, dataset: Dataset) -> dict[str, str]:
    times = dataset.train.column("ts").to_pylist()
    return {
        "loop": store.loop.name,
        "dataset": plan.dataset,
        "dataset_digest": dataset.digest,
        "data_window": f"{min(times).isoformat()}/{max(times).isoformat()}",
        "label_policy": f"{store.loop.labels.consensus} >= {store.loop.labels.min_confidence}",
        "trigger": " ".join(plan.reasons),
        "config_digest": store.loop.digest,
    }


def _metric_name(label: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_-. " else "_" for letter in label)
