"""A pytest plugin that lets one key of loop files stay at its default, whatever a loop file says: tests of the key then fail.

``FROZEN_KEY=gate.margin python -m pytest -p tests.frozen_key <the key's test>`` shows that the test sees the key's effect.
"""

import os
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from include.foundation.config.loop_file import Loop

STAND_INS: dict[str, Any] = {
    "name": "frozen",
    "owner": "frozen",
    "description": "frozen",
    "task.kind": "frozen",
    "task.classes": ["frozen", "frost"],
    "inputs": {},
    "inputs.type": "categorical",
    "training.factory": "include.factories:frozen",
    "labels.rules.name": "frozen",
    "labels.rules.input": "frozen",
    "labels.rules.when": "frozen",
    "gate.approvers.id": "frozen",
    "gate.approvers.name": "frozen",
    "notify.events": [],
    "notify.notifier": "frozen.Notifier",
}


def keys(model: type[BaseModel] = Loop, above: str = "") -> Iterator[tuple[str, type[BaseModel], str]]:
    """Yield every key that holds a value and no section: its path, the section's class, and its name there."""
    for name, field in model.model_fields.items():
        path = f"{above}{name}"
        inner = [part for part in _parts(field.annotation) if isinstance(part, type) and issubclass(part, BaseModel)]
        if inner:
            yield from keys(inner[0], f"{path}.")
        else:
            yield path, model, name


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def freeze(path: str) -> None:
    """Let a key read as its default, or as a stand-in where it has none."""
    model, name = next((model, name) for key, model, name in keys() if key == path)
    value = model.model_fields[name].get_default(call_default_factory=True)
    frozen = STAND_INS[path] if value is PydanticUndefined else value
    read = model.__getattribute__

    def read_or_frozen(self: Any, attribute: str) -> Any:
        return frozen if attribute == name else read(self, attribute)

    model.__getattribute__ = read_or_frozen


if key := os.environ.get("FROZEN_KEY"):
    freeze(key)
