"""What a loop that has lived for long costs: a year of a small daily loop, and a quarter of a small hourly one.

``.venv/bin/python -m benchmarks.soak [--quick]`` prints one JSON object per sampled cycle, and a last one per loop. Every task
of a cycle runs in a fork of this process, which has imported everything and does nothing else: CPU counts the task and not its
imports, memory counts both. Figures of a cycle are means over five cycles. The last line compares the last five with the tenth
cycle, and those around it, of a second loop that begins when the first one is old: they are played in turns, so that both meet
the same machine. Training and judging a challenger, which are not in every cycle and work on all labels there are, are left
out of it; what a loop does once a day counts with its share of an hourly cycle. The loop file lets tasks work for seconds, so
that what is dead goes after a day instead of two.
"""

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.measuring import print_cases
from benchmarks.workloads.forked import Used
from benchmarks.workloads.soak_loop import SoakLoop
from benchmarks.workloads.soak_tasks import ONCE_A_DAY, play

TENTH, SAMPLED = 10, 5
MOST = 1.3  # the last cycle may cost that much of the tenth
TRAINING = ("retrain", "judge", "release_notes")  # not in every cycle, and on all labels that there are
Cycles = Sequence[dict[str, Used]]


def soak(case: str, rows: int, step: timedelta, compared: Sequence[int], every: int) -> Iterator[dict[str, Any]]:
    """Let a loop live; yield a line each few cycles, and two where it is compared with a young one.

    Parameters
    ----------
    case
        Name.
    rows
        Rows an interval.
    step
        Length of an interval.
    compared
        Cycles that are compared with the tenth of a loop that begins then, ascending; the loop ends with the last.
    every
        How many cycles lie between two lines; the tenth cycle has one as well.
    """
    with tempfile.TemporaryDirectory(prefix="feedback-loop-soak-") as folder:
        old = SoakLoop(Path(folder) / "old", rows, step)
        for first, last in pairwise([0, *compared]):
            played: list[dict[str, Used]] = []
            for number in range(first, last - SAMPLED):
                played = [*played, play(old, number, sampled=_is_sampled(number + 1, every))][-SAMPLED:]
                middle = number + 1 - SAMPLED // 2
                if len(played) == SAMPLED and (middle == TENTH or middle % every == 0):
                    yield _line(case, middle, played, old)
            lines = _in_turns(case, old, SoakLoop(Path(folder) / f"young-{last}", rows, step), last)
            yield lines[1]
            yield _summary(case, lines)


def _is_sampled(cycle: int, every: int) -> bool:
    """Return whether a cycle is one of those of which a line has the means."""
    return abs(cycle - TENTH) <= SAMPLED // 2 or (cycle + SAMPLED // 2) % every < SAMPLED


def _in_turns(case: str, old: SoakLoop, young: SoakLoop, last: int) -> list[dict[str, Any]]:
    """Play the cycles around the tenth of a young loop, and those that lead to the last of an old one, in turns."""
    early = TENTH - SAMPLED // 2 - 1
    for number in range(early):
        play(young, number)
    pairs = [
        (play(young, early + n, sampled=True), play(old, last - SAMPLED + n, sampled=True)) for n in range(SAMPLED)
    ]
    return [
        _line(case, cycle, [pair[place] for pair in pairs], living)
        for place, (cycle, living) in enumerate(((TENTH, young), (last, old)))
    ]


def _line(case: str, cycle: int, played: Cycles, living: SoakLoop) -> dict[str, Any]:
    return {"benchmark": "soak", "case": case, "cycle": cycle} | _costs(played, living.step) | _files(living)


def _costs(played: Cycles, step: timedelta) -> dict[str, Any]:
    """Return the mean CPU of each task and of a cycle, with its share of what runs once a day, and the largest memory."""
    cpu: dict[str, float] = defaultdict(float)
    for used in played:
        for name, task in used.items():
            share = step / timedelta(days=1) if name in ONCE_A_DAY else 1.0
            cpu[name] += task.cpu_seconds * share / len(played)
    of_cycle = sum(seconds for name, seconds in cpu.items() if name not in TRAINING)
    memory = max(task.peak_rss_mb for used in played for task in used.values())
    by_task = {name: round(seconds, 3) for name, seconds in cpu.items()}
    return {"unit": "CPU s", "ours": round(of_cycle, 3), "tasks": by_task, "peak_rss_mb": round(memory)}


def _files(living: SoakLoop) -> dict[str, Any]:
    """Return how many files the store has: of tables, log entries and checkpoints, and beside the tables."""
    store = living.folder / "store" / "soak"
    paths = [path.relative_to(store).as_posix() for path in store.rglob("*") if path.is_file()]
    logs = [path for path in paths if "/_delta_log/" in path]
    beside = [path for path in paths if path.startswith("_files/")]
    return {
        "table_files": len(paths) - len(logs) - len(beside),
        "log_entries": sum(path.endswith(".json") for path in logs),
        "checkpoints": sum("checkpoint" in path for path in logs),
        "files_beside": len(beside),
        "mb": round(sum((store / path).stat().st_size for path in paths) / 2**20, 1),
    }


def _summary(case: str, lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    tenth, last = lines[0], lines[-1]
    tasks = {name: [tenth["tasks"].get(name), seconds] for name, seconds in last["tasks"].items()}
    return {
        "benchmark": "soak", "case": f"{case}: cycle {last['cycle']} against cycle {tenth['cycle']}", "unit": "CPU s",
        "ours": last["ours"], "limit": tenth["ours"], "ratio_to_limit": round(last["ours"] / tenth["ours"], 3), "most": MOST,
        "tasks": tasks, "table_files": last["table_files"], "log_entries": last["log_entries"],
        "peak_rss_mb": max(line["peak_rss_mb"] for line in lines),
    }  # fmt: skip


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the lines of every loop."""
    yield from soak("daily", 120, timedelta(days=1), [SAMPLED if quick else 365], 30)
    if not quick:
        yield from soak("hourly", 12, timedelta(hours=1), [365, 24 * 91], 240)


def main() -> None:
    """Print one JSON line a sampled cycle."""
    print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
