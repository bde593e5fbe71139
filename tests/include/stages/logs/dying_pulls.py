"""Pulls killed at a numbered step: ``python -m tests.include.stages.logs.dying_pulls <folder>`` prints what became of them.

A step is after something that stays when the process dies: a file was written, or a commit made. Every pull runs in a fork of
its own; the parent never opens a table, because the threads of Delta Lake and DuckDB do not survive a fork.
"""

import json
import os
import shutil
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3  # noqa: F401 - imported once, not in every fork
import duckdb  # noqa: F401 - as above
import pyarrow.dataset  # noqa: F401 - as above
import pyarrow.parquet as pq
import sqlalchemy.dialects.sqlite  # noqa: F401 - as above

from include.foundation.digests import table_digest
from include.foundation.lines.sources import Access
from include.foundation.store.bulk import appending
from include.foundation.store.tables import LoopStore
from include.stages.logs import pulling
from include.stages.logs.feedback import feedback_lines
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.landing import earlier_rows, landing
from include.stages.logs.pulling import plan_pull, planned, pull_logs, pull_partition, report, write_plan
from include.stages.logs.slices import read_ledger as files_read
from tests.builders import DAY, KEY, day, line, make_store, write_lines
from tests.include.stages.logs.log_builders import make_pull

SLICE, PARTITION, CHUNK = 1100, 2200, 4  # bytes, bytes, lines: small, so that a pull has many steps
KILLED = 5  # of every so many steps one ends by SIGKILL; of the others the disk is copied as a kill would leave it
TABLES = ("predictions", "quarantine", "files_read", "feedback")
STEPS: tuple[tuple[Any, str], ...] = (
    (Path, "replace"),  # the plan
    (LoopStore, "_commit"),
    (LoopStore, "update_rows"),
    (landing, "write_day"),
    (pq.ParquetWriter, "write_batch"),  # the file is not whole
    (landing, "add_files"),
    (earlier_rows, "without_rows"),
    (appending, "_add_columns"),
)
UNCOMMITTED = (
    "write_batch",
    "write_day",
    "without_rows",
    "_add_columns",
)  # no commit names the file yet: two scenarios of it are enough
QUERY = (
    'SELECT trace_id, ts, model_version, prediction, text AS "input.text" FROM served WHERE ts >= :start AND ts < :end'
)


def lines_in(folder: Path, name: str, lines: list[Any], minutes: int) -> None:
    """Write log lines as of a moment after the day."""
    moment = (DAY + timedelta(days=2, minutes=minutes)).timestamp()
    os.utime(write_lines(folder, lines, name), (moment, moment))


def write_fresh(folder: Path) -> None:
    """Write lines of two days, lines that are refused, repeats and duplicates, in and across files and slices."""
    later = DAY + timedelta(days=1, hours=2)
    lines_in(folder, "a.jsonl", [*(line(n) for n in range(6)), "broken", line(2), line(3, prediction="earn")], 0)
    lines_in(folder, "b.jsonl", [line(n, when=later) for n in range(10, 13)] + [line(4), line(0, when=later)], 1)


def write_grown(folder: Path) -> None:
    """Pull a day, then rewrite one file, append to the other, and add a third: stored rows must give way."""
    write_fresh(folder)
    pull_logs(store_of("fresh", folder), day(), KEY)
    lines_in(folder, "a.jsonl", [line(0), line(1, prediction="grain"), *(line(n) for n in range(2, 6)), "broken"], 10)
    b = (folder / "logs" / "b.jsonl").read_text().splitlines()
    lines_in(folder, "b.jsonl", [*b, line(11, when=DAY), "torn", line(12, when=DAY + timedelta(days=1, hours=9))], 11)
    lines_in(folder, "c.jsonl", [line(5), line(20), line(21, when=DAY + timedelta(days=1, hours=1)), [1]], 12)


def write_widened(folder: Path) -> None:
    """Pull a day of a loop that gets one more segment afterwards: the table gets a column, and every row is replaced."""
    lines_in(folder, "a.jsonl", [line(n, segments={"desk": "eu", "lang": "en"}) for n in range(2)], 0)
    pull_logs(store_of("fresh", folder), day(), KEY)


def write_feedback(folder: Path) -> None:
    """Write signals of which some are refused, double, without consent, or part of a burst."""
    told = [
        {"feedback_id": f"f{n % 9}", "trace_id": f"t{n}", "ts": (DAY + timedelta(minutes=n)).isoformat(),
         "kind": "explicit" if n != 5 else "loud", "signal": "correction", "value": {"label": "earn"},
         "user_id": "u1" if n % 2 else f"u{n}", "consent": n != 6}
        for n in range(10)
    ]  # fmt: skip
    (folder / "feedback").mkdir()
    for name, signals in (("a", told[:6]), ("b", told[6:] + told[:2])):
        path = folder / "feedback" / f"{name}.jsonl"
        path.write_text("".join(json.dumps(signal) + "\n" for signal in signals) + "broken\n")
        os.utime(path, ((DAY + timedelta(days=2)).timestamp(),) * 2)


