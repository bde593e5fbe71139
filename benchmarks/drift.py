"""What it costs to judge drift, compared with reading the same bytes and with other tools on the same rows.

``.venv/bin/python -m benchmarks.drift [--quick]`` prints one JSON object per case: CPU seconds of fresh processes.
Reference and current window have equally many rows of 20 numbers, 5 categories, prediction and confidence. ``rows=`` cases
profile both and judge; ``daily`` cases do what a loop does every day: profile the new day and judge it against 28 others.
"""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.measuring import Measure, Measured, interleaved, line, print_cases, run_module
from benchmarks.workloads.drift_days import days, drift_store, snapshot, write_days, write_frames
from include.stages.drift.detection import detect_drift
from include.stages.drift.profiling.profiles import profile_days

DAYS = 10  # of the reference, and of the current window
REFERENCE_DAYS, LAST = 28, 30
SHOWN = (1, 10, 20, 30)
PEERS = {
    "KS and chi-squared, scipy": ("ks",),
    "alibi-detect TabularDrift": ("alibi_detect",),
    "NannyML, univariate defaults": ("nannyml", "ten_chunks"),
    "Evidently, PSI": ("evidently", "psi"),
    "Evidently, default preset": ("evidently",),
}


def windows(folder: Path, rows: int, repetitions: int, *, copies: int = 1, with_peers: bool = False) -> dict[str, Any]:
    """Return the line of a case that profiles reference and current window, and judges.

    Parameters
    ----------
    folder
        Where the store is written.
    rows
        Of the reference, and of the current window.
    repetitions
        How often the product and the reading of the bytes are measured; peers are measured once.
    copies
        Files of each day that are links to one file.
    with_peers
        Whether the peers are measured as well.
    """
    store = drift_store(folder / "store")
    write_days(store, 2 * DAYS, rows // DAYS // copies, copies)
    frames = folder / "frames.json"
    write_frames(store, days(0, DAYS - 1), days(DAYS, 2 * DAYS - 1), frames)
    measures: dict[str, Measure] = {
        "ours": partial(_ours, folder, 0, 2 * DAYS - 1, DAYS),
        "limit": partial(run_module, "benchmarks.workloads.read_columns", str(frames), "reference", "current"),
    }
    others = PEERS if with_peers else {}
    for name, (tool, *variant) in others.items():
        measures[name] = partial(peers.run, tool, ["compare", str(frames), *variant])
    times = {name: repetitions if name in {"ours", "limit"} else 1 for name in measures}
    measured = interleaved(measures, times)
    result = _line(f"rows={rows}", measured, {name: measured[name] for name in others}, repetitions)
    return result | {"peers_repetitions": 1} if with_peers else result


def daily(folder: Path, rows: int, repetitions: int) -> Iterator[dict[str, Any]]:
    """Yield the lines of daily checks: what the check of one day costs, on some days of a month.

    Parameters
    ----------
    folder
        Where the store is written.
    rows
        Of each day.
    repetitions
        How often each check is measured.
    """
    store = drift_store(folder / "store")
    write_days(store, REFERENCE_DAYS + LAST, rows)
    before = {day: _store_before(folder, day) for day in SHOWN}
    measures: dict[str, Measure] = {}
    for day in SHOWN:
        number = REFERENCE_DAYS + day - 1
        write_frames(store, days(0, 0), days(number, number), folder / f"frames{day}.json")
        measures[f"ours {day}"] = partial(_ours, before[day], number, number, number)
        reading = ("benchmarks.workloads.read_columns", str(folder / f"frames{day}.json"), "current")
        measures[f"limit {day}"] = partial(run_module, *reading)
    measured = interleaved(measures, repetitions)
    for day in SHOWN:
        of_day = {name: measured[f"{name} {day}"] for name in ("ours", "limit")}
        result = _line(f"daily day={day}", of_day, {}, repetitions)
        yield result | {"rows": rows, "ratio_to_first_day": round(result["ours"] / _cpu(measured["ours 1"]), 3)}


def _store_before(folder: Path, day: int) -> Path:
    """Play the days before a shown one, and return a copy of the store as that day's check will read it."""
    store = drift_store(folder / "store")
    shown = [0, *SHOWN]
    for number in range(shown[shown.index(day) - 1], day):
        if number == 0:
            profile_days(store, days(0, REFERENCE_DAYS - 1))
        else:
            profile_days(store, days(REFERENCE_DAYS + number - 1, REFERENCE_DAYS + number - 1))
            detect_drift(store, days(REFERENCE_DAYS + number - 1, REFERENCE_DAYS + number - 1))
    return snapshot(folder / "store", folder / f"before{day}" / "store").parent


def _ours(folder: Path, first: int, last: int, window_first: int) -> Measured:
    """Measure a check on a copy of the store, so that it can be repeated."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        copy = snapshot(folder / "store", Path(scratch, "store"))
        numbers = [str(number) for number in (first, last, window_first, last)]
        return run_module("benchmarks.workloads.check_drift", str(copy), *numbers)


def _line(
    case: str, measured: dict[str, Measured | None], others: dict[str, Measured | None], repetitions: int
) -> dict[str, Any]:
    ours = measured["ours"]
    if ours is None:
        msg = f"{case}: our own process was not measured"
        raise RuntimeError(msg)
    return line("drift", case, ours, measured["limit"], others, repetitions) | {"outcome": ours.output.strip()}


def _cpu(measured: Measured | None) -> float:
    return measured.cpu_seconds if measured else float("nan")


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the result of every case."""
    sizes = [(20_000, 1, 1)] if quick else [(1_000_000, 5, 1), (10_000_000, 3, 1), (50_000_000, 1, 5)]
    for rows, repetitions, copies in sizes:
        with tempfile.TemporaryDirectory() as folder:
            yield windows(Path(folder), rows, repetitions, copies=copies, with_peers=rows <= 1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        yield from daily(Path(folder), *((2_000, 1) if quick else (100_000, 5)))


def main() -> None:
    """Print one JSON line per case."""
    print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
