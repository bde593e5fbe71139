"""Other tools on the same work, each in an environment of its own; one that is not there gives None, never a figure.

``make bench-peers`` makes the environments below ``data/cache/peers`` from the pins ``benchmarks/peers/<name>.txt``; `OWN`
peers run with the project's Python. The tools are ``ks`` (Kolmogorov-Smirnov and chi-squared by hand, scipy), ``alibi_detect``,
``evidently`` and ``nannyml``.

False alarms
    ``flags(name, arrays)``: does a tool, set up fairly, say "the dataset drifted" of each window? ``arrays`` are ``.npz``
    files of ``np.savez(path, reference=..., windows=...)``: ``reference`` float64 (rows, columns), ``windows`` float64
    (W, n, columns). Returns W booleans of each file, one file after the other, or None where the environment is missing.

    >>> flags("evidently", ["arrays.npz"])  # doctest: +SKIP
    [False, True]

Timing
    ``run(name, arguments)``: run ``benchmarks.peers.<name>_peer`` with a peer's Python and return CPU, memory and output. The
    arguments of drift are ``["compare", frames]`` or ``["compare", frames, variant]`` with a file as `benchmarks.peers.frames`
    reads it; the output ends with W booleans as JSON.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import measuring
from benchmarks.measuring import ROOT, Measured

PLACE = ROOT / "data" / "cache" / "peers"
OWN = ("ks", "ingest")
TOOLS = ("ks", "alibi_detect", "evidently", "nannyml")


def available(name: str) -> bool:
    """Tell whether a peer can run here."""
    return name in OWN or (PLACE / name / "made").is_file()


def run(name: str, arguments: Sequence[str]) -> Measured | None:
    """Run a peer's script in a fresh process and return what it used; None where its environment is missing.

    Raises
    ------
    benchmarks.measuring.ChildFailedError
        If the script fails.
    """
    if not available(name):
        return None
    return measuring.run([_python(name), "-m", f"benchmarks.peers.{name}_peer", *arguments])


def flags(name: str, arrays: Sequence[Path]) -> list[bool] | None:
    """Return of each window whether a peer says that the dataset drifted; None where its environment is missing.

    Parameters
    ----------
    name
        One of `TOOLS`.
    arrays
        ``.npz`` files with ``reference`` (rows, columns) and ``windows`` (W, n, columns), all read by one process.
    """
    return told(run(name, ["flags", *map(str, arrays)]))


def told(done: Measured | None) -> list[bool] | None:
    """Return what a drift peer's process said of each window; None if it did not run."""
    return None if done is None else [bool(flag) for flag in json.loads(done.output.splitlines()[-1])]


def _python(name: str) -> str:
    return sys.executable if name in OWN else str(PLACE / name / "bin" / "python")
