"""Pulls killed at a numbered step: ``python -m tests.include.stages.logs.dying_pulls <folder>`` prints what became of them.

A step is after anything that stays when the process dies: whatever the project's code calls, and wherever it returns, the disk
is looked at, and each state of it is gone on from. Every pull runs in a fork of its own; the parent never opens a table,
because the threads of Delta Lake and DuckDB do not survive a fork.
"""

import json
import os
import shutil
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import boto3  # noqa: F401 - imported once, not in every fork
import duckdb  # noqa: F401 - as above
import pyarrow.dataset  # noqa: F401 - as above
import sqlalchemy.dialects.sqlite  # noqa: F401 - as above

from include.foundation.digests import table_digest
from include.foundation.lines.sources import Access
from include.foundation.store.tables import LoopStore
from include.stages.logs import pulling
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.pulling import plan_pull, planned, pull_logs, pull_partition, report, write_plan
from include.stages.logs.slices import line_slices
from include.stages.logs.slices import unread_slices as files_read
from tests.builders import DAY, KEY, day, line, make_store, write_lines
from tests.conftest import ROOT
from tests.include.stages.logs.log_builders import make_pull

SLICE, PARTITION, CHUNK = 1100, 2200, 4  # bytes, bytes, lines: small, so that a pull has many steps
KILLED = 5  # of every so many steps one ends by SIGKILL; of the others the disk is copied as a kill would leave it
TABLES = ("predictions", "quarantine", "files_read", "feedback")
CODE = str(ROOT / "include")
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
    tables["files_read"] = tables["files_read"].drop_columns(["table_version", "table_rows"])  # of whoever read last
    return {name: [rows.num_rows, table_digest(rows)] for name, rows in tables.items()} | {"report": asdict(found)}


def watched(act: Callable[[str], None]) -> None:
    """From now on, call ``act`` with the name of the function whenever code of the project calls or returns, in any module."""

    def look(frame: FrameType, _: str, __: Any) -> None:
        if frame.f_code.co_filename.startswith(CODE):
            act(frame.f_code.co_name)

    sys.setprofile(look)


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
    """Run a scenario and keep a copy of the disk whenever it has changed; return, with what there is then, the steps.

    A step is the name of the function in which the change was seen, and how many events came before it.
    """
    steps: list[tuple[str, int]] = []
    before, events = [on_disk(folder)], 0

    def keep(name: str) -> None:
        nonlocal events
        events += 1
        if (there := on_disk(folder)) != before[0]:
            before[0] = there
            steps.append((name, events))
            shutil.copytree(folder, folder.with_name(str(len(steps))))

    watched(keep)
    found = run(scenario, folder)
    sys.setprofile(None)
    return found | {"steps": steps}


def on_disk(folder: Path) -> list[tuple[str, int]]:
    """Return the names and sizes of all files of the store."""
    return sorted((entry.path, entry.stat().st_size) for entry in entries_below(str(folder / "store")))


def entries_below(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    yield from entries_below(entry.path)
                else:
                    yield entry
    except FileNotFoundError:
        return


def killed(scenario: str, folder: Path, events: int) -> None:
    """Run a scenario up to an event, or its end if fewer come this time."""
    left = events

    def kill(_: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    watched(kill)
    run(scenario, folder)
    sys.setprofile(None)
    os.kill(os.getpid(), signal.SIGKILL)


def case(folder: Path, scenario: str, number: int, step: tuple[str, int]) -> dict[str, Any]:
    """Go on from a step: for some of them after a kill, at every other from the beginning, as a task that is cleared."""
    place, told, died = folder / str(number), folder / "told.json", -signal.SIGKILL
    if number % KILLED == 0:
        shutil.rmtree(place)
        shutil.copytree(folder / "template", place)
        died = fork(lambda: killed(scenario, place, step[1]), told)
    if number % 2:
        (place / "done.json").unlink(missing_ok=True)
    ended = fork(lambda: run(scenario, place), told)
    return {"step": f"{number}: {step[0]}", "died": died, "then": json.loads(told.read_text()) if ended == 0 else ended}


def main(folder: Path, scenario: str) -> None:
    files_read.cut_up = _small(files_read.cut_up, SLICE)  # type: ignore[attr-defined]
    pulling.partitions = _small(pulling.partitions, PARTITION)  # type: ignore[attr-defined]
    line_slices.CHUNK = CHUNK
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
