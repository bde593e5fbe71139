"""A store that was written to for a while, and processes that are killed while they maintain it.

``python -m tests.include.foundation.store.lived_in <folder>`` maintains copies of the store in ``<folder>/store``: the nth copy
is killed just before the nth step. It prints the copies, and how each process ended.
"""

import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from include.foundation.decisions import record
from include.foundation.store import maintenance
from include.foundation.store.compaction import EVERY
from include.foundation.store.loop_files import write_file
from include.foundation.store.objects.local_objects import LocalObjects
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from tests.builders import DAY, make_store
from tests.decision_builders import Note

LONG_AGO = time.time() - 400 * 86_400
HASTY = {"timeout_minutes": 0.001, "long_timeout_minutes": 0.001}  # what is dead is dead after a second
STEPS: list[tuple[Any, str]] = [
    (maintenance, "merge_small_files"),
    (maintenance, "_dead_files"),
    (maintenance, "write_file"),
]
STEPS += [(LoopStore, "set_properties"), (DeltaTable, "cleanup_metadata"), (LocalObjects, "delete")]


def label(number: int) -> dict[str, Any]:
    return {
        "label_id": f"l{number}", "trace_id": f"t{number}", "label": "earn", "decided_by": "seed", "origin": "seed",
        "split": "train", "stratum": "seed", "inclusion_probability": 1.0, "content_key": f"c{number}", "ts": DAY,
        "decided_at": DAY,
    }  # fmt: skip


def prediction(number: int) -> dict[str, Any]:
    return {
        "trace_id": f"t{number}", "ts": DAY, "day": "2026-03-10", "model_version": "1", "predicted": "earn",
        "confidence": 0.5, "input_text": f"story {number}", "segment_desk": "eu",
    }  # fmt: skip


def live(store: LoopStore, numbers: range) -> None:
    """Write to three tables, a commit for each number."""
    for number in numbers:
        store.append_new("predictions", rows_of(store.loop, "predictions", [prediction(number)]))
        store.append_new("labels", rows_of(store.loop, "labels", [label(number)]))
        record(store, Note(subject=f"subject {number}", outcome="yes", reasons=("Why.",), number=number))


def leave_behind(store: LoopStore) -> list[Path]:
    """Leave what a kill leaves, long ago, and return where."""
    left = [
        Path(store.uri, name) for name in ("predictions/day=2026-03-10/never-committed.parquet", "labels/lost.parquet")
    ]
    left += [Path(store.uri, "labels", "_delta_log", "00000000000000000099.json#1")]
    left += [Path(store.uri, "_files", "reports", ".index.html.7.7.part"), Path(store.uri, "_files", "pulls", "a.json")]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("left behind")
        os.utime(path, (LONG_AGO, LONG_AGO))
    return left


def rows_in(store: LoopStore) -> dict[str, list[dict[str, Any]]]:
    return {name: store.read(name).to_pylist() for name in ("predictions", "labels", "decisions")}


def made(folder: Path) -> LoopStore:
    """Return a store with dead files whose time is up, and what kills left."""
    store = make_store(folder, tasks=HASTY)
    live(store, range(EVERY + 4))
    write_file(store, "reports/index.html", "kept")
    leave_behind(store)
    time.sleep(1.2)
    return store


def _kill_before(step: int) -> None:
    """Let this process be killed before the nth call of any step."""
    done = 0

    def dying(original: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal done
            done += 1
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **kwargs)

        return call

    for owner, name in STEPS:
        setattr(owner, name, dying(getattr(owner, name)))


def main(folder: Path) -> None:
    step, ended = 0, -signal.SIGKILL
    while ended == -signal.SIGKILL:
        step += 1
        copy = folder / f"copy{step}"
        shutil.copytree(folder / "store", copy / "store")
        child = os.fork()
        if child == 0:
            _kill_before(step)
            maintenance.maintain_store(make_store(copy, tasks=HASTY))
            os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{copy} {ended}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
