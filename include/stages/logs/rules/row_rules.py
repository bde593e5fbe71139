"""The rules of a prediction row in SQL: a line that meets them is a row, any other is doubtful and read again with care."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from include.foundation.config.loop_file import Loop
from include.foundation.config.sections import Input
from include.foundation.lines.values import BLANK
from include.foundation.taxonomy import Taxonomy
from include.stages.logs.rules.circumstance_rules import circumstance_rules
from include.stages.logs.rules.probability_rules import probability_rules
from include.stages.logs.rules.sql_fields import Field, Fields
from include.stages.logs.rules.sql_text import literal, quoted

UNSURE = "unsure"  # the column of values that says what the line alone can tell
LARGEST, LARGEST_SINGLE = "1.7976931348623157e308", "3.4e38"

NESTED = tuple(map(ord, "{["))
LIKE_JSON = tuple(map(ord, "{[tf-0123456789NI"))
NOT_NUMBERS = ("true", "false", "NaN", "Infinity")  # literals of JSON, as Python reads and writes it


class RowQuery(NamedTuple):
    """The query of staged rows in three steps, so that each step has every value of the one before at hand.

    Attributes
    ----------
    values
        SELECT list over the lines, in whose step ``latest``, the latest plausible timestamp, is selected as well.
    sums
        SELECT list over the values.
    rows
        SELECT list over these: the columns of ``predictions``, ``user_id`` and ``doubtful``.
    """

    values: str
    sums: str
    rows: str


def row_query(loop: Loop, fields: Fields) -> RowQuery:
    """Return the query of a source's rows.

    Parameters
    ----------
    loop
        Says which inputs, classes and segments there are.
    fields
        The fields of the source.
    """
    texts = {name: fields.text((name,)) for name in ("trace_id", "model_version", "prediction", "user_id")}
    probabilities = probability_rules(Taxonomy.of(loop.task), fields)
    embedding = fields.numbers(("embedding",), "FLOAT")
    unsure = [*(field.doubtful for field in texts.values()), probabilities.unsure, embedding.doubtful]
    values = {
        "trace_id": texts["trace_id"].value,
        "ts": fields.moment(("ts",)).value,
        "model_version": texts["model_version"].value,
        "predicted": texts["prediction"].value,
        "embedding": embedding.value,
        "user_id": texts["user_id"].value,
    }
    doubts = [
        UNSURE,
        _is_no_name("trace_id"),
        _is_no_name("model_version"),
        _is_no_class(Taxonomy.of(loop.task), "predicted"),
        "ts IS NULL OR NOT isfinite(ts) OR ts > latest OR ts < TIMESTAMPTZ '0001-01-01 00:00:00+00'",
        probabilities.doubtful,
        f"coalesce({_are_not_all('embedding', f'-{LARGEST_SINGLE}', LARGEST_SINGLE, None)}, false)",
        f"coalesce({_is_nested('user_id')}, false)",
    ]
    circumstances = circumstance_rules(loop, fields)
    unsure += circumstances.unsure
    doubts += circumstances.doubts
    values |= circumstances.values
    values |= _inputs(loop, fields, unsure, doubts) | _segments(loop, fields, unsure, doubts)
    rows = {name: quoted(name) for name in values} | probabilities.columns
    rows["user_id"] = f"CASE WHEN ascii(user_id) > {ord(' ')} OR trim(user_id, {literal(BLANK)}) <> '' THEN user_id END"
    rows["doubtful"] = _any_of(doubts)
    return RowQuery(
        _listed(values | probabilities.given | {UNSURE: _any_of(unsure)}), probabilities.sums, _listed(rows)
    )


def _listed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{sql} AS {quoted(name)}" for name, sql in columns.items())


def _any_of(doubts: Iterable[str]) -> str:
    """Return the condition that any of several holds or is unknown."""
    return f"coalesce({' OR '.join(f'({doubt})' for doubt in doubts if doubt != 'false')}, true)"


def _inputs(loop: Loop, fields: Fields, unsure: list[str], doubts: list[str]) -> dict[str, str]:
    """Return the values of the inputs, and add when they are doubtful: by what the line has, and by what was read."""
    columns = {}
    for name, item in loop.inputs.items():
        field, column = _input(name, item, fields), f"input_{name}"
        columns[column] = field.value
        unsure.append("false" if item.required and item.type in {"numeric", "vector"} else field.doubtful)
        doubts.append(f"coalesce({_is_bad(quoted(column), item)}, {str(item.required).lower()})")
    if not any(item.required for item in loop.inputs.values()):
        is_empty = " AND ".join(f"{column} IS NULL" for column in columns.values())
        unsure += [is_empty, fields.is_no_object(("input",), is_empty)]
    return columns


def _segments(loop: Loop, fields: Fields, unsure: list[str], doubts: list[str]) -> dict[str, str]:
    """Return the values of the segments, and add when they are doubtful."""
    segments = {f"segment_{name}": fields.text(("segments", name)) for name in loop.segments}
    unsure += [field.doubtful for field in segments.values()]
    doubts += [f"coalesce({_is_nested(quoted(column))}, false)" for column in segments]
    if segments:
        is_empty = " AND ".join(f"{field.value} IS NULL" for field in segments.values())
        unsure.append(fields.is_no_object(("segments",), is_empty))
    return {column: field.value for column, field in segments.items()}


def _is_no_name(value: str) -> str:
    return f"{value} IS NULL OR {value} = '' OR {_is_nested(value)}"


def _is_no_class(taxonomy: Taxonomy, value: str) -> str:
    return f"{value} IS NULL OR {value} NOT IN ({', '.join(map(literal, taxonomy.meanings))})"


def _input(name: str, item: Input, fields: Fields) -> Field:
    match item.type:
        case "numeric":
            return fields.number(("input", name))
        case "vector":
            return fields.numbers(("input", name), "DOUBLE")
    return fields.text(("input", name))


def _is_bad(value: str, item: Input) -> str:
    """Return the condition that an input is not what the loop file says."""
    low = f"-{LARGEST}" if item.minimum is None else repr(float(item.minimum))
    high = LARGEST if item.maximum is None else repr(float(item.maximum))
    match item.type:
        case "numeric":
            return f"{value} NOT BETWEEN {low}::DOUBLE AND {high}::DOUBLE"
        case "vector":
            return _are_not_all(value, low, high, item.size)
    return _is_not_text(value, number_is_text=item.type == "categorical")


def _is_not_text(value: str, *, number_is_text: bool) -> str:
    """Return the condition that a text may have been something else: an object, a list, a number, true or false."""
    if number_is_text:
        return _is_nested(value)
    alike = f"{_is_nested(value)} OR {value} IN {NOT_NUMBERS} OR TRY_CAST({value} AS DOUBLE) IS NOT NULL"
    return f"CASE WHEN ascii({value}) IN {LIKE_JSON} THEN {alike} ELSE {value} IS NULL END"


def _is_nested(value: str) -> str:
    return f"ascii({value}) IN {NESTED}"


def _are_not_all(value: str, low: str, high: str, size: int | None) -> str:
    """Return the condition that a list has gaps, NaN, numbers out of bounds, or another length."""
    length = f"len({value})" if size is None else str(size)
    return (
        f"len({value}) > 0 AND (list_count({value}) <> {length} OR list_min({value}) < {low}::DOUBLE "
        f"OR list_max({value}) > {high}::DOUBLE)" + ("" if size is None else f" OR len({value}) <> {size}")
    )
