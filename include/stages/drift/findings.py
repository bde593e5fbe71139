"""What is watched, and what differs, in words."""

from include.foundation.decisions.drift_verdict import Monitor

MONITORS: dict[str, Monitor] = {"confidence": "confidence", "predicted": "prediction"}
MEASURES = {
    "characters": "length in characters", "words": "length in words", "unknown_words": "share of unknown words",
}  # fmt: skip


def column_in_words(column: str) -> str:
    """Return how a person calls a watched column.

    Examples
    --------
    >>> column_in_words("input_text:unknown_words"), column_in_words("predicted"), column_in_words("segment_desk")
    ('text: share of unknown words', 'predicted class', 'share of each desk')
    """
    name, _, measure = column.partition(":")
    if name == "predicted":
        return "predicted class"
    if name.startswith("segment_"):
        return f"share of each {name.removeprefix('segment_')}"
    given = name.removeprefix("input_")
    return f"{given}: {MEASURES.get(measure, measure)}" if measure else given


def difference_in_words(statistic: str, expected: float | None, found: float | None, *, numeric: bool) -> str:
    """Return what differs, without the column.

    Parameters
    ----------
    statistic
        Of a `Finding`.
    expected, found
        On ordinary days and in the window, in the units of effects; None says only that it differs.
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
    if expected is None or found is None:
        return f"{statistic} differs"
    more = found > expected
    if numeric and statistic != "missing":
        named = {"location": ("lower", "higher"), "spread": ("less spread out", "more spread out")}
        return named[statistic][more] if statistic in named else "distributed otherwise"
    whose = {"missing": "of rows have no value", "unseen": "of rows have a value never seen before",
             "rare": "of rows have a rare value"}  # fmt: skip
    if statistic in whose:
        return f"{found:.1%} {whose[statistic]}, ordinarily {expected:.1%}"
    return f"“{statistic}” is {found:.1%} of rows, ordinarily {expected:.1%}"


def monitor_of(column: str) -> Monitor:
    """Return the monitor a watched column belongs to.

    Examples
    --------
    >>> monitor_of("predicted"), monitor_of("input_age")
    ('prediction', 'data')
    """
    return MONITORS.get(column, "data")
