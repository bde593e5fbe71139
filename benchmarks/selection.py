"""What it costs to choose a batch from a day, compared with one pass over its probabilities and with other tools.

``.venv/bin/python -m benchmarks.selection [--quick]`` prints one JSON object per case: CPU seconds of fresh processes. A row
has a text, ten probabilities and a 64-dimensional embedding. 1,000 rows are chosen: a fifth at random, the others by margin,
spread over clusters, none of them a near duplicate. The limit reads the probabilities and keeps the 1,000 smallest margins.
"""

import json
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.measuring import Measure, Measured, interleaved, line, print_cases, run_module
from benchmarks.workloads.drift_days import files_of, snapshot
from benchmarks.workloads.selection_day import BUDGET, INTERVAL, selection_store, write_predictions

PEERS = {
    "modAL margin": ("modal",),
    "scikit-activeml margin": ("skactiveml",),
    "scikit-activeml CoreSet": ("skactiveml", "coreset"),
}


def day(folder: Path, rows: int, repetitions: int, *, copies: int = 1, with_peers: bool = False) -> dict[str, Any]:
    """Return the line of a case.

    Parameters
    ----------
    folder
        Where the store is written.
    rows
        Of the day.
    repetitions
        How often the product and the limit are measured; peers are measured once.
    copies
        Files of the day that are links to one file.
    with_peers
        Whether the peers are measured as well.
    """
    store = selection_store(folder / "store")
    write_predictions(store, rows // copies, copies)
    files = files_of(store, INTERVAL)
    measures: dict[str, Measure] = {
        "ours": partial(_ours, folder),
        "limit": partial(run_module, "benchmarks.workloads.top_margins", str(BUDGET), *files),
    }
    others = PEERS if with_peers else {}
    for name, (tool, *strategy) in others.items():
        measures[name] = partial(peers.run, tool, [*strategy, str(BUDGET), *files])
    times = {name: repetitions if name in {"ours", "limit"} else 1 for name in measures}
    measured = interleaved(measures, times)
    ours = measured["ours"]
    if ours is None:
        msg = f"rows={rows}: our own process was not measured"
        raise RuntimeError(msg)
    given = {name: measured[name] for name in others}
    result = line("selection", f"rows={rows}", ours, measured["limit"], given, repetitions)
    frame_rows, requests = ours.output.split()
    return result | {"frame_rows": json.loads(frame_rows), "requests": json.loads(requests)}


def _ours(folder: Path) -> Measured:
    """Measure a choice from a copy of the store, so that it can be repeated."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        copy = snapshot(folder / "store", Path(scratch, "store"))
        return run_module("benchmarks.workloads.select_day", str(copy))


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the result of every case."""
    sizes = [(20_000, 1, 1)] if quick else [(1_000_000, 5, 1), (50_000_000, 1, 50)]
    for rows, repetitions, copies in sizes:
        with tempfile.TemporaryDirectory() as folder:
            yield day(Path(folder), rows, repetitions, copies=copies, with_peers=rows == 1_000_000)


def main() -> None:
    """Print one JSON line per case."""
    print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
