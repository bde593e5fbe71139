"""The only way tests make loops, stores and log lines: small, deterministic, keyword-only."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.intervals import Interval
from include.foundation.store.tables import LoopStore

CLASSES = ["earn", "acq", "grain"]
DAY = datetime(2026, 3, 10, tzinfo=UTC)
KEY = b"a key for pseudonyms in tests"


def make_loop(folder: Path, **overrides: Any) -> Loop:
    """Return a loop on one text input whose folders lie below ``folder``; overrides replace keys of sections."""
    raw: dict[str, Any] = {
        "name": "wire",
        "owner": "desk",
        "description": "Route stories.",
        "task": {"kind": "classification", "classes": CLASSES},
        "inputs": {"text": {"type": "text"}},
        "logs": {"uri": str(folder / "logs"), "clock_skew_seconds": 300},
        "training": {"factory": "include.factories:text_classifier", "seed_labels": None},
        "segments": ["desk"],
        "labeling": {"backend": "files", "uri": str(folder / "labeling")},
    }
    for key, value in overrides.items():
        raw[key] = {**raw.get(key, {}), **value} if isinstance(value, dict) and key != "inputs" else value
    return Loop.model_validate(raw)


def make_tiny_loop(classes: Sequence[str], **sections: Any) -> Loop:
    """Return a loop on one text input, called ``tiny``, whose paths lead nowhere; sections replace whole ones."""
    raw: dict[str, Any] = {
        "name": "tiny",
        "owner": "nobody",
        "description": "Route a line to a desk.",
        "task": {"kind": "classification", "classes": list(classes)},
        "inputs": {"text": {"type": "text"}},
        "logs": {"uri": "logs"},
        "training": {"factory": "include.factories:text_classifier"},
    }
    return Loop.model_validate(raw | sections)


def make_store(folder: Path, **overrides: Any) -> LoopStore:
    """Return the empty store of `make_loop`; its log folder exists."""
    (folder / "logs").mkdir(exist_ok=True)
    return LoopStore(make_loop(folder, **overrides), str(folder / "store"))


def day(number: int = 0) -> Interval:
    """Return the interval of one day."""
    return Interval(DAY + timedelta(days=number), DAY + timedelta(days=number + 1))


def line(number: int, *, when: datetime = DAY + timedelta(hours=3), **changes: Any) -> dict[str, Any]:
    """Return one log line; a change of None takes the key out."""
    found = {
        "trace_id": f"t{number}",
        "ts": when.isoformat(),
        "model_version": "1",
        "input": {"text": f"story number {'x' * (number % 7)} {chr(97 + number % 26)}{chr(97 + number // 26 % 26)}"},
        "prediction": CLASSES[number % 3],
        "probabilities": dict(zip(CLASSES, [0.6, 0.3, 0.1], strict=True)),
        "segments": {"desk": ["eu", "us"][number % 2]},
        "user_id": f"u{number % 5}",
        **changes,
    }
    return {key: value for key, value in found.items() if value is not None}


def write_lines(folder: Path, lines: list[Any], name: str = "log.jsonl") -> Path:
    """Write lines, each a dict, a text or bytes, into the log folder."""
    path = folder / "logs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = [
        item if isinstance(item, bytes) else (item if isinstance(item, str) else json.dumps(item)).encode()
        for item in lines
    ]
    path.write_bytes(b"".join(text + b"\n" for text in raw))
    return path
