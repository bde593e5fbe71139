"""Read YAML as a person means it: what YAML would read as something else, or twice, is a problem with its key."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from include.foundation.config.yaml_scalars import IS_TEXT, plain_scalar
from include.foundation.errors import ConfigError, short

Path = tuple[str | int, ...]
DEEPEST = 32
MOST_VALUES = 20_000
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class YamlText:
    """What a YAML text says, and what is wrong with it.

    Attributes
    ----------
    value
        Mappings, lists and scalars; where something is wrong, what is most likely meant.
    lines
        Line of each value, from 1, by its path of keys and positions.
    spellings
        How each value that is no text is written, by path.
    problems
        Path and sentence of each problem, in order.
    """

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    spellings: dict[Path, str] = field(default_factory=dict)
    problems: list[tuple[Path, str]] = field(default_factory=list)


def read_yaml(text: str) -> YamlText:
    """Read a YAML text of one document.

    Numbers, dates and truth values are taken in their plain spelling only; the keys of a mapping are texts, each given once;
    anchors, aliases and merge keys work within bounds.

    Raises
    ------
    ConfigError
        If it is no YAML at all, deeper than 32 levels, or more than 20,000 values long, aliases counted as often as they are
        used.

    Examples
    --------
    >>> read_yaml("wait: 1:30").problems
    [(('wait',), "got 1:30, which YAML reads as 90; write that, or quote it: '1:30'")]
    """
    try:
        return _Reader(text).read()
    except yaml.YAMLError as error:
        raise ConfigError(f"is not YAML: {_said(error)}") from error


class _Reader:
    """Builds values from the parser's events, so that nothing is made before it is known to be small enough."""

    def __init__(self, text: str) -> None:
        self.events: Iterator[Any] = yaml.parse(text, Loader=Parser)
        self.anchors: dict[str | None, tuple[Any, int]] = {}
        self.open_anchors: set[str | None] = set()
        self.values = 0
        self.result = YamlText()

    def read(self) -> YamlText:
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise ConfigError("holds a second document after ---, expected one")
                self.result.value = self._value(next(self.events), ())
        return self.result

    def _problem(self, path: Path, sentence: str) -> None:
        self.result.problems.append((path, sentence))

    def _value(self, event: Any, path: Path) -> Any:
        self.result.lines.setdefault(path, event.start_mark.line + 1)
        if len(path) > DEEPEST:
            raise ConfigError(f"is nested more than {DEEPEST} levels deep in line {event.start_mark.line + 1}")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, path)
        before = self.values
        self._count(1, path)
        if event.anchor is not None:
            self.open_anchors.add(event.anchor)
        value = self._new(event, path)
        if event.anchor is not None:
            self.open_anchors.discard(event.anchor)
            self.anchors[event.anchor] = (value, self.values - before)
        return value

    def _new(self, event: Any, path: Path) -> Any:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path)
        return self._scalar(event, path)

    def _count(self, values: int, path: Path) -> None:
        self.values += values
        if self.values > MOST_VALUES:
            raise ConfigError(f"holds more than {MOST_VALUES} values, those of aliases counted; see {dotted(path)}")

    def _alias(self, anchor: str | None, path: Path) -> Any:
        if anchor in self.open_anchors:
            self._problem(path, f"*{anchor} refers to what it is part of")
            return None
        if anchor not in self.anchors:
            self._problem(
                path, f"*{anchor} refers to nothing: there is no &{anchor} before it; a text with * is quoted"
            )
            return None
        value, values = self.anchors[anchor]
        self._count(values, path)
        return value

    def _list(self, path: Path) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            values.append(self._value(event, (*path, len(values))))
        return values

    def _mapping(self, path: Path) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            is_merge = _is_plain(event) and event.value == "<<"
            key = "<<" if is_merge else self._key(event, path)
            value = self._value(next(self.events), (*path, key))
            if is_merge:
                merged |= self._merged(value, path)
            elif key in own:
                self._problem((*path, key), "key given twice")
            else:
                own[key] = value
        return merged | own

    def _merged(self, value: Any, path: Path) -> dict[str, Any]:
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, Mapping) for part in parts):
            self._problem((*path, "<<"), f"got {short(value)}, expected one or several mappings to merge")
            return {}
        return {key: value for part in reversed(parts) for key, value in part.items()}

    def _key(self, event: Any, path: Path) -> str:
        place, before = (*path, getattr(event, "value", "?")), len(self.result.problems)
        key = self._value(event, place)
        if isinstance(key, str):
            return key
        del self.result.problems[before:]
        self.result.spellings.pop(place, None)
        spelling = getattr(event, "value", None)
        hint = f"; quote it: '{spelling}'" if spelling else ""
        self._problem(path, f"got {short(key)} as a key, expected a text{hint}")
        return str(spelling)

    def _scalar(self, event: Any, path: Path) -> Any:
        text = event.value
        if CONTROL.search(text):
            self._problem(path, f"got {short(text)}, expected a text without control characters and half characters")
            return CONTROL.sub("", text)
        if _is_plain(event):
            value, problem = plain_scalar(text)
            if problem:
                self._problem(path, problem)
            if not isinstance(value, str):
                self.result.spellings[path] = text
            return value
        if event.tag not in (None, "!", IS_TEXT):
            self._problem(path, f"got the tag {short(event.tag)}, expected none")
        return text


def dotted(path: Path) -> str:
    """Return a path of keys and positions as messages name it.

    Examples
    --------
    >>> dotted(("labels", "rules", 0, "when"))
    'labels.rules.0.when'
    """
    return ".".join(str(part) for part in path) or "file"


def _is_plain(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.implicit[0] and not event.style


def _said(error: yaml.YAMLError) -> str:
    """Return a parser's message on one line."""
    mark = getattr(error, "problem_mark", None)
    said = " ".join(filter(None, [getattr(error, "context", None), getattr(error, "problem", None)])) or str(error)
    where = "" if mark is None else f" in line {mark.line + 1}, column {mark.column + 1}"
    return f"{' '.join(said.split())}{where}"
