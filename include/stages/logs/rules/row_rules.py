"""The rules of a prediction row in SQL: a line that meets them is a row, any other is doubtful and read again with care."""

from collections.abc import Iterable, Mapping, Sequence

from include.foundation.config.loop_file import Loop
from include.foundation.config.sections import Input
from include.foundation.lines.values import BLANK
from include.foundation.taxonomy import Taxonomy
from include.stages.logs.rules.log_lines import ROUNDING, SUM_TOLERANCE
from include.stages.logs.rules.sql_fields import Field, Fields
from include.stages.logs.rules.sql_text import literal, quoted

LARGEST, LARGEST_SINGLE = "1.7976931348623157e308", "3.4e38"

NESTED = tuple(map(ord, "{["))
LIKE_JSON = tuple(map(ord, "{[tf-0123456789NI"))
NOT_NUMBERS = ("true", "false", "NaN", "Infinity")  # literals of JSON, as Python reads and writes it


def row_query(loop: Loop, fields: Fields, latest: str) -> str:
    """Return the SELECT list of a staged row: the columns of ``predictions``, ``user_id`` and ``doubtful``.

    Parameters
    ----------
    loop
        Says which inputs, classes and segments there are.
    fields
        The fields of the source.
    latest
        SQL of the latest plausible timestamp.
    """
    texts = {name: fields.text((name,)) for name in ("trace_id", "model_version", "prediction", "user_id")}
    names = {name: field.value for name, field in texts.items()}
    moment = fields.moment(("ts",)).value
    taxonomy = Taxonomy.of(loop.task)
    probabilities, confidence = _probabilities(taxonomy, fields)
    embedding = fields.numbers(("embedding",), "FLOAT")
    columns = {
        "trace_id": names["trace_id"],
        "ts": moment,
        "model_version": names["model_version"],
        "predicted": names["prediction"],
        "confidence": confidence,
        "probabilities": probabilities.value,
        "taxonomy": f"CASE WHEN {probabilities.value} IS NOT NULL THEN {literal(taxonomy.digest)} END",
        "embedding": embedding.value,
        "user_id": f"CASE WHEN trim({names['user_id']}, {literal(BLANK)}) <> '' THEN {names['user_id']} END",
    }
    doubts = [
        *(field.doubtful for field in texts.values()),
        _is_no_name(names["trace_id"]),
        _is_no_name(names["model_version"]),
        _is_no_class(taxonomy, names["prediction"]),
        f"({moment}) IS NULL OR NOT isfinite({moment}) OR {moment} > {latest}",
        probabilities.doubtful,
        embedding.doubtful,
        f"coalesce({_are_not_all(embedding.value, f'-{LARGEST_SINGLE}', LARGEST_SINGLE, None)}, false)",
    ]
    columns |= _inputs(loop, fields, doubts)
    columns |= _segments(loop, fields, doubts)
    doubts.append(f"coalesce({_is_nested(names['user_id'])}, false)")
    columns["doubtful"] = f"coalesce({' OR '.join(f'({doubt})' for doubt in doubts if doubt != 'false')}, true)"
    return ", ".join(f"{sql} AS {quoted(name)}" for name, sql in columns.items())


def _inputs(loop: Loop, fields: Fields, doubts: list[str]) -> dict[str, str]:
    """Return the columns of the inputs, and add when they are doubtful."""
    columns = {}
    for name, item in loop.inputs.items():
        field, is_bad = _input(name, item, fields)
        columns[f"input_{name}"] = field.value
        doubts += ["false" if item.required else field.doubtful, f"coalesce({is_bad}, {str(item.required).lower()})"]
    if not any(item.required for item in loop.inputs.values()):
        is_empty = " AND ".join(f"{column} IS NULL" for column in columns.values())
        doubts += [is_empty, fields.is_no_object(("input",), is_empty)]
    return columns


def _segments(loop: Loop, fields: Fields, doubts: list[str]) -> dict[str, str]:
    """Return the columns of the segments, and add when they are doubtful."""
    segments = {name: fields.text(("segments", name)) for name in loop.segments}
    for field in segments.values():
        doubts += [field.doubtful, f"coalesce({_is_nested(field.value)}, false)"]
    if segments:
        doubts.append(fields.is_no_object(("segments",), _all_null(segments.values())))
    return {f"segment_{name}": field.value for name, field in segments.items()}


