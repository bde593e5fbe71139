"""How often ordinary days are called drift, and whether a real shift is found, against the tools people use.

``.venv/bin/python -m benchmarks.false_alarms [--quick] [--only NAME …] [--trials N]`` prints one JSON object per case. A loop
of 20 standard normal columns is judged every day against the 28 ordinary days before it, by the product's own statistics,
thresholds and confirmation. Ordinary days differ by sampling alone (``none``); or each day's mean of each column is moved by a
draw of sd 0.05 or 0.1 (``day-0.05``, ``day-0.1``); or each weekday has a fixed shift, a draw of sd 0.1 (``weekday``). A lasting
shift is to be found within three windows: of 0.2 in five columns (``shift``), or of 0.3 where days differ by 0.1
(``shift+day``).

Then whole verdicts are judged, of ten numbers, a category, a text, predictions and confidence, from a store by `detect_drift`:
days of many kinds, see `benchmarks.workloads.kinds_of_days` (``ar``, ``t3``, ``trend``, ``month``, ``holiday``, ``volume``,
``days-14``, ``segments``), days after a deployment that makes the model less sure of itself and changes nothing else
(``deployment``), and shifts (``power …``): a shift is to be found in one of its first three windows. ``oracle`` is how often a
t-test finds it that knows which column changes and how, at the same rate.

A day's profile is drawn directly: the counts of its bins are multinomial with the normal's probabilities under the day's mean,
which is the distribution of counting as many raw rows in the same bins (a test compares the two). So days of 100,000 rows cost
no more than days of 1,000. Peers get raw rows: the 28 days as one reference, up to 10,000 rows a day (their memory), fewer
windows (``peer_trials``), none with ``--quick``. The full run takes hours.

The full run also draws ``docs/pictures/false_alarms.png``; one of some cases only, or of other trials, does not.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from benchmarks.false_alarm_peers import peer_rates
from benchmarks.false_alarm_picture import draw
from benchmarks.measuring import ROOT
from benchmarks.workloads.deployed_versions import verdicts_after_deployment
from benchmarks.workloads.judged_columns import MOST_PEER_ROWS, WINDOWS, alarms, false_alarms, raw_days, shifts_found
from benchmarks.workloads.judged_kinds import LIMIT, Line, line_of, power, whole_verdicts
from benchmarks.workloads.kinds_of_days import ORDINARY, SHIFTS, daily_verdicts
from benchmarks.workloads.simulated_days import EFFECTS, Effect

POWER = 0.95
ROWS = (1_000, 10_000, 100_000)
PICTURE = ROOT / "docs" / "pictures" / "false_alarms.png"


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


def case(effect: Effect, rows: int, work: Work) -> Line:
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
        peer_work = pool.submit(peer_rates, raw_days(effect, rows, work.peer_references, work.peer_windows), group)
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
    return line_of(f"{effect.name} n={rows}", unit, count, work.trials, limit) | yearly | {
        "peers": peers, "peer_trials": trials, "ratio_to_best_peer": count / work.trials / best if best else None,
    }  # fmt: skip


def cases(work: Work) -> Iterator[tuple[str, Callable[[], Line]]]:
    """Yield the name of each case, and what measures it."""
    for effect in EFFECTS:
        for rows in ROWS:
            yield f"{effect.name} n={rows}", partial(case, effect, rows, work)
    for kind in ORDINARY:
        yield kind.name, partial(whole_verdicts, kind.name, partial(daily_verdicts, kind), work.loops, work.days)
    yield "deployment", partial(whole_verdicts, "deployment", verdicts_after_deployment, work.loops, work.days)
    for kind in SHIFTS:
        yield kind.name, partial(power, kind, work.shifts, work.shifted_days)


def main() -> None:
    """Print one JSON line per case; draw the picture after a full run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller work, within a minute")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[""], help="only cases whose names begin so")
    parser.add_argument("--trials", type=int, help="windows of columns, loops of whole verdicts, and shifts")
    asked = parser.parse_args()
    work = Work(2, 0.01, 1, 2, 1, 0, 0, WINDOWS) if asked.quick else Work(500, 10, 6, 100, 40, 4, 6)
    if asked.trials:
        work = replace(work, trials=asked.trials, loops=asked.trials, shifts=asked.trials)
    results = []
    for name, measured in cases(work):
        if name.startswith(tuple(asked.only)):
            results.append(measured())
            print(json.dumps(results[-1]), flush=True)
    if not asked.quick and not asked.trials and asked.only == [""]:
        draw(results[: len(EFFECTS) * len(ROWS)], LIMIT, PICTURE)


if __name__ == "__main__":
    main()
