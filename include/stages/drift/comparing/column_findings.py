"""The findings of a window: each watched column compared with ordinary days, of all rows and of each segment value."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import dropwhile
from typing import Any

import numpy as np

from include.foundation.config.data_sections import FEWEST_REFERENCE_DAYS, Drift
from include.foundation.decisions.drift_verdict import ALL_COLUMNS, ALL_ROWS, ColumnFinding, Monitor
from include.foundation.statistics.tails import chance_in_words
from include.stages.drift.comparing.column_line import FURTHEST_DAY, ColumnLine
from include.stages.drift.comparing.day_statistics import missing_statistics, value_statistics
from include.stages.drift.comparing.differences import Compared, Difference, compare, floors_of, most_significant
from include.stages.drift.comparing.joint_test import joint_test
from include.stages.drift.comparing.unusual_columns import (
    Key,
    Unusual,
    lacking,
    rarest_of,
    told_trends,
    unusual_in_windows,
)
from include.stages.drift.profiling.column_profile import Profile

NEWLY_LOGGED, NOT_LOGGED = "newly_logged", "not_logged"
JOINTLY = "squared_distance"
FURTHEST_DAY_IN_SEGMENTS = 3.6  # as `FURTHEST_DAY`: more comparisons, among which lasting changes must still stand out
MONITORS: dict[str, Monitor] = {"confidence": "confidence", "predicted": "prediction"}
SIDES: tuple[Callable[[Compared], list[Difference]], ...] = (lambda each: each.alone, lambda each: each.together)
ProfilesByKey = Mapping[Key, Sequence[Profile]]


@dataclass(frozen=True)
class Judged:
    """What comparing the columns of a window gives.

    Attributes
    ----------
    findings
        Flagged ones first, then by effect.
    lines
        What the columns of all rows were held against.
    rarest
        How unusual any reference day is in any column, alone and together; see `rarest_of`.
    lacking
        What columns that are not flagged lack, in words; empty if none is significant or large.
    """

    findings: list[ColumnFinding] = field(default_factory=list)
    lines: list[ColumnLine] = field(default_factory=list)
    rarest: tuple[float, float] = (1.0, 1.0)
    lacking: str = ""


def judged_columns(
    drift: Drift,
    current: ProfilesByKey,
    reference: ProfilesByKey,
    fewest: int = FEWEST_REFERENCE_DAYS,
    before: ProfilesByKey | None = None,
) -> Judged:
    """Compare each column and segment value that can be judged with its ordinary days.

    Parameters
    ----------
    drift
        Thresholds.
    current, reference
        Profiles of the window's days and of the reference days, by segment and column.
    fewest
        Reference days that a column needs.
    before
        Profiles of the days before the window that confirm it, none of them a reference day.

    Notes
    -----
    A column of a segment is judged if the window has ``min_rows`` rows of it and enough reference days have rows. False
    discoveries are controlled over the columns of all rows and, apart from them, over those of segments: so segments, however
    many, do not hide what all rows show. Three tenths of the rate are for the window alone, the rest for it and the days before
    together. All columns of a segment, jointly, are tested as one column more: `joint_test`.
    """
    lines = {
        key: _lines(drift, current[key], (before or {}).get(key, ()), reference.get(key, ()), fewest)
        for key in sorted(current)
    }
    of_all_rows, of_segments = (
        {key: line for key, line in lines.items() if (key[0] == ALL_ROWS) is is_all} for is_all in (True, False)
    )
    compared = _compared(current, reference, of_all_rows) | _compared(current, reference, of_segments)
    alone, together = (_reported(drift, compared, side) for side in range(len(SIDES)))
    flags = unusual_in_windows(drift, alone, together)
    trends = told_trends(drift, {key: each.alone for key, each in compared.items()})
    rows_of = {key: sum(day.rows for day in days) for key, days in current.items()}
    rows_of |= {(segment, ALL_COLUMNS): rows for (segment, _), rows in rows_of.items()}
    findings = [
        _finding(drift, key, difference if key in flags.alone or key not in flags.together else together[key],
                 rows_of[key], flags, trends.get(key), can_last=key in together)
        for key, difference in alone.items()
    ]  # fmt: skip
    findings.sort(key=lambda finding: (not finding.flagged, -finding.effect, finding.segment, finding.column))
    rarest = rarest_of(alone), rarest_of(together)
    return Judged(findings, _known(of_all_rows), rarest, lacking(drift, alone, together))


def _reported(drift: Drift, compared: Mapping[Key, Compared], side: int) -> dict[Key, Difference]:
    """Return the difference to be reported of each column, and of all columns of a segment jointly, of one of the `SIDES`."""
    largest = {key: most_significant(of, drift) for key, each in compared.items() if (of := SIDES[side](each))}
    for segment in {key[0] for key in largest}:
        keys = [key for key in largest if key[0] == segment and compared[key].squared[side] is not None]
        test = joint_test([one for key in keys if (one := compared[key].squared[side]) is not None])
        if test is not None:
            effect = float(np.sqrt(np.mean([largest[key].effect ** 2 for key in keys])))
            largest[segment, ALL_COLUMNS] = Difference(
                JOINTLY, test.expected, test.current, effect, test.p_value, varies=True, rarest=test.rarest
            )
    return largest


def monitor_of(column: str) -> Monitor:
    """Return the monitor that a watched column belongs to.

    Examples
    --------
    >>> monitor_of("predicted"), monitor_of("input_age")
    ('prediction', 'data')
    """
    return MONITORS.get(column, "data")


def _known(lines: Mapping[Key, list[ColumnLine] | Difference]) -> list[ColumnLine]:
    return [line for by_window in lines.values() if not isinstance(by_window, Difference) for line in by_window]


def _compared(
    current: ProfilesByKey, reference: ProfilesByKey, lines: Mapping[Key, list[ColumnLine] | Difference]
) -> dict[Key, Compared]:
    """Return how columns, which say together what ordinary days are, differ from them."""
    held = iter(compare(_known(lines)))
    compared = {}
    for key, each in lines.items():
        if isinstance(each, Difference):
            compared[key] = Compared([each], [])
        elif each:
            parts = [next(held) for _ in each]
            alone, together = ([one for part in parts for one in of(part)] for of in SIDES)
            compared[key] = Compared(alone, together, parts[-1].squared)
            if not any(day.counted for day in current[key]) and any(day.counted for day in reference[key]):
                compared[key] = Compared([replace(one, statistic=NOT_LOGGED) for one in compared[key].alone], [])
    return compared


def _lines(
    drift: Drift, current: Sequence[Profile], before: Sequence[Profile], reference: Sequence[Profile], fewest: int
) -> list[ColumnLine] | Difference:
    """Return the lines that a column's missing values and values are held against; none if there are too few rows or days.

    Days before a column was first logged say nothing of it once it is: that it is now is told, and no drift.
    """
    furthest = FURTHEST_DAY_IN_SEGMENTS if any(day.segment != ALL_ROWS for day in current) else FURTHEST_DAY
    assumed = {**assumptions(drift), "furthest": furthest}
    current, before, reference = ([day for day in days if day.rows] for days in (current, before, reference))
    if len(reference) < fewest or sum(day.rows for day in current) < drift.min_rows:
        return []
    if any(day.counted for day in current):
        reference = _since_logged(reference)
        if not reference:
            return _newly_logged(current)
        if len(reference) < fewest:
            return []
    sides = [missing_statistics(days) if days else None for days in (reference, current, before)]
    missing = ColumnLine(*sides, **assumed)  # type: ignore[arg-type]
    current, before, reference = ([day for day in days if day.counted] for days in (current, before, reference))
    reference = _with_bins(current, reference, fewest)
    if len(reference) < fewest or sum(day.counted for day in current) < drift.min_rows:
        return [missing]
    alike = all(day.has_bins == current[0].has_bins for day in before)
    confirming = value_statistics(reference, before) if before and alike else None
    values = value_statistics(reference), value_statistics(reference, current), confirming
    return [missing, ColumnLine(*values, **assumed)]


def assumptions(drift: Drift) -> dict[str, Any]:
    """Return what is assumed of days: whether weekdays may differ, a reference that moves on may rise, and what matters."""
    by_weekday, has_slope = drift.seasonality == "weekday", drift.reference == "rolling"
    return {"by_weekday": by_weekday, "has_slope": has_slope, "floors": floors_of(drift)}


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


def _finding(
    drift: Drift,
    key: Key,
    difference: Difference,
    rows: int,
    flags: Unusual,
    per_day: float | None,
    *,
    can_last: bool,
) -> ColumnFinding:
    segment, column = key
    effect, statistic, p_value = difference.effect, difference.statistic, difference.p_value
    where = f"{column} in {segment}" if segment else column
    told = {
        NEWLY_LOGGED: f"{where}: is logged now and was not before: a change of what is logged, not drift.",
        NOT_LOGGED: f"{where}: is not logged any more: a change of what is logged; {chance_in_words(p_value)}.",
    }
    is_together = key in flags.together and key not in flags.alone
    over = f", taken together with the {drift.confirm_m - 1} windows before" if is_together else ""
    what = f"{where}: {statistic} differs from ordinary days"
    if column == ALL_COLUMNS:
        what = f"All columns of {segment or 'all rows'} together: many differ a little from ordinary days"
    sentence = told.get(statistic) or (
        f"{what}{over}, effect {effect:.2f} (floor {difference.floor(drift):.2f}), {chance_in_words(p_value)}."
    )
    return ColumnFinding(
        monitor=monitor_of(column), column=column, segment=segment, statistic=statistic, effect=effect, p_value=p_value,
        flagged=key in flags.alone | flags.together, lasting=key in flags.lasting or not can_last,
        expected=difference.expected, found=difference.current, rows=rows, per_day=per_day, sentence=sentence,
    )  # fmt: skip