def _all_null(fields: Iterable[Field]) -> str:
    return " AND ".join(f"{field.value} IS NULL" for field in fields)


def _is_no_name(value: str) -> str:
    return f"{value} IS NULL OR {value} = '' OR {_is_nested(value)}"


def _is_no_class(taxonomy: Taxonomy, value: str) -> str:
    return f"{value} IS NULL OR {value} NOT IN ({', '.join(map(literal, taxonomy.meanings))})"


def _probabilities(taxonomy: Taxonomy, fields: Fields) -> tuple[Field, str]:
    """Return the probabilities in the order of the classes, and the largest of all; NULL if none is given.

    A class that is left out has 0. Those under former names count only where those of today do not add up to 1.
    """
    by_class = {name: fields.number(("probabilities", name)) for name in taxonomy.classes}
    former = {name: fields.number(("probabilities", name)) for name in taxonomy.former}
    is_exact = all(field.null_is_doubtful for field in by_class.values())
    values = {name: field.value if is_exact else f"coalesce({field.value}, 0)" for name, field in by_class.items()}
    today = " + ".join(values.values())
    earlier = {
        name: f"CASE WHEN abs({today} - 1) <= {SUM_TOLERANCE} THEN 0 ELSE coalesce({field.value}, 0) END"
        for name, field in former.items()
    }
    parts = [*values.values(), *earlier.values()]
    total, several = " + ".join(parts), ", ".join(parts)
    scale = f"CASE WHEN abs({total} - 1) > {ROUNDING} THEN {total} ELSE 1 END"  # they were rounded
    values, earlier = ({name: f"({sql}) / ({scale})" for name, sql in one.items()} for one in (values, earlier))
    listed = f"[{', '.join(_sum_of_names(name, value, earlier, taxonomy) for name, value in values.items())}]"
    is_bad = f"abs({total} - 1) > {SUM_TOLERANCE} OR least({several}) < 0 OR greatest({several}) > 1"
    retired = [value for name, value in earlier.items() if taxonomy.is_retired(name)]
    if is_exact:
        return Field(f"({listed})", f"coalesce({is_bad}, true)"), _largest(f"({listed})", retired)
    is_empty = _all_null([*by_class.values(), *former.values()])
    listed = f"(CASE WHEN {is_empty} THEN NULL ELSE {listed} END)"
    doubts = [
        *(f"({field.doubtful}) AND NOT ({is_empty})" for field in [*by_class.values(), *former.values()]),
        fields.is_no_object(("probabilities",), "false"),
        f"{is_empty} AND {fields.is_given(('probabilities',))}",
        f"{listed} IS NOT NULL AND ({is_bad})",
    ]
    return Field(listed, " OR ".join(f"({doubt})" for doubt in doubts if doubt != "false")), _largest(listed, retired)


def _sum_of_names(name: str, value: str, earlier: Mapping[str, str], taxonomy: Taxonomy) -> str:
    """Return SQL of a class's probability, with those under its former names."""
    return " + ".join([value, *(sql for former, sql in earlier.items() if taxonomy.current(former) == name)])


def _largest(listed: str, retired: Sequence[str]) -> str:
    """Return SQL of the largest probability, which may be a retired class's; NULL without probabilities."""
    largest = f"list_max({listed})"
    return f"CASE WHEN {listed} IS NOT NULL THEN greatest({largest}, {', '.join(retired)}) END" if retired else largest


def _input(name: str, item: Input, fields: Fields) -> tuple[Field, str]:
    """Return an input, and the condition that it is not what the loop file says."""
    path = ("input", name)
    low = f"-{LARGEST}" if item.minimum is None else repr(float(item.minimum))
    high = LARGEST if item.maximum is None else repr(float(item.maximum))
    if item.type == "numeric":
        field = fields.number(path)
        return field, f"{field.value} NOT BETWEEN {low}::DOUBLE AND {high}::DOUBLE"
    if item.type == "vector":
        field = fields.numbers(path, "DOUBLE")
        return field, _are_not_all(field.value, low, high, item.size)
    field = fields.text(path)
    return field, f"{_is_not_text(field.value, number_is_text=item.type == 'categorical')} OR {field.doubtful}"


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
