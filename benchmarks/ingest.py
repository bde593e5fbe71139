"""What pulling a day of logs costs, against the cheapest copy of the same bytes and against other tools.

``.venv/bin/python -m benchmarks.ingest [--quick]`` prints one JSON object per case: CPU seconds of fresh processes.
Ours ends with a committed table: validated, without repeats, refused lines in quarantine. The limit is DuckDB reading the same
values into the same columns and writing the same kind of Parquet, unchecked. The peers only turn the lines into Parquet. One
line in ten thousand is broken and one is there twice, except in what the peers read: some of them stop at a broken line.
``again`` pulls when nothing is new, ``after`` into a store that has seven days as large already, ``corrected`` when every line
of the day was corrected in its file, so that every stored row gives way; ``repeated`` when another file has every trace id
again a day later, so that every line goes to quarantine; ``small`` has a file for every line.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.measuring import Measure, Measured, interleaved, line, own, print_cases, run_module
from benchmarks.workloads.drift_days import snapshot
from benchmarks.workloads.log_files import DAY, clean_copy, pack, split, stamp, write_logs

TOOLS = ("pandas", "polars", "pyarrow")
FILES = 1000
DAYS = 7


class Logs:
    """The same lines in every form; files are made once and moved nowhere.

    Parameters
    ----------
    folder
        Where everything is kept.
    rows
        Lines, about.
    """

    def __init__(self, folder: Path, rows: int) -> None:
        self.folder, self.rows = folder, rows
        for form in ("jsonl", "jsonl.gz", "parquet", "files", "clean"):
            (folder / form / "logs").mkdir(parents=True)
        self.plain = folder / "jsonl" / "logs" / "day.jsonl"
        self.held = write_logs(self.plain, rows)
        self.clean = folder / "clean" / "logs" / "day.jsonl"
        clean_copy(self.plain, self.clean)
        self.packed = folder / "jsonl.gz" / "logs" / "day.jsonl.gz"
        pack(self.plain, self.packed)
        self.parquet = folder / "parquet" / "logs" / "day.parquet"
        run_module("benchmarks.workloads.as_parquet", str(self.clean), str(self.parquet))
        stamp(self.parquet)
        split(self.plain, folder / "files" / "logs", min(FILES, rows // 50))

    def cases(self) -> list[tuple[str, str, str, str | None]]:
        """Return name, folder, what the limit reads, and what the peers read of every case."""
        return [
            ("jsonl", "jsonl", str(self.plain), str(self.clean)),
            ("jsonl.gz", "jsonl.gz", str(self.packed), None),
            ("parquet", "parquet", str(self.parquet), str(self.parquet)),
            (f"files={min(FILES, self.rows // 50)}", "files", str(self.folder / "files" / "logs" / "*.jsonl"), None),
        ]


def pulled(logs: Logs, case: tuple[str, str, str, str | None], repetitions: int) -> dict[str, Any]:
    """Return the result of one case.

    Parameters
    ----------
    logs
        The files.
    case
        Its name, the form of the files, the file that the limit copies, and one with all lines for the peers, or None.
    repetitions
        Of ours and of the limit; a peer runs once.
    """
    name, form, source, whole = case
    log_format = "parquet" if form == "parquet" else "jsonl"
    measures: dict[str, Measure] = {
        "ours": partial(_fresh, logs.folder / form, log_format),
        "limit": partial(_copied, "benchmarks.workloads.copy_logs", source, log_format, logs.folder / "limit.parquet"),
    }
    if whole is not None:
        measures |= {tool: partial(_peer, tool, log_format, whole, logs.folder / "peer.parquet") for tool in TOOLS}
    times = {one: repetitions if one in {"ours", "limit"} else 1 for one in measures}
    measured = interleaved(measures, times)
    others = {tool: measured[tool] for tool in TOOLS if tool in measured}
    result = _line(f"{name} rows={logs.rows}", own(measured["ours"]), measured["limit"], others, repetitions)
    return result | _report(own(measured["ours"])) | {"rows_held": logs.held}


def again(logs: Logs, repetitions: int) -> dict[str, Any]:
    """Return what a pull costs that finds nothing new; its limit is none, beside it is what the first pull cost."""
    folder = logs.folder / "jsonl"
    first = _fresh(folder, "jsonl")
    measure = partial(run_module, "benchmarks.workloads.pull_once", str(folder), "jsonl")
    second = own(interleaved({"ours": measure}, repetitions)["ours"])
    if _report(second) != _report(first):
        msg = f"The second pull reports {_report(second)}, the first {_report(first)}"
        raise RuntimeError(msg)
    result = _line(f"again rows={logs.rows}", second, None, {}, repetitions)
    return result | {"first_pull": round(first.cpu_seconds, 3)}


def after_days(folder: Path, rows: int, repetitions: int) -> dict[str, Any]:
    """Return what a day's pull costs once the store has the days before it, beside what it costs into an empty one.

    Parameters
    ----------
    folder
        Where logs and stores are written.
    rows
        Lines a day.
    repetitions
        Of either measurement.
    """
    (folder / "logs").mkdir(parents=True)
    for back in range(DAYS, -1, -1):
        plain = folder / "logs" / f"{back}.jsonl"
        held = write_logs(plain, rows, back)
        if back:
            run_module("benchmarks.workloads.pull_once", str(folder), "jsonl", str(back))
            plain.unlink()
    (folder / "store").rename(folder / "grown")
    measures: dict[str, Measure] = {
        "ours": partial(_fresh, folder, "jsonl", folder / "grown"),
        "empty": partial(_fresh, folder, "jsonl"),
        "limit": partial(_copied, "benchmarks.workloads.copy_logs", str(plain), "jsonl", folder / "limit.parquet"),
    }
    measured = interleaved(measures, repetitions)
    ours, empty = own(measured["ours"]), own(measured["empty"])
    result = _line(f"after={DAYS * rows} rows={rows}", ours, measured["limit"], {}, repetitions)
    return result | _report(ours) | {"rows_held": held, "into_an_empty_store": round(empty.cpu_seconds, 3)}


def corrected(folder: Path, rows: int, repetitions: int) -> dict[str, Any]:
    """Return what it costs when every line of a file is corrected in place, and what the first pull of it costs.

    Parameters
    ----------
    folder
        Where logs and stores are written.
    rows
        Lines.
    repetitions
        Of the measurement.
    """
    (folder / "logs").mkdir(parents=True)
    plain = folder / "logs" / "day.jsonl"
    held = write_logs(plain, rows)
    first = _fresh(folder, "jsonl")
    (folder / "store").rename(folder / "first")
    changed = {'"channel": "web"': '"channel": "app"', '"text": "': '"text": "so '}
    _rewritten(plain, folder / "corrected", changed).replace(plain)
    stamp(plain)
    measures: dict[str, Measure] = {"ours": partial(_fresh, folder, "jsonl", folder / "first")}
    ours = own(interleaved(measures, repetitions)["ours"])
    result = _line(f"corrected rows={rows}", ours, None, {}, repetitions) | _report(ours)
    return result | {"rows_held": held, "first_pull": round(first.cpu_seconds, 3)}


def repeated(folder: Path, rows: int, days: int) -> dict[str, Any]:
    """Return what it costs when every trace id comes again in another file, and what the first pull costs.

    Parameters
    ----------
    folder
        Where logs and stores are written.
    rows
        Lines.
    days
        By how many days the second file is later: its lines are repeats. If it is earlier, the stored rows are, and give way.
    """
    (folder / "logs").mkdir(parents=True)
    plain = folder / "logs" / "day.jsonl"
    write_logs(plain, rows)
    first = run_module("benchmarks.workloads.pull_once", str(folder), "jsonl")
    changes = {f"{DAY.start:%Y-%m-%dT}": f"{DAY.start + timedelta(days=days):%Y-%m-%dT}"}
    stamp(_rewritten(plain, folder / "logs" / "again.jsonl", changes), -1)
    ours = run_module("benchmarks.workloads.pull_once", str(folder), "jsonl")
    case = f"repeated {'later' if days > 0 else 'earlier'} rows={rows}"
    return _line(case, ours, None, {}, 1) | _report(ours) | {"first_pull": round(first.cpu_seconds, 3)}


def small_files(folder: Path, files: int) -> dict[str, Any]:
    """Return what a pull of so many files costs, each of which has one line."""
    (folder / "logs").mkdir(parents=True)
    held = write_logs(folder / "all", files)
    split(folder / "all", folder / "logs", files)
    ours = _fresh(folder, "jsonl")
    return _line(f"small files={files}", ours, None, {}, 1) | _report(ours) | {"rows_held": held}


def _rewritten(source: Path, target: Path, changes: Mapping[str, str]) -> Path:
    """Write a file's lines with other texts into another, and return that."""
    with source.open() as opened, target.open("w") as copy:
        for text in opened:
            for old, new in changes.items():
                text = text.replace(old, new)  # noqa: PLW2901
            copy.write(text)
    return target


