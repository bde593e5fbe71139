"""The edges at which lines come in, with their good lines and what they make of others: for tests that treat all alike."""

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from include.foundation.lines.values import pseudonym
from include.foundation.store.person_keys import Role, person_key
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.labeling.backends import backend_for
from include.stages.labeling.collecting import CollectReport, collect_annotations
from include.stages.labels.seeds import admit_seed_labels
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.pulling import plan_pull, pull_logs
from include.stages.logs.scans.file_scan import Scan
from tests.builders import DAY, KEY, day, make_store
from tests.include.stages.logs.log_builders import make_pull

CLASSES = ["0", "1", "étude", "x" * 200]
REQUESTS = ["r", "5", "6", "5.0", "1.5", "true", " x ", "9007199254740993", "NaN"]
NOON = "2026-03-10T12:00:00Z"


@dataclass(frozen=True)
class Edge:
    """One edge.

    Attributes
    ----------
    name
        Of the edge.
    folder
        Where its files lie.
    table
        Where its lines go, and ``mark`` is the column that tells which line a row is of.
    good
        Returns a good line by its number.
    read
        Reads what is in the folder.
    told
        Returns what is told of that which is not read.
    fields
        The key in a line, and the column, of each kind of field that the edge has.
    role
        In which the edge knows people.
    careful
        Whether every line is to be read without DuckDB.
    backend
        Of labeling.
    """

    name: str
    folder: str
    table: str
    mark: str
    good: Callable[[int], dict[str, Any]]
    read: Callable[[LoopStore], object]
    told: Callable[[LoopStore], Sequence[str]]
    fields: dict[str, tuple[str, str]]
    role: Role = "user"
    careful: bool = False
    backend: str = "files"

    def store(self, folder: Path) -> LoopStore:
        """Return the empty store of the edge's loop, whose folders exist."""
        for name in ("logs", "feedback", "labeling/answers", "seeds"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        store = make_store(
            folder,
            task={"classes": CLASSES},
            feedback={"uri": str(folder / "feedback")},
            training={"seed_labels": str(folder / "seeds")},
            labeling={"backend": self.backend},
        )
        if self.table == "annotations":
            store.append_new("requests", rows_of(store.loop, "requests", [_request(name) for name in REQUESTS]))
        return store

    def write(self, folder: Path, lines: Sequence[Any], name: str = "a.jsonl") -> Path:
        """Write lines, each a record or bytes, into the edge's folder."""
        path = folder / self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
        )
        return path

    def take(self, store: LoopStore) -> None:
        """Read what is in the edge's folder."""
        with patch.object(Scan, "query", _stopped) if self.careful else nullcontext():
            self.read(store)

    def taken(self, store: LoopStore, column: str | None = None) -> dict[int, Any]:
        """Return a column of the rows that were taken, by the number of their line."""
        rows = store.read(self.table).to_pylist()
        return {int(row[self.mark].rsplit(" ", 1)[1]): row[column or self.mark] for row in rows}

    def refused(self, store: LoopStore) -> dict[int | None, str]:
        """Return the codes of the lines that were refused, by the number of the line in its file."""
        return {row["line"]: row["reason_code"] for row in store.read("quarantine").to_pylist()}

    def person(self, store: LoopStore, name: str) -> str:
        """Return the pseudonym of a person at the edge."""
        return pseudonym(name, person_key(store, KEY, self.role))


def _request(name: str) -> dict[str, Any]:
    return {
        "request_id": name, "batch_id": "b", "trace_id": f"trace of {name}", "tier": 1, "stratum": "random",
        "split": "holdout", "inclusion_probability": 1.0, "reasons": [], "hidden_prelabel": True, "content_key": name,
        "asked_at": DAY,
    }  # fmt: skip


def _stopped(*_: object) -> str:
    return "SELECT error('every line is to be read with care')"


def _log_line(number: int) -> dict[str, Any]:
    return {
        "trace_id": f"t{number}", "ts": NOON, "model_version": f"v {number}", "input": {"text": f"text {number}"},
        "prediction": "1", "user_id": f"u{number}", "context": {"page": number}, "metadata": {}, "error": "", "impact": 1,
        "source_id": "s",
    }  # fmt: skip


def _feedback_line(number: int) -> dict[str, Any]:
    return {
        "feedback_id": f"f{number}", "trace_id": f"t{number}", "ts": NOON, "kind": "explicit", "signal": f"s {number}",
        "user_id": f"u{number}", "consent": True, "comment": "none",
    }  # fmt: skip


def _answer_line(number: int) -> dict[str, Any]:
    return {
        "request_id": "r", "annotator": f"u{number}", "label": "1", "created_at": NOON, "comment": f"c {number}",
        "lead_time_seconds": 1,
    }  # fmt: skip


def _manifest_line(number: int) -> dict[str, Any]:
    metadata = {
        "class-name": "1", "confidence": number, "human-annotated": "yes", "creation-date": f"{NOON[:-1]}.{number:06}",
    }  # fmt: skip
    return {"source": "text", "request_id": "r", "label": "1", "label-metadata": metadata}


def _seed_line(number: int) -> dict[str, Any]:
    return {"input": {"text": f"text {number}"}, "label": "1", "ts": NOON}


def _collected(store: LoopStore) -> CollectReport:
    return collect_annotations(store, backend_for(store.loop, None), KEY)


LOG_FIELDS = {
    "id": ("trace_id", "trace_id"), "class": ("prediction", "predicted"), "time": ("ts", "ts"),
    "person": ("user_id", "user_key"),
}  # fmt: skip
EDGES = [
    Edge(
        "logs", "logs", "predictions", "model_version", _log_line, lambda store: pull_logs(store, day(), KEY),
        lambda store: plan_pull(make_pull(store)).warnings, LOG_FIELDS,
    ),
    Edge(
        "logs line by line", "logs", "predictions", "model_version", _log_line,
        lambda store: pull_logs(store, day(), KEY), lambda store: plan_pull(make_pull(store)).warnings, LOG_FIELDS,
        careful=True,
    ),
    Edge(
        "feedback", "feedback", "feedback", "signal", _feedback_line, lambda store: pull_feedback(store, day(), KEY),
        lambda store: pull_feedback(store, day(), KEY).warnings,
        {"id": ("trace_id", "trace_id"), "time": ("ts", "ts"), "person": ("user_id", "user_key"),
         "truth": ("consent", "signal")},
    ),
    Edge(
        "answers", "labeling/answers", "annotations", "comment", _answer_line,
        _collected, lambda store: _collected(store).passed_over,
        {"id": ("request_id", "request_id"), "class": ("label", "label"), "time": ("created_at", "created_at"),
         "person": ("annotator", "annotator"), "seconds": ("lead_time_seconds", "lead_time_seconds")},
        role="annotator",
    ),
    Edge(
        "manifests", "labeling/answers", "annotations", "comment", _manifest_line,
        _collected, lambda store: _collected(store).passed_over, {"id": ("request_id", "request_id")},
        role="annotator", backend="manifests",
    ),
    Edge(
        "seeds", "seeds", "labels", "input_text", _seed_line, admit_seed_labels,
        lambda store: admit_seed_labels(store).passed_over,
        {"class": ("label", "label"), "time": ("ts", "ts")},
    ),
]  # fmt: skip
