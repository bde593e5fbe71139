"""How often ordinary days are called drift, and whether a real shift is found, against the tools people use.

``.venv/bin/python -m benchmarks.false_alarms [--quick]`` prints one JSON object per case. A loop of 20 standard normal columns
is judged every day against the 28 ordinary days before it, by the product's own statistics, thresholds and confirmation.
Ordinary days differ by sampling alone (``none``); or each day's mean of each column is moved by a draw of sd 0.05 or 0.1
(``day-0.05``, ``day-0.1``); or each weekday has a fixed shift, a draw of sd 0.1 (``weekday``). A lasting shift is to be found
within three windows: of 0.2 in five columns (``shift``), or of 0.3 where days differ by 0.1 (``shift+day``).

Then whole verdicts are judged, of ten numbers, a category, a text, predictions and confidence, from a store by `detect_drift`:
days of many kinds, see `benchmarks.workloads.kinds_of_days` (``ar``, ``t3``, ``trend``, ``month``, ``holiday``, ``volume``,
``days-14``, ``segments``), days after a deployment that makes the model less sure of itself and changes nothing else
(``deployment``), and shifts (``power …``): a shift is to be found in one of its first three windows. ``oracle`` is how often a
t-test finds it that knows which column changes and how, at the same rate.

A day's profile is drawn directly: the counts of its bins are multinomial with the normal's probabilities under the day's mean,
which is the distribution of counting as many raw rows in the same bins (a test compares the two). So days of 100,000 rows cost
no more than days of 1,000. Peers get raw rows: the 28 days as one reference, up to 10,000 rows a day (their memory), fewer
windows (``peer_trials``), none with ``--quick``. The full run takes hours.

The full run also draws ``docs/pictures/false_alarms.png``.
"""

import argparse
import json
import resource
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.false_alarm_peers import Draw, peer_rates
from benchmarks.false_alarm_picture import draw
from benchmarks.measuring import ROOT
from benchmarks.workloads.deployed_versions import verdicts_after_deployment
from benchmarks.workloads.kinds_of_days import ORDINARY, SHIFTS, Kind, daily_verdicts, drawn, verdicts_on
from benchmarks.workloads.shifts import Shift, oracle_finds
from benchmarks.workloads.simulated_days import COLUMNS, EFFECTS, MOVED, Days, Effect, date_of
from include.foundation.config.data_sections import WATCHED_DAYS, Drift
from include.foundation.decisions import DriftVerdict
from include.foundation.decisions.drift_verdict import ColumnFinding
from include.foundation.intervals import Interval
from include.stages.drift.acceptance import Acceptance
from include.stages.drift.comparing.column_findings import judge_columns
from include.stages.drift.earlier_verdicts import kept_out, rolling_days, window_outcome
from include.stages.drift.profiling.column_profile import Profile

REFERENCE_DAYS, WINDOWS = 28, 3
HISTORY = REFERENCE_DAYS + WATCHED_DAYS
MOVED_COLUMNS = {f"x{column}" for column in range(MOVED)}
LIMIT, POWER, WHOLE_POWER = 0.05, 0.95, 0.8
Line = dict[str, Any]
ROWS = (1_000, 10_000, 100_000)
DRIFT = Drift()
MOST_PEER_ROWS = 10_000
PICTURE = ROOT / "docs" / "pictures" / "false_alarms.png"


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
    return judge_columns(DRIFT, window, ordinary, before=confirming)


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
            found = judged(profiles, reference, date_of(number))
            if any(finding.flagged and finding.column in MOVED_COLUMNS for finding in found):
                count += 1
                break
    return count


def raw_days(effect: Effect, rows: int, work: "Work") -> Iterator[Draw]:
    """Yield reference rows (28 days of rows, `COLUMNS`) and the windows after them (windows, rows, `COLUMNS`), for the peers.

    Parameters
    ----------
    effect
        How days differ; the shift is in the windows only.
    rows
        Rows a day; with more than `MOST_PEER_ROWS` nothing is yielded.
    work
        Says how many references and windows.
    """
    generator = np.random.default_rng([1, rows])
    for _ in range(work.peer_references if rows <= MOST_PEER_ROWS else 0):
        days = Days(effect, rows, generator)
        numbers = range(REFERENCE_DAYS + work.peer_windows)
        means = [days.means(number, shifted=number >= REFERENCE_DAYS) for number in numbers]
        drawn = [generator.normal(mean, 1, (rows, COLUMNS)) for mean in means]
        yield np.concatenate(drawn[:REFERENCE_DAYS]), np.stack(drawn[REFERENCE_DAYS:])


@dataclass(frozen=True)
class Work:
    """How much is simulated: windows and years of a case of columns, loops and days of whole verdicts, shifts and their days.

    Peers get ``peer_windows``, a multiple of three, for each of ``peer_references``.
    """

    trials: int
    years: float
    loops: int
    days: int
    shifts: int
    peer_references: int
    peer_windows: int
    shifted_days: int = 7


