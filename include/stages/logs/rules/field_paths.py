"""Where the loop's fields are in a user's records: paths, and the mapping ``logs.columns`` that renames them."""

from collections.abc import Iterable, Mapping
from typing import Any

from include.foundation.config.data_sections import CIRCUMSTANCES, OBJECTS, PREDICTION_FIELDS
from include.foundation.config.loop_file import Loop
from include.foundation.taxonomy import Taxonomy

Path = tuple[str, ...]


def prediction_paths(loop: Loop) -> list[Path]:
    """Return the path of every field of a prediction that is read.

    Examples
    --------
    >>> from include.foundation.config.loading import loop_named
    >>> prediction_paths(loop_named("digits"))[4:6], prediction_paths(loop_named("digits"))[11:13]
    ([('user_id',), ('embedding',)], [('input', 'pixels'), ('segments', 'source')])
    """
    flat: list[Path] = [(name,) for name in PREDICTION_FIELDS if not is_users_own(loop.logs.columns, name)]
    inputs, segments = (("input", name) for name in loop.inputs), (("segments", name) for name in loop.segments)
    return [*flat, *inputs, *segments, *(("probabilities", name) for name in Taxonomy.of(loop.task).meanings)]


def is_users_own(columns: Mapping[str, str], name: str) -> bool:
    """Tell whether a name of `CIRCUMSTANCES` is that of something else in the user's records: other fields are there.

    Examples
    --------
    >>> is_users_own({"trace_id": "metadata.id"}, "metadata"), is_users_own({"segments.tenant": "source_id"}, "source_id")
    (True, False)
    """
    if name not in CIRCUMSTANCES or name in columns:
        return False
    shares = "segments." if name == "source_id" else None  # one text may be both
    places = [place for field, place in columns.items() if shares is None or not field.startswith(shares)]
    return any(place == name or place.startswith(f"{name}.") for place in places)


def located(columns: Mapping[str, str], path: Path) -> Path:
    """Return where a field of the loop is in the user's record.

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


def renamed(columns: Mapping[str, str], paths: Iterable[Path], record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a user's record under the loop's names; flat columns such as ``input.text`` become nested.

    Parameters
    ----------
    columns
        User's names by the loop's, as ``logs.columns`` has them.
    paths
        Fields that are wanted beside the whole `OBJECTS`.
    record
        The user's record.

    Examples
    --------
    >>> renamed({"trace_id": "id"}, [("trace_id",), ("input", "text")], {"id": "t1", "input.text": "a"})
    {'trace_id': 't1', 'input': {'text': 'a'}}
    """
    result: dict[str, Any] = {}
    for name in OBJECTS:
        whole = _flat_or_nested_value(record, located(columns, (name,)))
        if whole is not None:
            result[name] = dict(whole) if isinstance(whole, Mapping) else whole
    for path in paths:
        value = _flat_or_nested_value(record, located(columns, path))
        if value is None:
            continue
        if len(path) == 1:
            result[path[0]] = value
        elif isinstance(result.setdefault(path[0], {}), dict):
            result[path[0]][path[1]] = value
    return result


def nested_value(record: Any, place: Path) -> Any:
    """Return the value at a place of a nested record; None if there is none."""
    for name in place:
        if not isinstance(record, Mapping):
            return None
        record = record.get(name)
    return record


def _flat_or_nested_value(record: Mapping[str, Any], place: Path) -> Any:
    flat = ".".join(place)
    return record[flat] if flat in record else nested_value(record, place)
