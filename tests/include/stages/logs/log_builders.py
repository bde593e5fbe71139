"""Loops with every kind of input, lines for them, and what a file's lines become when they are read."""

import json
import tempfile
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

from include.foundation.config.loop_file import Loop
from include.foundation.lines.line_files import Line
from include.foundation.lines.sources import Access, LogFile
from include.foundation.lines.values import pseudonym
from include.foundation.store.tables import LoopStore
from include.stages.logs.landing.staging import Staging
from include.stages.logs.pull import Pull
from include.stages.logs.quarantine import RefusedLine
from include.stages.logs.scans.file_scan import Scan
from include.stages.logs.slices.file_slices import Slice
from tests.builders import KEY, day, make_loop

WRITTEN = datetime(2026, 3, 12, tzinfo=UTC)
ODD = ["earn", 'it\'s "odd"', "a.b", "naïve 類", "either/or ~", "7"]
ABSENT = object()


def rich_loop(folder: Path, *, required: bool = True, **sections: Any) -> Loop:
    """Return a loop with an input of every type, bounds, two segments, and classes with odd names."""
    inputs = {
        "text": {"type": "text", "required": required},
        "amount": {"type": "numeric", "required": required, "minimum": -5.0, "maximum": 1e6},
        "kind": {"type": "categorical", "required": required},
        "vec": {"type": "vector", "size": 3, "required": required, "minimum": -2.0},
        "free": {"type": "numeric", "required": False},
    }
    task, segments = {"classes": ODD}, ["desk", "lang"]
    return make_loop(folder, **{"task": task, "inputs": inputs, "segments": segments, **sections})


def rich_line(number: int, *, changes: Any = None) -> dict[str, Any]:
    """Return a whole line of `rich_loop`; changes are by path, and ABSENT takes a key out."""
    found: dict[str, Any] = {
        "trace_id": f"t{number}",
        "ts": "2026-03-10T03:00:00+00:00",
        "model_version": "1.10",
        "input": {"text": "hello", "amount": 3.5, "kind": "k", "vec": [1, 2.5, -0.0], "free": 1},
        "prediction": "earn",
        "probabilities": dict(zip(ODD, [0.5, 0.1, 0.1, 0.1, 0.1, 0.1], strict=True)),
        "segments": {"desk": "eu", "lang": "en"},
        "user_id": "u1",
        "embedding": [0.1, 0.2],
        "context": {"page": {"tags": ["a", None], "ms": 1e22}, "tab": "\u00e9 \x1f /"},
        "error": None,
        "metadata": {"cost": 0.5},
        "impact": 12.5,
        "source_id": "device 7",
    }
    for path, value in (changes or {}).items():
        _put(found, path, value)
    return found


def _put(record: Any, path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        record = record.get(name) if isinstance(record, dict) else None
    if not isinstance(record, dict):
        return
    if value is ABSENT:
        record.pop(path[-1], None)
    else:
        record[path[-1]] = value


def encoded(record: Any, *, escaped: bool = True) -> bytes:
    """Return a record as a line of bytes."""
    return json.dumps(record, ensure_ascii=escaped).encode("utf-8", "surrogatepass")


def slice_of(path: Path, start: int = 0, end: int | None = None) -> Slice:
    """Return a slice of a local file, the whole by default."""
    status = path.stat()
    file = LogFile(path.name, str(path), WRITTEN, status.st_size, f"{status.st_size}-{status.st_mtime_ns}")
    return Slice(file, start, status.st_size if end is None else end)


def outcome(loop: Loop, path: Path, *, careful: bool = False) -> tuple[dict[Any, str], int]:
    """Return what became of each line of a file, by place, and the number of lines; ``careful`` keeps the scan from working."""
    refused: list[RefusedLine] = []

    def keep(lines: Iterable[RefusedLine]) -> int:
        refused.extend(lines)
        return len(refused)

    with (
        patch.object(Scan, "query", _stopped) if careful else nullcontext(),
        tempfile.TemporaryDirectory() as folder,
        Staging(make_pull(LoopStore(loop, folder)), Path(folder), keep) as staging,
    ):
        staging.read([slice_of(path)])
        rows = {row.pop("number"): f"row {row}" for row in _staged(staging)}
        part = staging.parts[0]
    assert len(rows) + part.refused == part.lines
    assert part.refused == len(refused)
    refusals = {f"line {line.number}": f"refused {_problems(line)} {line.raw}" for _, line in refused}
    return rows | refusals, part.lines


def make_pull(store: LoopStore, kind: Literal["logs", "feedback"] = "logs", access: Access | None = None) -> Pull:
    """Return the pull of the first day."""
    return Pull(kind, store, day(), KEY, access or Access())


def _problems(line: Line) -> list[tuple[str, str]]:
    return [(problem.code, problem.reason) for problem in line.problems]


def _stopped(*_: object) -> str:
    return "SELECT error('every line is to be read with care')"


def _staged(staging: Staging) -> list[dict[str, Any]]:
    names = [field.name for field in staging.columns] + ["user_id", "number"]
    query = ", ".join("epoch_us(ts) AS ts" if name == "ts" else f'"{name}"' for name in names)
    rows = staging.connection.execute(f"SELECT {query} FROM staged ORDER BY number").fetchall()
    staged = [dict(zip(names, row, strict=True)) for row in rows]
    return [row | {"user_id": _pseudonym(row["user_id"])} for row in staged]


def _pseudonym(user_id: str | None) -> str | None:
    return None if user_id is None else pseudonym(user_id, KEY)
