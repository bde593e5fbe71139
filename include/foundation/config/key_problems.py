"""Everything that is wrong with the keys of one loop file, each with its line, what was got, and what was expected."""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any

from pydantic import BaseModel, ValidationError

from include.foundation.config.agreements import disagreements, overlap
from include.foundation.config.loop_file import Loop
from include.foundation.config.strict_yaml import Path, YamlText, dotted
from include.foundation.errors import ConfigError, did_you_mean, short

ROUNDS = 50
STAND_IN: Any = {
    "name": "stand-in",
    "owner": "nobody",
    "description": "Stands in for what is missing, so that the rest can be judged.",
    "task": {"kind": "classification", "classes": ["a", "b"]},
    "inputs": {"stand_in": {"type": "text"}},
    "logs": {"uri": "logs"},
    "training": {"factory": "module:function"},
}


def valid_loop(document: YamlText, name: str) -> Loop:
    """Return the loop that a file describes.

    Parameters
    ----------
    document
        The file's text as it was read.
    name
        The file's stem, which is the loop's name.

    Raises
    ------
    ConfigError
        With every problem, in the order of the file: what YAML misreads, what a key may not be, and what keys disagree on.
    """
    raw = document.value
    if not isinstance(raw, dict):
        kind = "nothing" if raw is None else f"a {type(raw).__name__}"
        raise ConfigError("is not a loop file", [f"got {kind}, expected a mapping of the keys of a loop file"])
    problems = list(document.problems)
    misread = [path for path, _ in problems]
    loop, wrong = _as_far_as_valid(raw)
    problems += [(path, text) for path, text in _told(wrong, document) if path not in misread]
    known = [dotted(path) for path, _ in problems if path]
    if loop is not None:
        problems += [(_path(key, document), text) for key, text in disagreements(loop, known)]
        if loop.name != name and "name" not in known:
            problems.append((("name",), f"got {loop.name!r}, expected {name!r}: the file's stem is the loop's name"))
    if problems or loop is None:
        raise ConfigError("is not a valid loop file", _in_order(problems, document))
    return loop


def _in_order(problems: Iterable[tuple[Path, str]], document: YamlText) -> list[str]:
    """Return the problems as sentences with their lines, in the order of the file."""
    told = dict.fromkeys((document.lines.get(_nearest(path, document), 1), path, text) for path, text in problems)
    return [f"line {line}: {dotted(path)}: {text}" for line, path, text in sorted(told, key=lambda each: each[0])]


def _nearest(path: Path, document: YamlText) -> Path:
    """Return the path, or the longest beginning of it that is written in the file."""
    while path and path not in document.lines:
        path = path[:-1]
    return path


def _path(key: str, document: YamlText) -> Path:
    """Return the path of a dotted key; a name in a mapping may have dots itself."""
    path: list[str | int] = []
    value, rest = document.value, key.split(".")
    while rest:
        if isinstance(value, dict):
            cut = next((n for n in range(len(rest), 0, -1) if ".".join(rest[:n]) in value), 1)
            part: str | int = ".".join(rest[:cut])
        else:
            cut, part = 1, int(rest[0]) if rest[0].isdigit() else rest[0]
        path.append(part)
        rest = rest[cut:]
        value = _at(value, part)
    return tuple(path)


def _at(value: Any, part: Any) -> Any:
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return None


def _as_far_as_valid(raw: dict[str, Any]) -> tuple[Loop | None, list[Any]]:
    """Return the loop without the values that are wrong, and pydantic's problems with those.

    Defaults, or a stand-in, replace what is wrong, so that the rest can be judged; None if that does not help.
    """
    wrong: list[Any] = []
    mended = deepcopy(raw)
    for _ in range(ROUNDS):
        try:
            return Loop.model_validate(mended), wrong
        except ValidationError as error:
            problems = error.errors(include_url=False)
        known = [dotted(_clean(problem["loc"])) for problem in wrong]
        wrong += [each for each in problems if not any(overlap(dotted(_clean(each["loc"])), key) for key in known)]
        for problem in reversed(problems):  # the last element of a list first
            _mend(mended, _clean(problem["loc"]), is_missing=problem["type"] == "missing")
    return None, wrong


def _mend(mended: Any, path: Path, *, is_missing: bool) -> None:
    """Take a wrong value out; put a stand-in where a required key is missing, or take out what the key belongs to."""
    stand_in, parent = STAND_IN, mended
    for part in path[:-1]:
        stand_in, parent = _at(stand_in, part), _at(parent, part)
    if _at(stand_in, path[-1]) is not None and isinstance(parent, dict):
        parent[path[-1]] = deepcopy(stand_in[path[-1]])
    elif not is_missing and (path[-1] in parent if isinstance(parent, dict) else _at(parent, path[-1]) is not None):
        del parent[path[-1]]
    elif len(path) > 1:
        _mend(mended, path[:-1], is_missing=False)


def _clean(location: Sequence[int | str]) -> Path:
    """Return where a problem is, without what pydantic adds for the key of a mapping."""
    return tuple(location[:-1] if location and location[-1] == "[key]" else location)


def _told(problems: Iterable[Any], document: YamlText) -> Iterator[tuple[Path, str]]:
    """Yield path and sentence of pydantic's problems; of those with one path, the first."""
    told: set[Path] = set()
    for problem in problems:
        path = _clean(problem["loc"])
        if path not in told:
            told.add(path)
            yield path, _say(problem, path, document)


def _say(problem: Any, path: Path, document: YamlText) -> str:
    """Return one pydantic problem as ``got …, expected …``."""
    kind = problem["type"]
    if kind == "extra_forbidden":
        known = list(_fields_at(path[:-1]))
        return f"unknown key{did_you_mean(str(path[-1]), known)}; known: {', '.join(known)}"
    if kind == "missing":
        return "missing, expected a value"
    expected = problem["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return str(expected)
    spelling = document.spellings.get(path)
    got = short(problem["input"], longest=80) if spelling is None else spelling or "nothing"
    hint = f"; quote it: '{spelling}'" if kind == "string_type" and spelling else ""
    return f"got {got}, expected: {expected[0].lower()}{expected[1:]}{hint}"


def _fields_at(location: Iterable[int | str]) -> Iterable[str]:
    """Return the known keys of the model that ``location`` leads to."""
    model: Any = Loop
    for part in location:
        if isinstance(model, type) and issubclass(model, BaseModel) and part in model.model_fields:
            model = model.model_fields[str(part)].annotation
            continue
        model = model.__args__[-1] if hasattr(model, "__args__") else model
    while hasattr(model, "__args__"):
        model = model.__args__[-1]
    return list(getattr(model, "model_fields", ()))
