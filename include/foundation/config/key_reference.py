"""The reference page of a loop file, made of the help texts, bounds and defaults of the models that check it."""

import json
from collections.abc import Iterator
from typing import Any

from include.foundation.config.loop_file import Loop

JsonSchema = dict[str, Any]

HEAD = """\
# Every key of a loop file

Written by `make loop-file-docs`; do not edit it by hand. [Add a loop in ten minutes](add-a-loop.md) shows how the keys
are used together, and `make check` says what is wrong with a loop file. A *required* key has no default. The round bracket
of an interval such as `(0, 1]` excludes its end.
"""
BOUNDS = {
    "pattern": "matches `{}`",
    "minLength": "length at least {}",
    "minItems": "elements at least {}",
    "maxItems": "elements at most {}",
    "minProperties": "entries at least {}",
}


def reference_page() -> str:
    """Return the page in Markdown: the loop's own keys, then a table a section, in the order of the loop file.

    Examples
    --------
    >>> "| `budget` | integer | `60` |" in reference_page()
    True
    """
    schema = Loop.model_json_schema()
    models = schema["$defs"]
    chapters = [_chapter("The loop", schema, models)]
    chapters += [_chapter(f"`{path}`", model, models) for path, model in _sections(schema["properties"], models)]
    return "\n".join([HEAD, *chapters])


def _sections(properties: JsonSchema, models: JsonSchema) -> Iterator[tuple[str, JsonSchema]]:
    """Yield path and schema of every section, nested ones after the section that holds them."""
    for name, key in properties.items():
        for suffix, part in _parts(key):
            if "$ref" in part:
                model = models[_model_name(part)]
                yield f"{name}{suffix}", model
                nested = _sections(model.get("properties", {}), models)
                yield from ((f"{name}{suffix}.{path}", section) for path, section in nested)


def _parts(key: JsonSchema) -> Iterator[tuple[str, JsonSchema]]:
    """Yield a key's schema, the alternatives to it, and what a list or a mapping of it holds, with what a path adds."""
    for part in (key, *key.get("anyOf", [])):
        yield "", part
        if "items" in part:
            yield "[]", part["items"]
        if values := _values(part):
            yield ".<name>", values


def _values(key: JsonSchema) -> JsonSchema:
    """Return the schema of a mapping's values, empty where the key is no mapping or takes anything."""
    declared = [*key.get("patternProperties", {}).values(), key.get("additionalProperties", {})]
    return next((values for values in declared if isinstance(values, dict) and values), {})


def _model_name(part: JsonSchema) -> str:
    return str(part["$ref"]).rsplit("/", 1)[-1]


def _chapter(title: str, model: JsonSchema, models: JsonSchema) -> str:
    required = model.get("required", [])
    keys = {name: _described(key, models) for name, key in model["properties"].items()}
    rows = [_row(name, key, required=name in required) for name, key in keys.items()]
    head = ["| key | type | default | bounds | meaning |", "|---|---|---|---|---|"]
    return "\n".join([f"## {title}", "", _text(model.get("description", "")), "", *head, *rows, ""])


def _described(key: JsonSchema, models: JsonSchema) -> JsonSchema:
    """Return a key with a text: its own, or that of the section it holds."""
    return {"description": models[_model_name(key)]["description"], **key} if "$ref" in key else key


def _row(name: str, key: JsonSchema, *, required: bool) -> str:
    bounds = "; ".join(dict.fromkeys(bound for _, part in _parts(key) for bound in _bounds(part)))
    cells = [f"`{name}`", _type(key), _default(key, required=required), bounds, _text(key.get("description", ""))]
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _type(key: JsonSchema) -> str:
    if "$ref" in key:
        return "section"
    if "anyOf" in key:
        return " or ".join("none" if part.get("type") == "null" else _type(part) for part in key["anyOf"])
    if "const" in key or "enum" in key:
        return " or ".join(f"`{value}`" for value in key.get("enum", [key.get("const")]))
    if key.get("type") == "array":
        return f"list of {_type(key.get('items', {}))}"
    if key.get("type") == "object":
        return f"mapping of names to {_type(_values(key))}"
    return str(key.get("format") or key.get("type") or "anything")


def _default(key: JsonSchema, *, required: bool) -> str:
    if required:
        return "*required*"
    if "$ref" in key:
        return "see below"
    default = key.get("default")
    if default is None:  # written as null, or left out because a function makes it
        return "none" if "anyOf" in key else "empty"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _bounds(part: JsonSchema) -> Iterator[str]:
    yield from _interval(part)
    yield from (text.format(part[name]) for name, text in BOUNDS.items() if name in part)


def _interval(part: JsonSchema) -> Iterator[str]:
    low, high = part.get("minimum", part.get("exclusiveMinimum")), part.get("maximum", part.get("exclusiveMaximum"))
    above, below = "exclusiveMinimum" in part, "exclusiveMaximum" in part
    if low is not None and high is not None:
        yield f"{'(' if above else '['}{low}, {high}{')' if below else ']'}"
    elif low is not None:
        yield f"{'above' if above else 'at least'} {low}"
    elif high is not None:
        yield f"{'below' if below else 'at most'} {high}"


def _text(description: str) -> str:
    """Return a docstring on one line, with Markdown's single back-quotes."""
    return " ".join(description.split()).replace("``", "`")