def _fresh(folder: Path, log_format: str, before: Path | None = None) -> Measured:
    """Measure a pull into an empty store, or into a copy of one."""
    shutil.rmtree(folder / "store", ignore_errors=True)
    if before is not None:
        snapshot(before, folder / "store")
    return run_module("benchmarks.workloads.pull_once", str(folder), log_format)


def _copied(module: str, source: str, log_format: str, target: Path) -> Measured:
    target.unlink(missing_ok=True)
    return run_module(module, source, log_format, str(target))


def _peer(tool: str, log_format: str, source: str, target: Path) -> Measured | None:
    target.unlink(missing_ok=True)
    return peers.run("ingest", [tool, log_format, source, str(target)])


def _line(
    case: str, ours: Measured, limit: Measured | None, others: dict[str, Measured | None], repetitions: int
) -> dict[str, Any]:
    return line("ingest", case, ours, limit, others, repetitions) | ({"peers_repetitions": 1} if others else {})


def _report(measured: Measured) -> dict[str, Any]:
    return {"report": json.loads(measured.output)}


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the result of every case."""
    rows, repetitions = (50_000, 1) if quick else (1_000_000, 5)
    with tempfile.TemporaryDirectory() as folder:
        logs = Logs(Path(folder), rows)
        for case in logs.cases():
            yield pulled(logs, case, repetitions)
        yield again(logs, repetitions)
    with tempfile.TemporaryDirectory() as folder:
        yield after_days(Path(folder), rows // 2, repetitions)
    with tempfile.TemporaryDirectory() as folder:
        yield corrected(Path(folder), rows, repetitions)
    for days in (1, -1):
        with tempfile.TemporaryDirectory() as folder:
            yield repeated(Path(folder), rows, days)
    with tempfile.TemporaryDirectory() as folder:
        yield small_files(Path(folder), rows // 10)


def main() -> None:
    """Print one JSON line a case."""
    print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
