"""Whole verdicts on days of many kinds, counted: ordinary windows flagged, alarms raised, and shifts found."""

import resource
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.workloads.judged_columns import WINDOWS
from benchmarks.workloads.kinds_of_days import Kind, drawn, verdicts_on
from benchmarks.workloads.shifts import Shift, oracle_finds
from include.foundation.decisions import DriftVerdict

LIMIT, POWER = 0.05, 0.8
Line = dict[str, Any]


def whole_verdicts(
    name: str, verdicts: Callable[[Path, int, np.random.Generator], Iterable[DriftVerdict]], loops: int, days: int
) -> Line:
    """Return the line of some loops whose days are ordinary.

    Parameters
    ----------
    name
        Of the case.
    verdicts
        Yields the verdicts of a new loop, given its folder, a number of days, and a source of randomness.
    loops, days
        How many loops, and days of each.
    """
    flagged = alarms = 0
    for seed in range(loops):
        with tempfile.TemporaryDirectory() as folder:
            for verdict in verdicts(Path(folder), days, np.random.default_rng([seed, 3])):
                flagged += verdict.flagged
                alarms += verdict.outcome == "alarm"
    trials = loops * days
    yearly = {"alarms_a_year": alarms / trials * 365, "alarms": alarms, "years": trials / 365}
    return line_of(f"{name} n=1000", "share of ordinary windows flagged", flagged, trials, LIMIT) | yearly


def power(kind: Kind, shifts: int, days: int) -> Line:
    """Return the line of a shift: how often it is found in its first three windows, also by an oracle, and confirmed in a week.

    Parameters
    ----------
    kind
        Of the days, and the shift.
    shifts, days
        How many shifts, and days of each.
    """
    flagged = confirmed = known = 0
    for seed in range(shifts):
        profiles = drawn(kind, days, np.random.default_rng([seed, 4]))
        with tempfile.TemporaryDirectory() as folder:
            verdicts = list(verdicts_on(kind, Path(folder), days, profiles))
        flagged += any(verdict.flagged for verdict in verdicts[:WINDOWS])
        confirmed += any(verdict.outcome == "alarm" for verdict in verdicts)
        known += oracle_finds(kind.shift or Shift(), profiles, WINDOWS)
    line = line_of(f"{kind.name} n=1000", "share of shifts found within three windows", flagged, shifts, POWER)
    return line | {"confirmed": confirmed / shifts, "oracle": known / shifts}


def line_of(name: str, unit: str, count: int, trials: int, limit: float) -> Line:
    """Return the line of a case: a share with its interval, against its limit.

    Parameters
    ----------
    name, unit
        Of the case.
    count, trials
        How often it was seen, of how many.
    limit
        The largest share, or the smallest, that is to be reached.
    """
    interval, rate = stats.binomtest(count, trials).proportion_ci(), count / trials
    return {
        "benchmark": "false_alarms", "case": name, "unit": unit, "ours": rate, "limit": limit, "peers": {}, "peer_trials": 0,
        "ratio_to_limit": rate / limit, "ratio_to_best_peer": None, "repetitions": trials,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rate": rate, "low": float(interval.low), "high": float(interval.high), "trials": trials,
    }  # fmt: skip
