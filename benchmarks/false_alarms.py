"""How often ordinary days are called drift, and whether a real shift is found, against the tools people use.

``.venv/bin/python -m benchmarks.false_alarms [--quick]`` prints one JSON object per case. A loop of 20 standard normal columns
is judged every day against the 28 ordinary days before it, by the product's own statistics, thresholds and confirmation.
Ordinary days differ by sampling alone (``none``); or each day's mean of each column is moved by a draw of sd 0.05 or 0.1
(``day-0.05``, ``day-0.1``); or each weekday has a fixed shift, a draw of sd 0.1 (``weekday``). A lasting shift is to be found
within three windows: of 0.2 in five columns (``shift``), or of 0.3 where days differ by 0.1 (``shift+day``).

A day's profile is drawn directly: the counts of its bins are multinomial with the normal's probabilities under the day's mean,
which is the distribution of counting as many raw rows in the same bins (a test compares the two). So days of 100,000 rows cost
no more than days of 1,000. Peers get raw rows: the 28 days as one reference, up to 10,000 rows a day (their memory), fewer
windows (``peer_trials``), none with ``--quick``. The full run takes three quarters of an hour.

The full run also draws ``docs/pictures/false_alarms.png``.
"""

import argparse
import json
import resource
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.false_alarm_peers import Draw, peer_rates
from benchmarks.false_alarm_picture import draw
from benchmarks.measuring import ROOT
from benchmarks.workloads.simulated_days import COLUMNS, EFFECTS, MOVED, Days, Effect, date_of
from include.foundation.config.data_sections import Drift
from include.stages.drift.comparing.column_findings import judge_columns
from include.stages.drift.earlier_verdicts import confirmation, rolling_days
from include.stages.drift.profiling.column_profile import Profile

REFERENCE_DAYS, WINDOWS = 28, 3
LIMIT, POWER = 0.05, 0.95
ROWS = (1_000, 10_000, 100_000)
DRIFT = Drift()
MOST_PEER_ROWS = 10_000
PICTURE = ROOT / "docs" / "pictures" / "false_alarms.png"


def flagged_columns(days: Mapping[str, list[Profile]], reference: Sequence[str], today: str) -> set[int]:
    """Return which columns of a day the product flags.

    Parameters
    ----------
    days
        Profiles of each column by day.
    reference
        Days that say what is ordinary.
    today
        Day to be judged.
    """
    window = {("", f"x{column}"): [days[today][column]] for column in range(COLUMNS)}
    ordinary = {("", f"x{column}"): [days[day][column] for day in reference] for column in range(COLUMNS)}
    return {int(finding.column[1:]) for finding in judge_columns(DRIFT, window, ordinary) if finding.flagged}


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
        profiles = {date_of(number): days.profiles(number) for number in range(REFERENCE_DAYS + 1)}
        *reference, today = profiles
        flagged += bool(flagged_columns(profiles, reference, today))
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
    profiles = {date_of(number): days.profiles(number) for number in range(REFERENCE_DAYS)}
    flags: list[bool] = []
    flagged: list[str] = []
    raised: list[int] = []
    for number in range(REFERENCE_DAYS, REFERENCE_DAYS + round(365 * years)):
        today = date_of(number)
        reference = rolling_days(DRIFT, sorted(profiles), flagged, today)
        profiles[today] = days.profiles(number)
        flags.append(bool(flagged_columns(profiles, reference, today)))
        flagged += [today] if flags[-1] else []
        since_last_alarm = timedelta(days=number - raised[-1] - 1) if raised else None
        if confirmation(DRIFT, flags, since_last_alarm)[0] == "alarm":
            raised.append(number)
        profiles.pop(date_of(number - 3 * REFERENCE_DAYS), None)
    return len(raised)


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
        profiles = {date_of(number): days.profiles(number) for number in range(REFERENCE_DAYS)}
        for number in range(REFERENCE_DAYS, REFERENCE_DAYS + WINDOWS):
            reference = rolling_days(DRIFT, sorted(profiles), [], date_of(number))
            profiles[date_of(number)] = days.profiles(number, shifted=True)
            if flagged_columns(profiles, reference, date_of(number)) & set(range(MOVED)):
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
    """How much is simulated in a case; peers get ``peer_windows``, a multiple of three, for each of ``peer_references``."""

    trials: int
    years: float
    peer_references: int
    peer_windows: int


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


def main() -> None:
    """Print one JSON line per case; draw the picture after a full run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller work, within a minute")
    quick = parser.parse_args().quick
    work = Work(15, 0.1, 0, 0) if quick else Work(500, 10, 4, 6)
    results = []
    for effect in EFFECTS:
        for rows in ROWS:
            results.append(case(effect, rows, work))
            print(json.dumps(results[-1]), flush=True)
    if not quick:
        draw(results, LIMIT, PICTURE)


if __name__ == "__main__":
    main()
