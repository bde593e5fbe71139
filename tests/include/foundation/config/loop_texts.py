"""Loop files for the tests of their reading."""

from pathlib import Path
from typing import Any

import yaml

VALID = """
name: wire
owner: desk
description: Route stories.
task: {kind: classification, classes: [earn, acq, grain]}
inputs: {text: {type: text}, price: {type: numeric, minimum: 0}, pixels: {type: vector, size: 4}}
logs: {uri: data/wire/logs, columns: {trace_id: meta.id, input.text: body}}
training: {factory: "include.factories:table_classifier", params: {regularisation: 2.0}, seed_labels: data/wire/seed}
segments: [desk, country]
feedback: {uri: data/wire/feedback, columns: {ts: at}}
drift: {reference: dates, reference_dates: [2026-01-01, 2026-01-31], segments: [desk], confirm: 2 of 3}
labels: {rules: [{name: oil, input: text, when: "opec|barrel", deny: [earn]}]}
gate: {slices: [desk], margin: 0.01, approvers: [{id: "7", name: Ada}]}
notify: [{events: [failure], notifier: a.Notifier, params: {path: told.jsonl}}]
"""


def write(folder: Path, text: str, name: str = "wire") -> Path:
    """Write a loop file."""
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def changed(**sections: Any) -> str:
    """Return the valid loop file with keys of its sections replaced; None takes a key out."""
    raw = yaml.safe_load(VALID)
    for key, value in sections.items():
        merged = {**raw.get(key, {}), **value} if isinstance(value, dict) else value
        raw[key] = (
            {name: item for name, item in merged.items() if item is not None} if isinstance(merged, dict) else merged
        )
    return str(yaml.safe_dump({key: value for key, value in raw.items() if value is not None}, allow_unicode=True))
