"""A pytest plugin that runs tests while a key of loop files stays at its default, whatever a loop file says.

`SHOWN_BY` names a test of every key's effect. ``python -m tests.frozen_key`` runs each while its key is frozen: it has to fail
then. A test that passes does not look at the key, and is reported as XPASS. ``FROZEN='{"key": "test"}'`` tries others.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from include.foundation.config.loop_file import Loop
from tests.contracts.shown_by import SHOWN_BY

CHOSEN: dict[str, str] = json.loads(os.environ.get("FROZEN", "null")) or SHOWN_BY
ARGUMENT = "frozen_key"

STAND_INS: dict[str, Any] = {
    "name": "frozen",
    "owner": "frozen",
    "description": "frozen",
    "task.kind": "frozen",
    "task.classes": ["frozen", "frost"],
    "inputs": {},
    "inputs.type": "categorical",
    "training.factory": "include.factories:frozen",
    "labeling.job.role_arn": "arn:aws:iam::000000000000:role/frozen",
    "labeling.job.workteam_arn": "arn:aws:sagemaker:eu-west-1:000000000000:workteam/frozen",
    "labeling.job.ui_template_s3_uri": "s3://frozen/template",
    "labels.rules.name": "frozen",
    "labels.rules.input": "frozen",
    "labels.rules.when": "frozen",
    "escalation.tiers.name": "frozen",
    "escalation.high_stakes.name": "frozen",
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


def freeze(path: str, patch: pytest.MonkeyPatch) -> None:
    """Let a key read as its default, or as a stand-in where it has none."""
    model, name = next((model, name) for key, model, name in keys() if key == path)
    value = model.model_fields[name].get_default(call_default_factory=True)
    frozen = STAND_INS[path] if value is PydanticUndefined else value
    read = model.__getattribute__
    patch.setattr(model, "__getattribute__", lambda self, other: frozen if other == name else read(self, other))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let each test be run once for each key that it, or one of its cases, shows."""
    test = metafunc.definition.nodeid
    shown = [key for key, shown_by in CHOSEN.items() if shown_by.split("[")[0] == test]
    marks = {key: pytest.mark.xfail(strict=True, reason=f"{key} is frozen") for key in shown}
    metafunc.fixturenames.append(ARGUMENT)
    metafunc.parametrize(ARGUMENT, [pytest.param(key, marks=mark, id=key) for key, mark in marks.items()])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep one case for each key: the one that is named, or the first.

    Raises
    ------
    pytest.UsageError
        If there is none.
    """
    found = {key: _case(items, key, test) for key, test in CHOSEN.items()}
    if gone := [CHOSEN[key] for key, item in found.items() if item is None]:
        raise pytest.UsageError(f"there is no {', no '.join(gone)}; mend tests/contracts/shown_by.py")
    items[:] = [item for item in items if item in found.values()]


def _case(items: Iterable[pytest.Item], key: str, test: str) -> pytest.Item | None:
    name, _, case = test.partition("[")
    begins = (f"{name}[{key}-{case}",) if case else (f"{name}[{key}]", f"{name}[{key}-")
    return next((item for item in items if item.nodeid.startswith(begins)), None)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Freeze the key while the test runs, and not while what it needs is made."""
    with pytest.MonkeyPatch.context() as patch:
        freeze(str(pyfuncitem.callspec.params[ARGUMENT]), patch)
        return (yield)


def command_line(chosen: Mapping[str, str], *more: str) -> list[str]:
    """Return the arguments of pytest that run the tests of some keys."""
    tests = sorted({test.split("[")[0] for test in chosen.values()})
    return ["-q", "-p", "no:cacheprovider", "-p", "tests.frozen_key", *more, *tests]


if __name__ == "__main__":
    sys.exit(pytest.main(command_line(CHOSEN, *sys.argv[1:])))
