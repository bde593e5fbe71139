"""Whether rows are such as the loop lets in: whatever is answered, a pull must take."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.messages import Instance, demand_shallow
from gateway.refusals import Refusal
from include.foundation.config.data_sections import FREE_OBJECTS
from include.foundation.config.loop_file import Loop
from include.foundation.config.sections import Input
from include.foundation.errors import did_you_mean, short
from include.foundation.lines.fields import read_input
from include.foundation.lines.free_fields import read_object
from include.foundation.lines.values import Problem


def checked_rows(loop: Loop, instances: Sequence[Instance]) -> list[dict[str, Any]]:
    """Return the inputs of each row as a model takes them: with every input of the loop, None where it is not given.

    Parameters
    ----------
    loop
        Says which inputs there are.
    instances
        As they came.

    Raises
    ------
    Refusal
        422 with every problem of every row.
    """
    problems: list[str] = []
    rows = [_row(loop, instance.input, place, problems) for place, instance in enumerate(instances)]
    for place, instance in enumerate(instances):
        problems += [f"row {place}: {problem.reason}" for problem in _of_free_objects(instance)]
    if problems:
        raise Refusal(422, f"The rows are not what loop {loop.name} takes", problems)
    return rows


def _row(loop: Loop, given: Mapping[str, Any], place: int, problems: list[str]) -> dict[str, Any]:
    wrong: list[Problem] = []
    row = {name: _value(name, item, given.get(name), wrong) for name, item in loop.inputs.items()}
    problems += [f"row {place}: {problem.reason}" for problem in wrong]
    if len(row) < len(given.keys() | row.keys()):
        problems += [
            f"row {place}: input.{name}: no such input{did_you_mean(name, row)}" for name in given if name not in row
        ]
    if not problems and all(value is None for value in row.values()):
        problems.append(f"row {place}: input: no value of any input")
    return row


def _of_free_objects(instance: Instance) -> list[Problem]:
    """Return what is wrong with what a client may add as it likes: a pull keeps so many characters of it."""
    wrong: list[Problem] = []
    for name in FREE_OBJECTS:
        if (value := getattr(instance, name)) is not None:
            demand_shallow(name, value)
            read_object(name, value, wrong)
    return wrong


def _value(name: str, item: Input, value: Any, wrong: list[Problem]) -> Any:
    """Return a value by the rules of log lines, but that texts are no numbers: JSON has types."""
    if value is not None and not _has_type(item, value):
        wrong.append(Problem("bad_input", f"input.{name}: got {short(value)}, expected {EXPECTED[item.type]}"))
        return None
    return read_input(name, item, value, wrong)


def _has_type(item: Input, value: Any) -> bool:
    if item.type == "text":
        return isinstance(value, str)
    if item.type == "categorical":
        return isinstance(value, str | bool | int) or _is_number(value)
    if item.type == "vector":
        return isinstance(value, list) and all(map(_is_number, value))
    return _is_number(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond what a double holds
        return False


EXPECTED = {
    "text": "a text",
    "categorical": "a text, a number, true or false",
    "numeric": "a finite number",
    "vector": "a list of finite numbers",
}
