"""Small logged windows to select from: every text says something else unless a test makes it repeat."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from include.foundation.config.loop_file import Loop
from include.foundation.intervals import Interval
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.selection.frame import Candidates, frame_of
from tests.builders import make_tiny_loop

CLASSES = ("acq", "earn", "ship")
TAXONOMY = Taxonomy.of(make_tiny_loop(CLASSES).task).digest
DAY = datetime(2026, 11, 1, tzinfo=UTC)


def make_selection_loop(**sections: Any) -> Loop:
    return make_tiny_loop(CLASSES, **{"selection": {"budget": 10, "random_share": 0.4}} | sections)


def day_interval(number: int = 0, days: int = 1) -> Interval:
    start = DAY + timedelta(days=number)
    return Interval(start, start + timedelta(days=days))


def letters(number: int) -> str:
    """Return a word of its own for each number; digits would all read as the same."""
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:05d}")


def prediction_row(number: int, *, day: int = 0, **overrides: Any) -> dict[str, Any]:
    """One logged prediction, ``number`` seconds into its day, less sure the larger ``number % 50`` is."""
    ts = DAY + timedelta(days=day, seconds=number)
    largest = 0.95 - 0.01 * (number % 50)
    chances = [largest, (1 - largest) * 0.75, (1 - largest) * 0.25]
    return {
        "trace_id": f"d{day}-{number:05d}",
        "ts": ts,
        "day": ts.date().isoformat(),
        "model_version": "1",
        "predicted": CLASSES[0],
        "confidence": largest,
        "probabilities": chances,
        "taxonomy": TAXONOMY,
        "input_text": f"word{letters(number)} also{letters(number)} on day {letters(day)}",
    } | overrides


def prediction_rows(count: int, *, day: int = 0, **overrides: Any) -> list[dict[str, Any]]:
    return [prediction_row(number, day=day, **overrides) for number in range(count)]


def make_selection_store(
    folder: Path, rows: Sequence[Mapping[str, Any]], *, loop: Loop | None = None, seed: int | None = None
) -> LoopStore:
    """Return a store that has these predictions, written in an order that ``seed`` shuffles."""
    store = LoopStore(loop or make_selection_loop(), str(folder / "store"))
    order: Iterable[int] = range(len(rows)) if seed is None else np.random.default_rng(seed).permutation(len(rows))
    add_rows(store, "predictions", [rows[place] for place in order])
    return store


def add_rows(store: LoopStore, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    store.append_new(name, rows_of(store.loop, name, rows))


def sampling_frame(store: LoopStore, filters: Filter, seed: object) -> Candidates:
    """Return the frame of the stored predictions that meet some filters."""
    return frame_of(store, store.read("predictions", filters=filters), seed)


def report_row(trace_id: str, **overrides: Any) -> dict[str, Any]:
    """One user's signal about a prediction."""
    return {
        "feedback_id": f"f-{trace_id}-{overrides.get('signal', 'report')}",
        "trace_id": trace_id,
        "ts": DAY + timedelta(hours=20),
        "kind": "explicit",
        "signal": "report",
        "comment": "wrong desk",
    } | overrides


def requests_of(store: LoopStore, **conditions: Any) -> list[dict[str, Any]]:
    requests: list[dict[str, Any]] = store.read(
        "requests", filters=[(name, "=", value) for name, value in conditions.items()] or None
    ).to_pylist()
    return requests


def say(text: str) -> None:
    """Show the numbers of a simulation, with ``-rP`` or when it fails."""
    sys.stdout.write(text + "\n")
