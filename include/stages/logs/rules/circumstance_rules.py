"""The part of the rules in SQL that is about a prediction's circumstances: context, error, metadata, impact and source."""

from typing import NamedTuple

from include.foundation.config.data_sections import CIRCUMSTANCES, FREE_OBJECTS
from include.foundation.config.loop_file import Loop
from include.foundation.lines.free_fields import LONGEST_FREE, NO_ERROR
from include.foundation.lines.values import BLANK, MOST_NESTED
from include.stages.logs.rules.field_paths import is_users_own
from include.stages.logs.rules.sql_fields import Field, Fields
from include.stages.logs.rules.sql_text import literal

FEW = 2 * MOST_NESTED  # bytes of an object that may be nested deeply, or have a long number in it
NOT_FINITE = r"[:\[,](NaN|-?Infinity|-?\d[\d.]*[eE]\+?\d{3}|-?\d{300})"  # or a number that may not be
LARGEST = "1.7976931348623157e308"
ABSENT = Field("NULL")


class CircumstanceRules(NamedTuple):
    """SQL of the circumstances.

    Attributes
    ----------
    values
        SELECT list over the lines, by column.
    unsure
        Conditions on the line that it must be read with care.
    doubts
        The same on the values.
    """

    values: dict[str, str]
    unsure: list[str]
    doubts: list[str]


def circumstance_rules(loop: Loop, fields: Fields) -> CircumstanceRules:
    """Return the rules; a line with an error is always read with care.

    Parameters
    ----------
    loop
        Says what fields of the user's records are called.
    fields
        The fields of the source.
    """
    ours = {name for name in CIRCUMSTANCES if not is_users_own(loop.logs.columns, name)}
    objects = {name: fields.json((name,)) if name in ours else "NULL" for name in FREE_OBJECTS}
    impact = fields.number(("impact",)) if "impact" in ours else ABSENT
    source = fields.text(("source_id",)) if "source_id" in ours else ABSENT
    error = fields.text(("error",)).value if "error" in ours else "NULL"
    source_id = f"CAST({source.value} AS VARCHAR)"
    return CircumstanceRules(
        {
            **{name: f"CAST({sql} AS VARCHAR)" for name, sql in objects.items()},
            "error": "CAST(NULL AS VARCHAR)",
            "impact": f"CAST({impact.value} AS DOUBLE)",
            "source_id": f"CASE WHEN trim({source_id}, {literal(BLANK)}) <> '' THEN {source_id} END",
        },
        [impact.doubtful, source.doubtful, f"coalesce(trim({error}, {literal(BLANK)}) NOT IN {NO_ERROR}, false)"],
        [
            *(f"coalesce({_is_odd(name)}, false)" for name in objects),
            f"coalesce(impact NOT BETWEEN 0 AND {LARGEST}::DOUBLE, false)",
            f"coalesce(ascii(source_id) IN {tuple(map(ord, '{['))}, false)",
        ],
    )


def _is_odd(column: str) -> str:
    """Return the condition that a JSON text is no object, or one that is not kept as it is."""
    levels = f"strlen({column}) - strlen(replace(replace({column}, '{{', ''), '[', ''))"
    is_deep = f"strlen({column}) > {FEW} AND (strlen({column}) > {LONGEST_FREE // 2} OR {levels} > {MOST_NESTED})"
    return f"ascii({column}) <> {ord('{')} OR ({is_deep}) OR regexp_matches({column}, {literal(NOT_FINITE)})"
