"""Loops, models and labeled rows for the tests of evaluation and gate: what a model answers is written in the row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.models.loaded_model import LoadedModel
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.labels.datasets import Dataset
from tests.builders import make_tiny_loop

CLASSES = ("a", "b", "c")
DAY = datetime(2026, 11, 1, tzinfo=UTC)


def make_judged_loop(**gate: Any) -> Loop:
    inputs = {"text": {"type": "text"}, "champion": {"type": "numeric"}, "challenger": {"type": "numeric"}}
    return make_tiny_loop(
        CLASSES, name="judged", description="Compare two models.", inputs=inputs, segments=["desk"], gate=gate
    )


def make_judged_store(tmp_path: Path, **gate: Any) -> LoopStore:
    return LoopStore(make_judged_loop(**gate), str(tmp_path / "store"))


@dataclass
class AnswersOfColumn:
    """An estimator that answers what a numeric column says, always with the same confidence."""

    column: str
    confidence: float = 0.8
    classes_: Sequence[str] = field(default=CLASSES)

    def predict_proba(self, frame: Any) -> Any:
        classes = frame[self.column].to_numpy().astype(int)
        per_other_class = (1 - self.confidence) / (len(self.classes_) - 1)
        return np.where(np.eye(len(self.classes_))[classes] == 1, self.confidence, per_other_class)


def champion_of(loop: Loop, version: str = "1") -> LoadedModel:
    return LoadedModel(loop, version, "run-1", "key-of-champion", AnswersOfColumn("champion"))


def challenger_of(loop: Loop, key: str = "key-2", column: str = "challenger", confidence: float = 0.8) -> LoadedModel:
    return LoadedModel(loop, None, "run-2", key, AnswersOfColumn(column, confidence))


def word_of(number: int) -> str:
    """Return a word without digits, for near duplicates are compared without them."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def answered_row(number: int, answers: str, **overrides: Any) -> dict[str, Any]:
    """One label; ``answers`` is three letters: the truth, what the champion says, what the challenger says."""
    truth, champion, challenger = tuple(answers)
    return {
        "label_id": f"l{number:05d}",
        "trace_id": f"t{number:05d}",
        "label": truth,
        "decided_by": "majority",
        "origin": "annotation",
        "split": "holdout",
        "stratum": "random",
        "inclusion_probability": 0.2,
        "content_key": f"c{number}",
        "ts": DAY + timedelta(minutes=number),
        "decided_at": DAY + timedelta(days=1),
        "segment_desk": "eu",
        "input_text": word_of(number),
        "input_champion": float(CLASSES.index(champion)),
        "input_challenger": float(CLASSES.index(challenger)),
    } | overrides


def answered_rows(answers: str, start: int = 0, **overrides: Any) -> list[dict[str, Any]]:
    """Rows for words such as ``"aab aaa*5"``: five of the second."""
    words: list[str] = []
    for part in answers.split():
        word, _, times = part.partition("*")
        words += [word] * int(times or 1)
    return [answered_row(start + place, word, **overrides) for place, word in enumerate(words)]


def dataset_of(loop: Loop, rows: Sequence[dict[str, Any]]) -> Dataset:
    """Split rows as `read_dataset` does."""
    parts = {name: [row for row in rows if row["split"] == name] for name in ("train", "holdout")}
    tables: dict[str, pa.Table] = {name: rows_of(loop, "labels", part) for name, part in parts.items()}
    return Dataset("0" * 64, 1, tables["train"], tables["holdout"])


def log_answers(store: LoopStore, answers: str, start: int = 1000, days: float = 0.0, text: str | None = None) -> None:
    """Log predictions; the first letter of a word, the truth, is not known there. All have another text if none is given."""
    ts = DAY + timedelta(days=days)
    rows = [
        {
            "trace_id": f"p{start + place:05d}",
            "ts": ts,
            "day": ts.date().isoformat(),
            "model_version": "1",
            "predicted": CLASSES[int(row["input_champion"])],
            "input_text": text or word_of(start + place),
            "input_champion": row["input_champion"],
            "input_challenger": row["input_challenger"],
        }
        for place, row in enumerate(answered_rows(answers))
    ]
    store.append_new("predictions", rows_of(store.loop, "predictions", rows))
