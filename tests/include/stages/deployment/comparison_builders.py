"""A loop whose champion replaced a predecessor, and rows that it served: what each of the two answers is written in a row."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

from include.foundation.decisions import ComparedDay, find
from include.foundation.models.loaded_model import LoadedModel
from include.foundation.models.registry import ModelRegistry
from include.foundation.store.ledgers.deployments import Deployment, Promise, append_deployment
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from tests.include.stages.evaluation.judged_builders import (
    CLASSES,
    DAY,
    AnswersOfColumn,
    answered_rows,
    make_judged_loop,
    word_of,
)

PROMISE = Promise(0.8, 0.75, 0.85)


def make_replaced_store(tmp_path: Path, *, promised: Promise | None = PROMISE, **deploy: Any) -> LoopStore:
    """Return the store of a loop whose version 2 replaced version 1 before anything was logged."""
    loop = make_judged_loop()
    loop = loop.model_copy(update={"deploy": loop.deploy.model_copy(update=deploy)})
    store = LoopStore(loop, str(tmp_path / "store"))
    append_deployment(store, Deployment("1", None, "deploy", "first", "first", promised, "digest-1"))
    append_deployment(store, Deployment("2", "1", "deploy", "better", "second", promised, "digest-2"))
    return store


def registry_of(store: LoopStore) -> Any:
    """Return a registry whose version 1 answers what the column ``champion`` says."""
    registry = Mock(spec=ModelRegistry, loop=store.loop)
    registry.run_of.side_effect = {"1": "run-1", "2": "run-2"}.get
    registry.load.return_value = LoadedModel(store.loop, "1", "run-1", "key-1", AnswersOfColumn("champion"))
    return registry


def serve(store: LoopStore, answers: str, day: int = 0, version: str = "2", **more: Any) -> None:
    """Log a day's rows: the truth, what version 1 would answer, and what was answered, as in ``"aba*5"``."""
    rows = []
    for place, row in enumerate(answered_rows(answers)):
        number, ts = 1000 * (day + 100) + place, DAY + timedelta(days=day, minutes=place)
        rows.append(
            {
                "trace_id": f"{row['label']}-{number:06d}", "ts": ts, "day": ts.date().isoformat(), "model_version": version,
                "predicted": CLASSES[int(row["input_challenger"])], "input_text": word_of(number),
                "input_champion": row["input_champion"], "input_challenger": row["input_challenger"],
            } | more
        )  # fmt: skip
    store.append_new("predictions", rows_of(store.loop, "predictions", rows))


def answer_requests(store: LoopStore, wrong: Mapping[str, str] | None = None) -> int:
    """Label every request that has no label yet with the truth, which its trace id tells; return how many there were."""
    labeled = set(store.read("labels", columns=["request_id"]).column("request_id").to_pylist())
    waiting = [row for row in store.read("requests").to_pylist() if row["request_id"] not in labeled]
    rows = [
        {
            "label_id": f"l-{row['request_id']}", "label": (wrong or {}).get(row["trace_id"], row["trace_id"][0]),
            "decided_by": "majority", "origin": "annotation", "decided_at": row["asked_at"],
            "ts": row["ts"] or DAY, **{name: row[name] for name in COPIED},
        }
        for row in waiting
    ]  # fmt: skip
    store.append_new("labels", rows_of(store.loop, "labels", rows))
    return len(rows)


COPIED = (
    "request_id", "trace_id", "split", "stratum", "inclusion_probability", "evidence_for", "content_key", "near_key",
    "group_key",
)  # fmt: skip


def compared(store: LoopStore) -> list[ComparedDay]:
    return find(store, ComparedDay)
