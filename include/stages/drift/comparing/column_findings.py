"""The findings of a window: each watched column compared with ordinary days, of all rows and of each segment value."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import dropwhile

from include.foundation.config.data_sections import FEWEST_REFERENCE_DAYS, Drift
from include.foundation.decisions.drift_verdict import ALL_ROWS, ColumnFinding, Monitor
from include.foundation.statistics.tails import chance_in_words
from include.stages.drift.comparing.day_statistics import missing_statistics, value_statistics
from include.stages.drift.comparing.differences import Difference, differences, most_significant
from include.stages.drift.discoveries import discoveries
from include.stages.drift.profiling.column_profile import Profile

NEWLY_LOGGED, NOT_LOGGED = "newly_logged", "not_logged"
MONITORS: dict[str, Monitor] = {"confidence": "confidence", "predicted": "prediction"}
Key = tuple[str, str]  # segment, column
ProfilesByKey = Mapping[Key, Sequence[Profile]]


def judge_columns(
    drift: Drift, current: ProfilesByKey, reference: ProfilesByKey, fewest: int = FEWEST_REFERENCE_DAYS
) -> list[ColumnFinding]:
    """Return a finding for each column and segment value that can be judged, flagged ones first, then by effect.

    Parameters
    ----------
    drift
        Thresholds.
    current, reference
        Profiles of the window's days and of the reference days, by segment and column.
    fewest
        Reference days that a column needs.

    Notes
    -----
    A column of a segment is judged if the window has ``min_rows`` rows of it and enough reference days have rows. False
    discoveries are controlled over the columns of all rows and, apart from them, over those of segments: so segments, however
    many, do not hide what all rows show.
    """
    compared = {key: _differences(drift, current[key], reference.get(key, []), fewest) for key in sorted(current)}
    reported = {key: most_significant(each, drift) for key, each in compared.items() if each}
    of_all_rows = {key: difference for key, difference in reported.items() if key[0] == ALL_ROWS}
    of_segments = {key: difference for key, difference in reported.items() if key[0] != ALL_ROWS}
    discovered = [
        *discoveries(drift, "columns", [difference.p_value for difference in of_all_rows.values()]),
        *discoveries(drift, "segments", [difference.p_value for difference in of_segments.values()]),
    ]
    findings = [
        _finding(drift, key, difference, sum(day.rows for day in current[key]), discovered=discovery)
        for (key, difference), discovery in zip((of_all_rows | of_segments).items(), discovered, strict=True)
    ]
    return sorted(findings, key=lambda finding: (not finding.flagged, -finding.effect, finding.segment, finding.column))


def monitor_of(column: str) -> Monitor:
    """Return the monitor that a watched column belongs to.

    Examples
    --------
    >>> monitor_of("predicted"), monitor_of("input_age")
    ('prediction', 'data')
    """
    return MONITORS.get(column, "data")


def _differences(
    drift: Drift, current: Sequence[Profile], reference: Sequence[Profile], fewest: int
) -> list[Difference]:
    """Return how a column differs from ordinary days; nothing if there are too few rows or reference days.

    Days before a column was first logged say nothing of it once it is: that it is now is told, and no drift.
    """
    by_weekday = drift.seasonality == "weekday"
    current, reference = ([day for day in days if day.rows] for days in (current, reference))
    if len(reference) < fewest or sum(day.rows for day in current) < drift.min_rows:
        return []
    if any(day.counted for day in current):
        reference = _since_logged(reference)
        if not reference:
            return [_newly_logged(current)]
        if len(reference) < fewest:
            return []
    missing = differences(missing_statistics(reference), missing_statistics(current), by_weekday=by_weekday)
    if any(day.counted for day in reference) and not any(day.counted for day in current):
        return [replace(difference, statistic=NOT_LOGGED) for difference in missing]
    current, reference = ([day for day in days if day.counted] for days in (current, reference))
    reference = _with_bins(current, reference, fewest)
    if len(reference) < fewest or sum(day.counted for day in current) < drift.min_rows:
        return missing
    values = differences(value_statistics(reference), value_statistics(reference, current), by_weekday=by_weekday)
    return missing + values


def _since_logged(days: Sequence[Profile]) -> list[Profile]:
    """Return the days from the first one with a value on, in order."""
    ordered = sorted(days, key=lambda day: day.day)
    return list(dropwhile(lambda day: not day.counted, ordered))


def _newly_logged(current: Sequence[Profile]) -> Difference:
    share = sum(day.counted for day in current) / sum(day.rows for day in current)
    return Difference(NEWLY_LOGGED, expected=0.0, current=share, effect=0.0, p_value=1.0, varies=False)


def _with_bins(current: Sequence[Profile], reference: Sequence[Profile], fewest: int) -> Sequence[Profile]:
    """Return the reference days with bins, if the window has some and they are enough: the others had hardly a value."""
    binned = [day for day in reference if day.has_bins]
    enough = len(binned) >= fewest and all(day.has_bins for day in current)
    return binned if enough else reference


def _finding(drift: Drift, key: Key, difference: Difference, rows: int, *, discovered: bool) -> ColumnFinding:
    segment, column = key
    effect, statistic, p_value = difference.effect, difference.statistic, difference.p_value
    where = f"{column} in {segment}" if segment else column
    told = {
        NEWLY_LOGGED: f"{where}: is logged now and was not before: a change of what is logged, not drift.",
        NOT_LOGGED: f"{where}: is not logged any more: a change of what is logged; {chance_in_words(p_value)}.",
    }
    sentence = told.get(statistic) or (
        f"{where}: {statistic} differs from ordinary days, effect {effect:.2f} (floor {difference.floor(drift):.2f}), "
        f"{chance_in_words(p_value)}."
    )
    return ColumnFinding(
        monitor=monitor_of(column), column=column, segment=segment, statistic=statistic, effect=effect, p_value=p_value,
        flagged=discovered and effect >= difference.floor(drift), expected=difference.expected, found=difference.current,
        rows=rows, sentence=sentence,
    )  # fmt: skip
