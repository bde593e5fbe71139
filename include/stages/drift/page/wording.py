"""How a person reads a watched column, and how it differs."""

from include.foundation.decisions.drift_verdict import ALL_COLUMNS
from include.stages.drift.comparing.column_findings import JOINTLY

MEASURES = {
    "characters": "length in characters", "words": "length in words", "unknown_words": "share of unknown words",
}  # fmt: skip

LOGGING = {"not_logged": "not logged any more", "newly_logged": "logged now, and was not before"}


def column_in_words(column: str) -> str:
    """Return what a person calls a watched column.

    Examples
    --------
    >>> column_in_words("input_text:unknown_words"), column_in_words("predicted"), column_in_words("segment_desk")
    ('text: share of unknown words', 'predicted class', 'share of each desk')
    """
    name, _, measure = column.partition(":")
    if name == ALL_COLUMNS:
        return "the data as a whole"
    if name == "predicted":
        return "predicted class"
    if name.startswith("segment_"):
        return f"share of each {name.removeprefix('segment_')}"
    name = name.removeprefix("input_")
    return f"{name}: {MEASURES.get(measure, measure)}" if measure else name


def difference_in_words(statistic: str, expected: float | None, current: float | None, *, numeric: bool) -> str:
    """Return how a column differs, without its name.

    Parameters
    ----------
    statistic
        That of a `Finding`.
    expected, current
        On ordinary days and in the window, in the units of effects; with None, only that it differs is said.
    numeric
        Whether the column holds numbers: a category may have the name of a statistic.

    Examples
    --------
    >>> difference_in_words("location", 0.0, -0.8, numeric=True)
    'lower'
    >>> difference_in_words("missing", 0.001, 0.2, numeric=True)
    '20.0% of rows have no value, ordinarily 0.1%'
    >>> difference_in_words("earn", 0.33, 0.56, numeric=False)
    '“earn” is 56.0% of rows, ordinarily 33.0%'
    """
    if expected is None or current is None:
        return f"{statistic} differs"
    if statistic in LOGGING:
        return LOGGING[statistic]
    if statistic == JOINTLY:
        return f"many columns differ a little: squared distance {current:.1f}, ordinarily {expected:.1f}"
    is_more = current > expected
    if numeric and statistic != "missing":
        directions = {"location": ("lower", "higher"), "spread": ("less spread out", "more spread out")}
        return directions[statistic][is_more] if statistic in directions else "distributed otherwise"
    rows_that = {"missing": "of rows have no value", "unseen": "of rows have a value never seen before",
             "rare": "of rows have a rare value"}  # fmt: skip
    if statistic in rows_that:
        return f"{current:.1%} {rows_that[statistic]}, ordinarily {expected:.1%}"
    return f"“{statistic}” is {current:.1%} of rows, ordinarily {expected:.1%}"
