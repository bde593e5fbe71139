"""Simulated columns, judged by the product: windows flagged, alarms raised, shifts found; and the same days as raw rows."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from benchmarks.false_alarm_peers import Draw
from benchmarks.workloads.simulated_days import COLUMNS, MOVED, Days, Effect, date_of
from include.foundation.config.data_sections import WATCHED_DAYS, Drift
from include.foundation.decisions import DriftVerdict
from include.foundation.decisions.drift_verdict import ColumnFinding
from include.foundation.intervals import Interval
from include.stages.drift.acceptance import Acceptance
from include.stages.drift.comparing.column_findings import judged_columns
from include.stages.drift.earlier_verdicts import kept_out, rolling_days, window_outcome
from include.stages.drift.profiling.column_profile import Profile

REFERENCE_DAYS, WINDOWS = 28, 3
HISTORY = REFERENCE_DAYS + WATCHED_DAYS
MOVED_COLUMNS = {f"x{column}" for column in range(MOVED)}
DRIFT = Drift()
MOST_PEER_ROWS = 10_000


def judged(days: Mapping[str, list[Profile]], reference: Sequence[str], today: str) -> list[ColumnFinding]:
    """Return what the product finds in the columns of a day.

    Parameters
    ----------
    days
        Profiles of each column by day.
    reference
        Days that say what is ordinary.
    today
        Day to be judged.
    """
    before = [day for day in sorted(days) if day < today and day not in reference][1 - DRIFT.confirm_m :]
    window, ordinary, confirming = (
        {("", f"x{column}"): [days[day][column] for day in part] for column in range(COLUMNS)}
        for part in ([today], reference, before)
    )
    return judged_columns(DRIFT, window, ordinary, before=confirming).findings


def false_alarms(effect: Effect, rows: int, trials: int, seed: int = 0) -> int:
    """Return how many independent windows of ordinary days are flagged in any column.

    Parameters
    ----------
    effect
        How days differ.
    rows
        Rows a day.
    trials
        Number of windows.
    seed
        Of the random draws.
    """
    generator, flagged = np.random.default_rng([seed, rows]), 0
    for _ in range(trials):
        days = Days(effect, rows, generator)
        profiles = {date_of(number): days.profiles(number) for number in range(HISTORY + 1)}
        *earlier, today = profiles
        flagged += any(finding.flagged for finding in judged(profiles, rolling_days(DRIFT, earlier, [], today), today))
    return flagged


def alarms(effect: Effect, rows: int, years: float, seed: int = 0) -> int:
    """Return the number of alarms raised in some years of daily checks of ordinary days.

    Parameters
    ----------
    effect
        How days differ.
    rows
        Rows a day.
    years
        Length of the simulation.
    seed
        Of the random draws.
    """
    days = Days(effect, rows, np.random.default_rng([seed, rows, 1]))
    profiles = {date_of(number): days.profiles(number) for number in range(HISTORY)}
    verdicts: dict[str, DriftVerdict] = {}
    for number in range(HISTORY, HISTORY + round(365 * years)):
        today, window = date_of(number), Interval.parse(date_of(number), date_of(number + 1))
        earlier = [(Interval.from_key(key), verdict) for key, verdict in verdicts.items()][-2 * HISTORY :]
        reference = rolling_days(DRIFT, sorted(profiles), kept_out(DRIFT, earlier, Acceptance()), today)
        profiles[today] = days.profiles(number)
        verdicts[window.key] = _verdict(window, verdicts, judged(profiles, reference, today))
        profiles.pop(date_of(number - 3 * REFERENCE_DAYS), None)
    return sum(verdict.outcome == "alarm" for verdict in verdicts.values())


def _verdict(window: Interval, verdicts: Mapping[str, DriftVerdict], findings: Sequence[ColumnFinding]) -> DriftVerdict:
    flagged = [finding for finding in findings if finding.flagged]
    lasting = any(finding.lasting for finding in flagged)
    outcome, reason = window_outcome(DRIFT, window, verdicts, flagged=bool(flagged), lasting=lasting)
    return DriftVerdict(
        subject=window.key, outcome=outcome, reasons=(reason,), route="watch", flagged=bool(flagged), rows=0,
        reference_days=REFERENCE_DAYS, columns=tuple(flagged), confirmed=outcome == "alarm",
    )  # fmt: skip


def shifts_found(effect: Effect, rows: int, trials: int, seed: int = 0) -> int:
    """Return in how many trials a moved column is flagged in one of the first three windows of a lasting shift.

    Parameters
    ----------
    effect
        How days differ.
    rows
        Rows a day.
    trials
        Number of independent shifts.
    seed
        Of the random draws.
    """
    generator, count = np.random.default_rng([seed, rows, 2]), 0
    for _ in range(trials):
        days = Days(effect, rows, generator)
        profiles = {date_of(number): days.profiles(number) for number in range(HISTORY)}
        for number in range(HISTORY, HISTORY + WINDOWS):
            reference = rolling_days(DRIFT, sorted(profiles), [], date_of(number))
            profiles[date_of(number)] = days.profiles(number, shifted=True)
            findings = judged(profiles, reference, date_of(number))
            if any(finding.flagged and finding.column in MOVED_COLUMNS for finding in findings):
                count += 1
                break
    return count


def raw_days(effect: Effect, rows: int, references: int, windows: int) -> Iterator[Draw]:
    """Yield reference rows (28 days of rows, `COLUMNS`) and the windows after them (windows, rows, `COLUMNS`), for the peers.

    Parameters
    ----------
    effect
        How days differ; the shift is in the windows only.
    rows
        Rows a day; with more than `MOST_PEER_ROWS` nothing is yielded.
    references, windows
        How many; the windows are of each reference.
    """
    generator = np.random.default_rng([1, rows])
    for _ in range(references if rows <= MOST_PEER_ROWS else 0):
        days = Days(effect, rows, generator)
        numbers = range(REFERENCE_DAYS + windows)
        means = [days.means(number, shifted=number >= REFERENCE_DAYS) for number in numbers]
        drawn = [generator.normal(mean, 1, (rows, COLUMNS)) for mean in means]
        yield np.concatenate(drawn[:REFERENCE_DAYS]), np.stack(drawn[REFERENCE_DAYS:])
