"""Train the challenger that was planned."""

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import RetrainPlan, TrainedChallenger, latest, record_first
from include.foundation.digests import digest_of
from include.foundation.errors import TrainingError
from include.foundation.models.building import build
from include.foundation.models.frames import features_frame
from include.foundation.models.run_log import DIGEST_TAG, NOTE_TAG
from include.foundation.store.tables import LoopStore
from include.stages.labels.datasets import Dataset
from include.stages.training.recent_labels import configuration, training_dataset

if TYPE_CHECKING:
    from include.foundation.models.registry import ModelRegistry


@dataclass(frozen=True)
class ChallengerReference:
    """A trained challenger: its run in the registry, and a digest of what it predicts and how it was made."""

    challenger_key: str
    run_id: str
    model_digest: str
    already_there: bool


def train_challenger(
    store: LoopStore, plan: RetrainPlan, registry: "ModelRegistry", note: str | None = None
) -> ChallengerReference:
    """Fit a challenger and log it with its lineage, or return the one that was logged before.

    Parameters
    ----------
    store
        Tables of the loop.
    plan
        The retrain decision, outcome ``train`` or ``judge_pending``.
    registry
        Where the run is logged.
    note
        Markdown that MLflow shows of a run that is logged now: who trains.

    Returns
    -------
    ChallengerReference
        Of the one run of this challenger key; of several trainings at once the first that is recorded counts.

    Raises
    ------
    TrainingError
        If the dataset has fewer than two classes, or the model cannot be fitted on it.
    """
    key = plan.challenger_key
    trained = latest(store, TrainedChallenger, key)
    if trained is not None:
        registry.keep_only(trained.run_id, key)
        return _reference(trained, already_there=True)
    run = registry.finished_run(key)  # of an attempt that was killed before it was recorded
    run_id, digest = (run.info.run_id, run.data.tags[DIGEST_TAG]) if run else _log_fitted(store, plan, registry, note)
    trained = record_first(
        store,
        TrainedChallenger(
            subject=key, outcome="trained", reasons=(f"Trained on dataset {plan.dataset}.",), run_id=run_id,
            model_digest=digest, files_digest=registry.files_digest(run_id=run_id),
        ),
    )  # fmt: skip
    registry.keep_only(trained.run_id, key)
    return _reference(trained, already_there=run is not None or trained.run_id != run_id)


def _reference(trained: TrainedChallenger, *, already_there: bool) -> ChallengerReference:
    return ChallengerReference(trained.subject, trained.run_id, trained.model_digest, already_there)


def _log_fitted(store: LoopStore, plan: RetrainPlan, registry: "ModelRegistry", note: str | None) -> tuple[str, str]:
    """Fit the challenger, log it, and return its run and the digest of what it predicts."""
    dataset = training_dataset(store, plan.dataset, plan.train_since)
    estimator = fit(store, dataset)
    digest = model_digest(store, dataset, estimator)
    run_id = registry.log_challenger(
        plan.challenger_key,
        estimator,
        params={"factory": store.loop.training.factory, "seed": store.loop.training.seed, **store.loop.training.params},
        metrics=_metrics(store, dataset, estimator),
        tags=_tags(store, plan, dataset) | {DIGEST_TAG: digest} | ({NOTE_TAG: note} if note else {}),
        signature_rows=dataset.train.slice(0, 20),
    )
    return run_id, digest


def fit(store: LoopStore, dataset: Dataset) -> Any:
    """Return the loop's model, fitted on the training rows with the loop's seed.

    Raises
    ------
    TrainingError
        If there are fewer than two classes, or the model refuses the rows.
    """
    return fitted(store.loop, dataset.train)


def fitted(loop: Loop, rows: pa.Table) -> Any:
    """Return the loop's model, fitted on rows of its inputs and ``label``.

    Raises
    ------
    TrainingError
        If there are fewer than two classes, or the model refuses the rows.
    """
    labels = np.array(rows.column("label").to_pylist())
    if np.unique(labels).size < 2:
        raise TrainingError(
            f"Got {labels.size} training labels of {np.unique(labels).size} classes, expected two or more classes"
        )
    estimator: Any = build(loop)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return estimator.fit(features_frame(loop, rows), labels)
    except Exception as error:  # an estimator is the user's own code, or is given parameters that only it can judge
        problem = str(error) or type(error).__name__
        raise TrainingError(f"{loop.training.factory} cannot be fitted on {labels.size} rows: {problem}") from error


def model_digest(store: LoopStore, dataset: Dataset, estimator: Any) -> str:
    """Return a digest of a model's configuration and of its probabilities on the training rows, to ten digits.

    Parameters
    ----------
    store
        Its loop names factory, seed and parameters.
    dataset
        The rows that the model was trained on.
    estimator
        The fitted model.
    """
    probabilities = np.round(estimator.predict_proba(features_frame(store.loop, dataset.train)), 10)
    return digest_of(configuration(store.loop), list(map(str, estimator.classes_)), probabilities.tolist())


def _metrics(store: LoopStore, dataset: Dataset, estimator: Any) -> dict[str, float]:
    labels = np.array(dataset.train.column("label").to_pylist())
    predictions = estimator.predict(features_frame(store.loop, dataset.train))
    counts = Counter(labels.tolist())
    rows_by_class = {f"train_rows_{_metric_name(name)}": float(count) for name, count in sorted(counts.items())}
    return {"train_rows": float(labels.size), "train_accuracy": float((predictions == labels).mean()), **rows_by_class}


def _tags(store: LoopStore, plan: RetrainPlan, dataset: Dataset) -> dict[str, str]:
    logged = [row["ts"] for row in dataset.train.select(["ts", "stratum"]).to_pylist() if row["stratum"] != "seed"]
    return {
        "loop": store.loop.name,
        "dataset": plan.dataset,
        "dataset_digest": dataset.digest,
        "data_window": f"{min(logged).isoformat()}/{max(logged).isoformat()}" if logged else "seed labels",
        "label_policy": f"{store.loop.labels.consensus} >= {store.loop.labels.min_confidence}",
        "trigger": " ".join(plan.reasons),
        "config_digest": store.loop.digest,
    }


def _metric_name(label: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_-. " else "_" for letter in label)