def case(effect: Effect, rows: int, work: Work) -> dict[str, Any]:
    """Return the line of a case: the share of windows flagged, or of shifts found, against its limit.

    Parameters
    ----------
    effect
        How days differ; with a shift, the limit is the smallest share to be found, else the largest to be flagged.
    rows
        Rows a day.
    work
        How much is simulated.
    """
    group = WINDOWS if effect.shift else 1
    trials = work.peer_references * work.peer_windows // group if rows <= MOST_PEER_ROWS else 0
    yearly: dict[str, float] = {}
    with ThreadPoolExecutor(1) as pool:  # the peers are processes of their own
        peer_work = pool.submit(peer_rates, raw_days(effect, rows, work), group)
        if effect.shift:
            count, limit = shifts_found(effect, rows, work.trials), POWER
        else:
            count, limit = false_alarms(effect, rows, work.trials), LIMIT
            raised = alarms(effect, rows, work.years)
            yearly = {"alarms_a_year": raised / work.years, "alarms": raised, "years": work.years}
        peers = peer_work.result()
    unit = "share of shifts found within three windows" if effect.shift else "share of ordinary windows flagged"
    known = [figure for figure in peers.values() if figure is not None]
    best = (max if effect.shift else min)(known, default=None)
    interval, rate = stats.binomtest(count, work.trials).proportion_ci(), count / work.trials
    return {
        "benchmark": "false_alarms", "case": f"{effect.name} n={rows}", "unit": unit, "ours": rate, "limit": limit,
        "peers": peers, "peer_trials": trials, "ratio_to_limit": rate / limit,
        "ratio_to_best_peer": rate / best if best else None, "repetitions": work.trials,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rate": rate, "low": float(interval.low), "high": float(interval.high), "trials": work.trials,
        **yearly,
    }  # fmt: skip


def whole_verdicts(
    name: str, verdicts: Callable[[Path, int, np.random.Generator], Iterable[DriftVerdict]], work: Work
) -> Line:
    """Return the line of some loops whose days are ordinary.

    Parameters
    ----------
    name
        Of the case.
    verdicts
        Yields the verdicts of a new loop, given its folder, a number of days, and a source of randomness.
    work
        How many loops, and days of each.
    """
    flagged = alarms = 0
    for seed in range(work.loops):
        with tempfile.TemporaryDirectory() as folder:
            for verdict in verdicts(Path(folder), work.days, np.random.default_rng([seed, 3])):
                flagged += verdict.flagged
                alarms += verdict.outcome == "alarm"
    trials = work.loops * work.days
    yearly = {"alarms_a_year": alarms / trials * 365, "alarms": alarms, "years": trials / 365}
    return _line(f"{name} n=1000", "share of ordinary windows flagged", flagged, trials, LIMIT) | yearly


def power(kind: Kind, work: Work) -> Line:
    """Return the line of a shift: how often it is found in its first three windows, also by an oracle, and confirmed in a week.

    Parameters
    ----------
    kind
        Of the days, and the shift.
    work
        How many shifts.
    """
    found = confirmed = known = 0
    for seed in range(work.shifts):
        profiles = drawn(kind, work.shifted_days, np.random.default_rng([seed, 4]))
        with tempfile.TemporaryDirectory() as folder:
            verdicts = list(verdicts_on(kind, Path(folder), work.shifted_days, profiles))
        found += any(verdict.flagged for verdict in verdicts[:WINDOWS])
        confirmed += any(verdict.outcome == "alarm" for verdict in verdicts)
        known += oracle_finds(kind.shift or Shift(), profiles, WINDOWS)
    line = _line(f"{kind.name} n=1000", "share of shifts found within three windows", found, work.shifts, WHOLE_POWER)
    return line | {"confirmed": confirmed / work.shifts, "oracle": known / work.shifts}


def _line(name: str, unit: str, count: int, trials: int, limit: float) -> Line:
    interval, rate = stats.binomtest(count, trials).proportion_ci(), count / trials
    return {
        "benchmark": "false_alarms", "case": name, "unit": unit, "ours": rate, "limit": limit, "peers": {}, "peer_trials": 0,
        "ratio_to_limit": rate / limit, "ratio_to_best_peer": None, "repetitions": trials,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rate": rate, "low": float(interval.low), "high": float(interval.high), "trials": trials,
    }  # fmt: skip


def main() -> None:
    """Print one JSON line per case; draw the picture after a full run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller work, within a minute")
    quick = parser.parse_args().quick
    work = Work(2, 0.01, 1, 2, 1, 0, 0, WINDOWS) if quick else Work(500, 10, 6, 100, 40, 4, 6)
    results = []
    for effect in EFFECTS:
        for rows in ROWS:
            results.append(case(effect, rows, work))
            print(json.dumps(results[-1]), flush=True)
    for kind in ORDINARY:
        print(json.dumps(whole_verdicts(kind.name, partial(daily_verdicts, kind), work)), flush=True)
    print(json.dumps(whole_verdicts("deployment", verdicts_after_deployment, work)), flush=True)
    for kind in SHIFTS:
        print(json.dumps(power(kind, work)), flush=True)
    if not quick:
        draw(results, LIMIT, PICTURE)


if __name__ == "__main__":
    main()
