"""A loop on texts with a deployed champion, and what its logs have of what was acknowledged."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from include.factories import text_classifier
from include.foundation.config.loop_file import Loop
from include.foundation.decisions import GateVerdict, RegisteredVersion, record
from include.foundation.decisions.challenger_evaluation import Scores
from include.foundation.models.model_files import MODEL_FILE
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.statistics.estimates import UNKNOWN
from include.foundation.store.ledgers.deployments import Deployment, append_deployment
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore

CLASSES = ["acq", "crude", "earn", "grain", "interest", "money-fx", "ship", "trade"]
WORDS, LENGTH, ROWS = 8_000, 60, 4_000


@dataclass(frozen=True)
class ServedModel:
    """A deployed champion.

    Attributes
    ----------
    folder
        Where everything is.
    loop
        Whose champion it is.
    tracking_uri
        Of its MLflow.
    files
        Folder of the model's files.
    texts
        To ask about.
    """

    folder: Path
    loop: Loop
    tracking_uri: str
    files: Path
    texts: list[str]


def deployed(folder: Path, **sections: Any) -> ServedModel:
    """Train a model on made-up texts, register and deploy it, and return it.

    Parameters
    ----------
    folder
        Where everything is written.
    **sections
        More of the loop file.
    """
    random = np.random.default_rng(0)
    vocabulary = np.array([f"word{number}" for number in range(WORDS)])
    ranks = 1 / np.arange(1, WORDS + 1)
    texts = [" ".join(random.choice(vocabulary, LENGTH, p=ranks / ranks.sum())) for _ in range(ROWS)]
    raw = {
        "name": "wire", "owner": "nobody", "description": "Route a text.", "inputs": {"text": {"type": "text"}},
        "task": {"kind": "classification", "classes": CLASSES}, "logs": {"uri": str(folder / "logs")},
        "training": {"factory": "include.factories:text_classifier"},
    } | sections  # fmt: skip
    loop = Loop.model_validate(raw)
    (folder / "loops").mkdir(parents=True)
    (folder / "loops" / "wire.yaml").write_text(yaml.safe_dump(raw))
    store, tracking_uri = LoopStore(loop, str(folder / "store")), f"sqlite:///{folder}/mlflow/mlflow.db"
    registry = ModelRegistry(tracking_uri, loop)
    run_id = _logged(registry, store, texts, random)
    version = registry.register(run_id, {})
    registry.set_alias(CHAMPION, version)
    digest = registry.files_digest(run_id=run_id, version=version)
    append_deployment(store, Deployment(version, None, "deploy", "a benchmark", "evidence", None, digest))
    (files,) = (folder / "mlflow").rglob(MODEL_FILE)
    if loop.deploy.strategy == "shadow":
        _leave_pending(store, run_id, version, digest)
    return ServedModel(folder, loop, tracking_uri, files.parent, texts)


def _leave_pending(store: LoopStore, run_id: str, version: str, files_digest: str) -> None:
    """Let the gate wait for live requests of a version."""
    record(store, RegisteredVersion(subject="key", outcome="registered", reasons=(), version=version, run_id=run_id))
    scores = Scores(champion=UNKNOWN, challenger=UNKNOWN, difference=UNKNOWN)
    record(store, GateVerdict(
        subject="key", outcome="await_live", reasons=(), dataset="none", champion_version=version, scores=scores, run_id=run_id,
        evaluation="none", round=1, nth=1, k=0, slices=(), files_digest=files_digest,
    ))  # fmt: skip


def _logged(registry: ModelRegistry, store: LoopStore, texts: Sequence[str], random: np.random.Generator) -> str:
    import pandas as pd

    labels = random.choice(CLASSES, len(texts))
    estimator = text_classifier(registry.loop.inputs, 0).fit(pd.DataFrame({"text": texts}), labels)
    rows = rows_of(store.loop, "labels", [{"label_id": "l", "input_text": texts[0]}] * 2)
    return registry.log_challenger("key", estimator, params={}, metrics={}, tags={}, signature_rows=rows)


def in_log(acknowledged: Collection[str], folder: Path) -> dict[str, int]:
    """Return how many acknowledged trace ids are missing from the logs in a folder, and how many lines double another's."""
    lines = (line for path in sorted(folder.rglob("*.jsonl")) for line in path.open("rb"))
    ids = Counter(json.loads(line)["trace_id"] for line in lines)
    return {"missing": len(set(acknowledged) - ids.keys()), "doubled": ids.total() - len(ids)}
