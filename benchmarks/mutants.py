"""Would the tests notice? Random breaks of the code, each run against the tests of the room it stands in.

``make mutants ROOM=stages/gate COUNT=40 SEED=0`` prints one JSON object a room: the share of breaks that a test noticed, with
its interval, and where those stand that none did. Some of these change nothing that anyone could see; the others need a test.
Without ROOM every room of `include` is taken in turn. The work tree is copied and never touched.

Every break gets a fresh process, forked from one that has imported the libraries but nothing of the project. A run that takes
five times as long as the unbroken one counts as noticed.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from scipy import stats

from benchmarks.measuring import ROOT
from benchmarks.workloads.source_breaks import Break, breaks

COPIED = (
    "include", "tests", "plugins", "dags", "demo", "benchmarks", "docs", "pyproject.toml", "airflow_settings.yaml",
    ".env.example",
)  # fmt: skip
WARM = ("pandas", "sklearn.linear_model", "sklearn.feature_extraction.text", "pyarrow.dataset", "duckdb", "deltalake",
        "mlflow.sklearn", "great_expectations",
        "hypothesis", "skops.io", "boto3", "pydantic", "jinja2")  # fmt: skip
SLACK = 30.0  # seconds that any run may take


def rooms() -> list[str]:
    """Return the folders below `include` that have tests of their own, such as ``stages/gate``."""
    floors = (ROOT / "include" / floor for floor in ("foundation", "stages"))
    return [
        f"{floor.name}/{room.name}"
        for floor in floors
        for room in sorted(floor.iterdir())
        if (room / "__init__.py").exists()
    ]


def sampled(room: str, count: int, seed: int) -> list[tuple[Path, Break]]:
    """Draw breaks of a room's modules, each as likely as any other.

    Parameters
    ----------
    room
        Folder below `include`.
    count
        How many; all of them if there are no more.
    seed
        Decides which.
    """
    modules = sorted((ROOT / "include" / room).rglob("*.py"))
    every = [(module.relative_to(ROOT), one) for module in modules for one in breaks(module.read_text())]
    return random.Random(seed).sample(every, min(count, len(every)))  # noqa: S311 - a sample, no secret


def passes(tree: Path, room: str, limit: float) -> bool:
    """Run a room's own tests in a forked process; False if one fails or time is up.

    Parameters
    ----------
    tree
        Copy of the work tree.
    room
        Folder below `include`, and below ``tests/include``.
    limit
        Seconds.
    """
    child = os.fork()
    if not child:
        os.setsid()
        os._exit(_run_tests(tree, room))
    ends = time.monotonic() + limit
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.05)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _run_tests(tree: Path, room: str) -> int:
    import pytest

    os.chdir(tree)
    sys.path[:0] = [str(tree), str(tree / "plugins")]
    for name in [name for name in sys.modules if name.split(".")[0] in {"benchmarks", "include", "tests"}]:
        del sys.modules[name]
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    paths = [f"tests/include/{room}", "tests/contracts"]
    return int(
        pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", "-m", "not integration", *paths])
    )


def case(tree: Path, room: str, count: int, seed: int) -> dict[str, Any]:
    """Return the line of one room; an error if its tests fail on the unbroken code.

    Parameters
    ----------
    tree
        Copy of the work tree, broken and mended in turn.
    room, count, seed
        Which breaks are drawn; see `sampled`.
    """
    started = time.monotonic()
    if not passes(tree, room, limit=3600):
        sys.exit(f"{room}: its tests fail on the code as it is; mend them first")
    limit = 5 * (time.monotonic() - started) + SLACK
    drawn = sampled(room, count, seed)
    survivors = []
    for module, one in drawn:
        (tree / module).write_text(one.source)
        if passes(tree, room, limit):
            survivors.append(f"{module}:{one.line}: {one.before} -> {one.after}")
            print(survivors[-1], file=sys.stderr, flush=True)
        shutil.copyfile(ROOT / module, tree / module)
    interval = stats.binomtest(len(drawn) - len(survivors), len(drawn)).proportion_ci(method="wilson")
    noticed = 1 - len(survivors) / len(drawn)
    return {
        "benchmark": "mutants", "case": f"{room} seed={seed}", "unit": "share of breaks noticed", "trials": len(drawn),
        "rate": round(noticed, 3), "low": round(float(interval.low), 3), "high": round(float(interval.high), 3),
        "unnoticed": survivors,
    }  # fmt: skip


def main() -> None:
    """Print one JSON line a room."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--room", choices=rooms(), help="a folder below include; every one if not given")
    parser.add_argument("--count", type=int, default=40, help="breaks a room")
    parser.add_argument("--seed", type=int, default=0, help="which breaks are drawn")
    arguments = parser.parse_args()
    for module in WARM:
        __import__(module)
    for room in [arguments.room] if arguments.room else rooms():
        with tempfile.TemporaryDirectory(prefix="feedback-loop-mutants-") as folder:
            for name in COPIED:
                copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
                copy(ROOT / name, Path(folder) / name)
            print(json.dumps(case(Path(folder), room, arguments.count, arguments.seed)), flush=True)


if __name__ == "__main__":
    main()
