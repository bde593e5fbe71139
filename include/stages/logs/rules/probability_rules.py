"""The rules of probabilities in SQL, in the three steps of a query, whose length grows as the number of classes does."""

from collections.abc import Iterable
from dataclasses import dataclass

from include.foundation.lines.log_lines import ROUNDING, SUM_TOLERANCE
from include.foundation.taxonomy import Taxonomy
from include.stages.logs.rules.sql_fields import Field, Fields
from include.stages.logs.rules.sql_text import literal

SUMS = "*, list_sum(given) AS total, list_min(given) AS least, list_max(given) AS largest"
IS_BAD = f"abs(total - 1) > {SUM_TOLERANCE} OR least < 0 OR largest > 1"
IS_ROUNDED = f"abs(total - 1) > {ROUNDING}"


@dataclass(frozen=True)
class ProbabilityRules:
    """SQL of the probabilities.

    Attributes
    ----------
    given
        Columns of the values: the numbers that count as a list, and whether there are any.
    unsure
        The condition on the line that it must be read with care.
    doubtful
        The same on the sums.
    columns
        Of the row, made of the sums.
    sums
        SELECT list of the sums.
    """

    given: dict[str, str]
    unsure: str
    doubtful: str
    columns: dict[str, str]
    sums: str = SUMS


def probability_rules(taxonomy: Taxonomy, fields: Fields) -> ProbabilityRules:
    """Return the rules: probabilities are in the order of the classes, and NULL if none is given.

    A class that is left out has 0. Those under former names count only where those of today do not add up to 1.

    Parameters
    ----------
    taxonomy
        Classes of today, and former names.
    fields
        The fields of the source.
    """
    today = [fields.number(("probabilities", name)) for name in taxonomy.classes]
    former = [fields.number(("probabilities", name)) for name in taxonomy.former]
    columns = _columns(taxonomy)
    if all(field.null_is_doubtful for field in today):
        given = {"given": _counting(_list(field.value for field in today), former), "is_given": "true"}
        return ProbabilityRules(given, _any(today), f"coalesce({IS_BAD}, true)", columns)
    is_given = f"coalesce({', '.join(field.value for field in [*today, *former])}) IS NOT NULL"
    given = {"given": _counting(_list(_or_zero(field) for field in today), former), "is_given": is_given}
    unsure = [
        f"({_any([*today, *former])}) AND {is_given}",
        fields.is_no_object(("probabilities",), "false"),
        f"NOT ({is_given}) AND {fields.is_given(('probabilities',))}",
    ]
    return ProbabilityRules(
        given, " OR ".join(f"({doubt})" for doubt in unsure if doubt != "false"), f"is_given AND ({IS_BAD})", columns
    )


def _counting(today: str, former: list[Field]) -> str:
    """Return SQL of the list of what counts: today's, and the former where today's do not add up to 1."""
    if not former:
        return today
    earlier = _list(_or_zero(field) for field in former)
    return (
        f"CASE WHEN abs(list_sum({today}) - 1) <= {SUM_TOLERANCE} THEN {today} ELSE list_concat({today}, {earlier}) END"
    )


def _columns(taxonomy: Taxonomy) -> dict[str, str]:
    """Return the columns of a row; a class that was renamed has the probabilities of all its names."""
    names = [*taxonomy.classes, *taxonomy.former]
    places: dict[str | None, list[str]] = {}
    for place, name in enumerate(names, start=1):
        places.setdefault(taxonomy.current(name), []).append(f"coalesce(given[{place}], 0)")
    by_class = _list(" + ".join(places[name]) for name in taxonomy.classes) if taxonomy.former else "given"
    largest = (
        f"greatest({', '.join([f'list_max({by_class})', *places[None]])})"
        if None in places
        else f"list_max({by_class})"
    )
    scaled = f"CASE WHEN {IS_ROUNDED} THEN list_transform({by_class}, lambda share: share / total) ELSE {by_class} END"
    return {
        "probabilities": f"CASE WHEN is_given THEN {scaled} END",
        "confidence": f"CASE WHEN is_given THEN {largest} / (CASE WHEN {IS_ROUNDED} THEN total ELSE 1 END) END",
        "taxonomy": f"CASE WHEN is_given THEN {literal(taxonomy.digest)} END",
    }


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(values)}]"


def _or_zero(field: Field) -> str:
    return f"coalesce({field.value}, 0)"


def _any(fields: Iterable[Field]) -> str:
    return " OR ".join(f"({field.doubtful})" for field in fields)