def write_database(folder: Path) -> None:
    """Write served predictions of two days."""
    rows = [(f"t{n}", (DAY + timedelta(hours=7 * n - 20)).isoformat(), f"story {n}") for n in range(6)]
    with sqlite3.connect(folder / "served.db") as database:
        database.execute("CREATE TABLE served (trace_id, ts, model_version, prediction, text)")
        database.executemany("INSERT INTO served VALUES (?, ?, '1', 'earn', ?)", [*rows, ("t9", rows[3][1], None)])


SCENARIOS: dict[str, Callable[[Path], None]] = {
    "fresh": write_fresh,
    "grown": write_grown,
    "widened": write_widened,
    "feedback": write_feedback,
    "database": write_database,
}


def store_of(scenario: str, folder: Path) -> LoopStore:
    """Return the store of a scenario."""
    if scenario == "database":
        return make_store(folder, logs={"format": "sql", "connection": "served", "query": QUERY}, segments=[])
    if scenario == "widened":
        return make_store(folder, segments=["desk", "lang"])
    return make_store(folder, feedback={"uri": str(folder / "feedback"), "burst_signals": 3})


def run(scenario: str, folder: Path) -> dict[str, Any]:
    """Pull as the tasks do, going on with the plan of a run that was killed; return what there is then."""
    store, told = store_of(scenario, folder), folder / "done.json"
    pull = make_pull(store, access=Access({}, f"sqlite:///{folder / 'served.db'}"))
    if scenario == "feedback":
        found: Any = pull_feedback(store, day(), KEY)
    else:
        if not told.exists():
            told.write_text(json.dumps(write_plan(pull, plan_pull(pull).partitions)))
        while keys := json.loads(told.read_text()):
            pull_partition(pull, planned(store, keys[0]))
            told.write_text(json.dumps(keys[1:]))
        found = report(store, day())
    tables = {name: store.read(name) for name in TABLES}
    return {name: [rows.num_rows, table_digest(rows)] for name, rows in tables.items()} | {"report": asdict(found)}


def stepping(scenario: str, folder: Path, at: Callable[[str], None]) -> None:
    """Call ``at`` at the start, and wherever something in the store is other than at the step before."""
    left_out = () if scenario in {"fresh", "widened"} else UNCOMMITTED
    before: list[Any] = [None]

    def look(name: str) -> None:
        there = sorted((str(path), path.stat().st_size) for path in (folder / "store").rglob("*") if path.is_file())
        if there != before[0]:
            before[0] = there
            at(name)

    look("start")
    for owner, name in (step for step in STEPS if step[1] not in left_out):
        setattr(owner, name, _looked_after(getattr(owner, name), name, look))


def _looked_after(real: Callable[..., Any], name: str, look: Callable[[str], None]) -> Callable[..., Any]:
    def stepped(*arguments: Any, **named: Any) -> Any:
        done = real(*arguments, **named)
        look(name)
        return done

    return stepped


def fork(work: Callable[[], Any], to: Path) -> int:
    """Do something in a fork that writes what it returns to a file; return how the fork ended."""
    child = os.fork()
    if child == 0:
        try:
            to.write_text(json.dumps(work()))
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kept(scenario: str, folder: Path) -> dict[str, Any]:
    """Run a scenario and keep a copy of what is on the disk at every step; return, with what there is then, the steps."""
    steps: list[str] = []

    def at(name: str) -> None:
        steps.append(name)
        shutil.copytree(folder, folder.with_name(str(len(steps))))

    stepping(scenario, folder, at)
    return run(scenario, folder) | {"steps": steps}


def killed(scenario: str, folder: Path, step: int) -> None:
    """Run a scenario up to a step."""
    left = [step]

    def at(_: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    stepping(scenario, folder, at)
    run(scenario, folder)


def case(folder: Path, scenario: str, number: int, step: str) -> dict[str, Any]:
    """Go on from a step: for some of them after a kill, at every other from the beginning, as a task that is cleared."""
    place, told, died = folder / str(number), folder / "told.json", -signal.SIGKILL
    if number % KILLED == 0:
        shutil.rmtree(place)
        shutil.copytree(folder / "template", place)
        died = fork(lambda: killed(scenario, place, number), told)
    if number % 2:
        (place / "done.json").unlink(missing_ok=True)
    ended = fork(lambda: run(scenario, place), told)
    return {"step": f"{number}: {step}", "died": died, "then": json.loads(told.read_text()) if ended == 0 else ended}


def main(folder: Path, scenario: str) -> None:
    files_read.cut_up = _small(files_read.cut_up, SLICE)  # type: ignore[attr-defined]
    pulling.partitions = _small(pulling.partitions, PARTITION)  # type: ignore[attr-defined]
    feedback_lines.CHUNK = CHUNK
    template, calm, told = folder / "template", folder / "calm", folder / "told.json"
    (template / "logs").mkdir(parents=True)
    assert fork(lambda: SCENARIOS[scenario](template), told) == 0
    shutil.copytree(template, calm)
    assert fork(lambda: kept(scenario, calm), told) == 0
    expected = json.loads(told.read_text())
    cases = [case(folder, scenario, number, step) for number, step in enumerate(expected["steps"], start=1)]
    sys.stdout.write(json.dumps({"calm": expected, "cases": cases}))


def _small(real: Callable[..., Any], size: int) -> Callable[..., Any]:
    return lambda *arguments: real(*arguments[:-1], size)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
