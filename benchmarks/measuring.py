"""CPU seconds and peak memory of child processes, measured beside each other.

A child's peak memory starts at that of the process that started it, so every measured child is started by a small launcher, not
by the benchmark itself. CPU is user and system time of the child and of every descendant it waited for, imports included.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[1]
LAUNCHER = """
import os, sys
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(child, 0)
with open(sys.argv[1], "w") as report:
    report.write(f"{os.waitstatus_to_exitcode(status)} {used.ru_utime + used.ru_stime} {used.ru_maxrss}")
"""
TELEMETRY_OFF = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
UNWANTED = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")


class ChildFailedError(RuntimeError):
    """A measured process ended with an error."""


@dataclass(frozen=True)
class Measured:
    """What a process, or the median of some, used.

    Attributes
    ----------
    cpu_seconds
        User and system time of the process tree.
    peak_rss_mb
        Largest memory of a single process of the tree, in MiB.
    output
        Standard output; of a median, that of the first process.
    """

    cpu_seconds: float
    peak_rss_mb: float
    output: str = ""


Measure = Callable[[], Measured | None]


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Measured:
    """Run a command in a fresh process, with the repository root as working folder, and return what it used.

    Parameters
    ----------
    command
        Program, with its path, and arguments.
    environment
        Variables besides the inherited ones.

    Raises
    ------
    ChildFailedError
        If the command fails; the message ends with what it wrote to standard error.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    reading, writing = os.pipe()
    with os.fdopen(reading) as report:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-c", LAUNCHER, f"/dev/fd/{writing}", *command],
                env=inherited | TELEMETRY_OFF | dict(environment or {}), cwd=ROOT, pass_fds=[writing], capture_output=True,
                text=True, check=False,
            )  # fmt: skip
        finally:
            os.close(writing)
        reported = report.read().split()
    if not reported or reported[0] != "0":
        raise ChildFailedError(f"{' '.join(command)}: failed\n{done.stderr[-4000:]}")
    return Measured(float(reported[1]), float(reported[2]) / 1024, done.stdout)


def run_module(module: str, *arguments: str) -> Measured:
    """Run a module of the project with this Python; see `run`."""
    return run([sys.executable, "-m", module, *arguments])


def interleaved(measures: Mapping[str, Measure], repetitions: Mapping[str, int] | int) -> dict[str, Measured | None]:
    """Take turns between measurements and return the medians, None where one gave none.

    Parameters
    ----------
    measures
        What to run, by name.
    repetitions
        How often, the same for all or by name; names that are done sit the later rounds out.

    Notes
    -----
    Other work on the machine changes what CPU time buys. Taking turns lets it fall on all alike, so ratios hold.
    """
    times = {name: repetitions if isinstance(repetitions, int) else repetitions[name] for name in measures}
    results: dict[str, list[Measured | None]] = {name: [] for name in measures}
    for turn in range(max(times.values(), default=0)):
        for name, measure in measures.items():
            if turn < times[name]:
                results[name].append(measure())
    return {name: median(each) for name, each in results.items()}


def own(measured: Measured | None) -> Measured:
    """Return a measurement of our own process, which is never left out as a peer's may be.

    Raises
    ------
    RuntimeError
        If there is none.
    """
    if measured is None:
        raise RuntimeError("Our own process was not measured")
    return measured


def median(results: Sequence[Measured | None]) -> Measured | None:
    """Return the medians of time and of memory; None if there is nothing."""
    given = [result for result in results if result is not None]
    if not given:
        return None
    cpu = statistics.median(result.cpu_seconds for result in given)
    memory = statistics.median(result.peak_rss_mb for result in given)
    return Measured(cpu, memory, given[0].output)


def line(
    benchmark: str,
    case: str,
    ours: Measured,
    limit: Measured | None,
    peers: Mapping[str, Measured | None],
    repetitions: int,
) -> dict[str, Any]:
    """Return the JSON object of one case; a figure that was not measured is None.

    Parameters
    ----------
    benchmark, case
        Names.
    ours, limit
        What this project and the physical limit took.
    peers
        What others took, by name.
    repetitions
        How often each was measured.
    """
    best = min((peer.cpu_seconds for peer in peers.values() if peer), default=None)
    return {
        "benchmark": benchmark,
        "case": case,
        "unit": "CPU s",
        "ours": _seconds(ours),
        "limit": _seconds(limit),
        "peers": {name: _seconds(peer) for name, peer in peers.items()},
        "ratio_to_limit": round(ours.cpu_seconds / limit.cpu_seconds, 3) if limit else None,
        "ratio_to_best_peer": round(ours.cpu_seconds / best, 3) if best else None,
        "repetitions": repetitions,
        "peak_rss_mb": _megabytes(ours),
        "limit_peak_rss_mb": _megabytes(limit),
        "peers_peak_rss_mb": {name: _megabytes(peer) for name, peer in peers.items()},
    }


def leave() -> NoReturn:
    """End a measured process as Airflow ends that of a task: at once, without taking the interpreter and its threads down."""
    sys.stdout.flush()
    os._exit(0)


def print_cases(cases: Callable[..., Iterator[dict[str, Any]]], description: str | None) -> None:
    """Print each case of a benchmark as one line of JSON as soon as it is there; ``--quick`` asks for smaller work.

    Parameters
    ----------
    cases
        Takes ``quick`` and yields the cases.
    description
        What ``--help`` says.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller work, within a minute")
    for result in cases(quick=parser.parse_args().quick):
        print(json.dumps(result), flush=True)


def _seconds(found: Measured | None) -> float | None:
    return None if found is None else round(found.cpu_seconds, 3)


def _megabytes(found: Measured | None) -> int | None:
    return None if found is None else round(found.peak_rss_mb)
