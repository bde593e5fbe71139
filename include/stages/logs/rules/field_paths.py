"""Where our fields are in a user's records: paths, and the mapping ``logs.columns`` that renames them."""

from collections.abc import Iterable, Mapping
from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError

Path = tuple[str, ...]
OBJECTS = ("input", "probabilities", "segments")


def prediction_paths(loop: Loop) -> list[Path]:
    """Return the paths of every field that is read of a prediction.

    Examples
    --------
    >>> from include.foundation.config.loading import loop_named
    >>> prediction_paths(loop_named("digits"))[4:8]
    [('user_id',), ('embedding',), ('input', 'pixels'), ('segments', 'source')]
    """
    flat = [("trace_id",), ("ts",), ("model_version",), ("prediction",), ("user_id",), ("embedding",)]
    inputs, segments = (("input", name) for name in loop.inputs), (("segments", name) for name in loop.segments)
    return [*flat, *inputs, *segments, *(("probabilities", name) for name in loop.task.classes)]


def located(columns: Mapping[str, str], path: Path) -> Path:
    """Return where a field of ours is in the user's record.

    Examples
    --------
    >>> located({"trace_id": "meta.id", "input": "payload"}, ("trace_id",))
    ('meta', 'id')
    >>> located({"trace_id": "meta.id", "input": "payload"}, ("input", "text"))
    ('payload', 'text')
    """
    for cut in range(len(path), 0, -1):
        name = ".".join(path[:cut])
        if name in columns:
            return (*columns[name].split("."), *path[cut:])
    return path


def ours(columns: Mapping[str, str], paths: Iterable[Path], record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a user's record under our names; flat columns such as ``input.text`` become nested.

    Examples
    --------
    >>> ours({"trace_id": "id"}, [("trace_id",), ("input", "text")], {"id": "t1", "input.text": "a"})
    {'trace_id': 't1', 'input': {'text': 'a'}}
    """
    found: dict[str, Any] = {}
    for name in OBJECTS:
        whole = _dig(record, located(columns, (name,)))
        if whole is not None:
            found[name] = dict(whole) if isinstance(whole, Mapping) else whole
    for path in paths:
        value = _dig(record, located(columns, path))
        if value is None:
            continue
        if len(path) == 1:
            found[path[0]] = value
        elif isinstance(found.setdefault(path[0], {}), dict):
            found[path[0]][path[1]] = value
    return found


def check_columns(loop: Loop) -> None:
    """Refuse a mapping whose keys are no fields of ours.

    Raises
    ------
    ConfigError
        With every wrong key.
    """
    known = {".".join(path) for path in prediction_paths(loop)} | set(OBJECTS)
    wrong = [f"logs.columns.{name}: no such field" for name in loop.logs.columns if name not in known]
    if wrong:
        raise ConfigError(
            f"{loop.name}: logs.columns renames fields that are not read; there are {sorted(known)}", wrong
        )


def _dig(record: Any, path: Path) -> Any:
    flat = ".".join(path)
    if isinstance(record, Mapping) and flat in record:
        return record[flat]
    for name in path:
        if not isinstance(record, Mapping):
            return None
        record = record.get(name)
    return record
