"""Drawn contents in the tables: what is asked, answered, set aside."""

from datetime import timedelta
from typing import Any

import numpy as np

from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from tests.include.stages.evaluation.judged_builders import CLASSES, DAY


def annotate(store: LoopStore, said: dict[int, list[str]]) -> None:
    """Store the answers to each content, one of each annotator."""
    rows = [
        {"annotation_id": f"{number}-{who}", "request_id": f"r{number}", "trace_id": f"t{number:05d}", "label": label,
         "annotator": f"ann{who}", "created_at": DAY + timedelta(days=1), "source": "answers.jsonl"}
        for number, labels in said.items() for who, label in enumerate(labels)
    ]  # fmt: skip
    store.append_new("annotations", rows_of(store.loop, "annotations", rows))


def ask(store: LoopStore, rows: list[dict[str, Any]]) -> None:
    """Store drawn rows as logged, drawn and asked."""
    inputs = {"input_text", "input_champion", "input_challenger", "segment_desk"}
    logged, requests, draws = [], [], []
    for row in rows:
        same = {"trace_id": row["trace_id"], "ts": row["ts"], "predicted": "a", "model_version": "1"}
        drawn = {"inclusion_probability": row["inclusion_probability"], "content_key": row["content_key"]}
        logged.append({name: row[name] for name in inputs} | same | {"day": f"{row['ts']:%Y-%m-%d}"})
        draws.append(
            same | drawn | {"batch_id": "b", "stratum": "random", "drawn_at": DAY, "asked_trace_id": row["trace_id"]}
        )
        requests.append(drawn | {
            "request_id": f"r{int(row['trace_id'][1:])}", "batch_id": "b", "tier": 1, "stratum": "random", "split": "holdout",
            "reasons": [], "hidden_prelabel": True, "asked_at": DAY, "pushed_at": DAY, "trace_id": row["trace_id"],
            "ts": row["ts"],
        })  # fmt: skip
    for table, records in (("predictions", logged), ("requests", requests), ("draws", draws)):
        store.append_new(table, rows_of(store.loop, table, records))


def set_aside(store: LoopStore, number: int) -> None:
    row = {"refusal_id": f"f{number}", "stage": "labels", "source": f"r{number}", "trace_id": f"t{number:05d}",
           "reason_code": "ambiguous", "reason": "ambiguous", "raw": "{}"}  # fmt: skip
    store.append_new("quarantine", rows_of(store.loop, "quarantine", [row]))


def answers_of(generator: np.random.Generator, truth: str, accuracies: list[float]) -> list[str]:
    wrong = [name for name in CLASSES if name != truth]
    return [truth if generator.random() < accuracy else str(generator.choice(wrong)) for accuracy in accuracies]
