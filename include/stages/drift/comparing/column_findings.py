"""The findings of one window: each watched column, of all rows and of each segment, held against ordinary days."""

from collections.abc import Mapping, Sequence

import numpy as np

from include.foundation.config.data_sections import Drift
from include.foundation.decisions.drift_verdict import ALL_ROWS, ColumnFinding
from include.foundation.statistics.false_discovery import flagged_by_false_discovery
from include.stages.drift.comparing.day_statistics import missing_statistics, value_statistics
from include.stages.drift.comparing.significance import SHARES, Difference, differences, most_telling
from include.stages.drift.findings import monitor_of
from include.stages.drift.profiling.column_profile import Profile

FEWEST_REFERENCE_DAYS = 7
Key = tuple[str, str]  # segment, column
ProfilesByKey = Mapping[Key, Sequence[Profile]]


def judge_columns(drift: Drift, window: ProfilesByKey, reference: ProfilesByKey) -> list[ColumnFinding]:
    """Return a finding for each column and segment that can be judged, flagged ones first, then by effect.

    Parameters
    ----------
    drift
        Thresholds.
    window, reference
        Profiles of the window's days and of the reference days by segment and column.

    Notes
    -----
    A column of a segment is judged if the window has ``min_rows`` rows of it and at least seven reference days have rows. False
    discoveries are controlled (Benjamini & Hochberg) over the columns of all rows and, apart from them, over those of segments,
    at their `SHARES` of ``false_alarm_rate``. So segments, however many, do not hide what all rows show.
    """
    judged = {key: _compared(drift, reference.get(key, []), window[key]) for key in sorted(window)}
    telling = {key: most_telling(found, drift.min_effect) for key, found in judged.items() if found}
    families = {
        "columns": [key for key in telling if key[0] == ALL_ROWS],
        "segments": [key for key in telling if key[0] != ALL_ROWS],
    }
    findings = []
    for name, family in families.items():
        p_values = np.array([telling[key][1] for key in family])
        discoveries = flagged_by_false_discovery(p_values, SHARES[name] * drift.false_alarm_rate)
        for key, discovery in zip(family, discoveries.tolist(), strict=True):
            rows = sum(day.rows for day in window[key])
            findings.append(_finding(drift, key, *telling[key], rows, discovery=discovery))
    return sorted(findings, key=lambda one: (not one.flagged, -(one.effect or 0.0), one.segment, one.column))


def _compared(drift: Drift, reference: Sequence[Profile], window: Sequence[Profile]) -> list[Difference]:
    """Return how a column's window differs from ordinary days; nothing if there is too little of either."""
    past, now = ([day for day in days if day.rows] for days in (reference, window))
    if len(past) < FEWEST_REFERENCE_DAYS or sum(day.rows for day in now) < drift.min_rows:
        return []
    weekdays = drift.seasonality == "weekday"
    found = differences(missing_statistics(past), missing_statistics(now), weekdays=weekdays)
    past, now = ([day for day in days if day.counted] for days in (past, now))
    if len(past) >= FEWEST_REFERENCE_DAYS and sum(day.counted for day in now) >= drift.min_rows:
        found += differences(value_statistics(past), value_statistics(past, now), weekdays=weekdays)
    return found


def _finding(
    drift: Drift, key: Key, difference: Difference, p_value: float, rows: int, *, discovery: bool
) -> ColumnFinding:
    segment, column = key
    effect, statistic = difference.effect, difference.statistic
    where = f"{column} in {segment}" if segment else column
    sentence = (
        f"{where}: {statistic} differs from ordinary days, effect {effect:.2f} (floor {drift.min_effect:.2f}), "
        f"p = {p_value:.2g}."
    )
    return ColumnFinding(
        monitor=monitor_of(column), column=column, segment=segment, statistic=statistic, effect=effect, p_value=p_value,
        flagged=discovery and effect >= drift.min_effect, expected=difference.expected, found=difference.found, rows=rows,
        sentence=sentence,
    )  # fmt: skip
