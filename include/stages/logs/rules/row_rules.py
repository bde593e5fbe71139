"""The rules of a prediction row in SQL: a line that they are sure about is a row, the careful reader looks at the others."""

from collections.abc import Iterable

from include.foundation.config.loop_file import Loop
from include.foundation.config.sections import Input
from include.stages.logs.rules.leaves import Leaf, Leaves
from include.stages.logs.rules.log_lines import SUM_TOLERANCE
from include.stages.logs.rules.sql import literal, quoted

LARGEST, SINGLE = "1.7976931348623157e308", "3.4e38"

NESTED = tuple(map(ord, "{["))
LIKE_JSON = tuple(map(ord, "{[tf-0123456789NI"))
NOT_NUMBERS = ("true", "false", "NaN", "Infinity")  # literals of JSON, as Python reads and writes it


def row_query(loop: Loop, leaves: Leaves, latest: str) -> str:
    """Return the SELECT list of a staged row: the columns of ``predictions``, ``user_id`` and ``doubtful``.

    Parameters
    ----------
    loop
        Says which inputs, classes and segments there are.
    leaves
        The fields of the source.
    latest
        SQL of the latest plausible timestamp.
    """
    names = {name: leaves.text((name,)).value for name in ("trace_id", "model_version", "prediction")}
    moment, scores, vector = (
        leaves.moment(("ts",)),
        _probabilities(loop, leaves),
        leaves.numbers(("embedding",), "FLOAT"),
    )
    gaps = f"coalesce({_not_all(vector.value, f'-{SINGLE}', SINGLE, None)}, false)"
    doubts = [_no_name(names["trace_id"]), _no_name(names["model_version"]), _no_class(loop, names["prediction"]),
              f"({moment.value}) IS NULL OR NOT isfinite({moment.value}) OR {moment.value} > {latest}",
              scores.doubtful, vector.doubtful, gaps]  # fmt: skip
    columns = {
        "trace_id": names["trace_id"], "ts": moment.value, "model_version": names["model_version"],
        "predicted": names["prediction"], "confidence": f"list_max({scores.value})", "probabilities": scores.value,
        "embedding": vector.value, "user_id": leaves.text(("user_id",)).value,
    }  # fmt: skip
    for name, item in loop.inputs.items():
        leaf, doubt = _input(name, item, leaves)
        columns[f"input_{name}"] = leaf.value
        doubts += ["false" if item.required else leaf.doubtful, f"coalesce({doubt}, {str(item.required).lower()})"]
    if not any(item.required for item in loop.inputs.values()):
        nothing = " AND ".join(f"{columns[f'input_{name}']} IS NULL" for name in loop.inputs)
        doubts += [nothing, leaves.not_an_object(("input",), nothing)]
    columns |= _segments(loop, leaves, doubts)
    doubts.append(f"coalesce({_nested(columns['user_id'])}, false)")
    columns["doubtful"] = f"coalesce({' OR '.join(f'({doubt})' for doubt in doubts if doubt != 'false')}, true)"
    return ", ".join(f"{sql} AS {quoted(name)}" for name, sql in columns.items())


def _segments(loop: Loop, leaves: Leaves, doubts: list[str]) -> dict[str, str]:
    """Return the columns of the segments; in a file that has some, a line without any is looked at."""
    found = {name: leaves.text(("segments", name)) for name in loop.segments}
    for leaf in found.values():
        doubts += [leaf.doubtful, f"coalesce({_nested(leaf.value)}, false)"]
    if found:
        doubts.append(leaves.not_an_object(("segments",), _all_null(found.values())))
    return {f"segment_{name}": leaf.value for name, leaf in found.items()}


def _all_null(leaves: Iterable[Leaf]) -> str:
    return " AND ".join(f"{leaf.value} IS NULL" for leaf in leaves)


def _no_name(value: str) -> str:
    return f"{value} IS NULL OR {value} = '' OR {_nested(value)}"


def _no_class(loop: Loop, value: str) -> str:
    return f"{value} IS NULL OR {value} NOT IN ({', '.join(map(literal, loop.task.classes))})"


def _probabilities(loop: Loop, leaves: Leaves) -> Leaf:
    """Return the probabilities in the order of the classes; NULL if none is given, 0 for a class that is left out."""
    found = [leaves.number(("probabilities", name)) for name in loop.task.classes]
    if all(leaf.null_is_doubtful for leaf in found):
        values = [leaf.value for leaf in found]
        listed, doubts = f"[{', '.join(values)}]", []
    else:
        values = [f"coalesce({leaf.value}, 0)" for leaf in found]
        nothing = _all_null(found)
        listed = f"CASE WHEN {nothing} THEN NULL ELSE [{', '.join(values)}] END"
        doubts = [f"({leaf.doubtful}) AND NOT ({nothing})" for leaf in found] + [
            leaves.not_an_object(("probabilities",), "false"),
            f"{nothing} AND {leaves.is_given(('probabilities',))}",
        ]
    total, several = " + ".join(values), ", ".join(values)
    bad = f"abs({total} - 1) > {SUM_TOLERANCE} OR least({several}) < 0 OR greatest({several}) > 1"
    doubts.append(f"coalesce({bad}, true)" if not doubts else f"({listed}) IS NOT NULL AND ({bad})")
    return Leaf(f"({listed})", " OR ".join(f"({doubt})" for doubt in doubts if doubt != "false"))


def _input(name: str, item: Input, leaves: Leaves) -> tuple[Leaf, str]:
    """Return an input, and where it is not what the loop file says."""
    path = ("input", name)
    low = f"-{LARGEST}" if item.minimum is None else repr(float(item.minimum))
    high = LARGEST if item.maximum is None else repr(float(item.maximum))
    if item.type == "numeric":
        leaf = leaves.number(path)
        return leaf, f"{leaf.value} NOT BETWEEN {low}::DOUBLE AND {high}::DOUBLE"
    if item.type == "vector":
        leaf = leaves.numbers(path, "DOUBLE")
        return leaf, _not_all(leaf.value, low, high, item.size)
    leaf = leaves.text(path)
    return leaf, _not_text(leaf.value, number_is_text=item.type == "categorical")


def _not_text(value: str, *, number_is_text: bool) -> str:
    """Say where a text may have been something else: it begins like an object or a list, or is a number, true or false."""
    if number_is_text:
        return _nested(value)
    alike = f"{_nested(value)} OR {value} IN {NOT_NUMBERS} OR TRY_CAST({value} AS DOUBLE) IS NOT NULL"
    return f"CASE WHEN ascii({value}) IN {LIKE_JSON} THEN {alike} ELSE {value} IS NULL END"


def _nested(value: str) -> str:
    return f"ascii({value}) IN {NESTED}"


def _not_all(value: str, low: str, high: str, size: int | None) -> str:
    """Say where a list has gaps, NaN or numbers out of bounds, or another length."""
    length = f"len({value})" if size is None else str(size)
    return (
        f"len({value}) > 0 AND (list_count({value}) <> {length} OR list_min({value}) < {low}::DOUBLE "
        f"OR list_max({value}) > {high}::DOUBLE)" + ("" if size is None else f" OR len({value}) <> {size}")
    )
