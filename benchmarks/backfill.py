"""A backfill of ``observe`` through Airflow's API, while another loop goes on: seconds a run, and whether anything is lost.

Run as ``python -m benchmarks.backfill [--quick] [--days 30] [--active 1] [--keep FOLDER]``. It starts a real Airflow on free
ports, in a temporary folder. A small daily loop has a log of 40 rows a day; the backfill of all its days is
asked for through the API, as the UI does. Meanwhile a second loop observes every five minutes. Prints one JSON line.
"""

import argparse
import contextlib
import json
import os
import random
import socket
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from demo.airflow_client import AirflowClient, connected
from demo.standalone import Standalone, running

ROWS_A_DAY = 40
LONGEST_RUN_SECONDS = 120
CLASSES = ("no", "yes")
# A word in the title of a process, and what the process is for. Workers wait for the processes of tasks.
PROCESSES = {
    "LocalExecutor": "tasks",
    "scheduler": "scheduler",
    "api_server": "api-server",
    "dag-processor": "dag-processor",
    "dag_processor": "dag-processor",
    "triggerer": "triggerer",
    "postgres": "postgres",
}
LOOP: dict[str, Any] = {
    "owner": "benchmarks",
    "description": "A small loop.",
    "task": {"kind": "classification", "classes": list(CLASSES)},
    "inputs": {"amount": {"type": "numeric"}, "country": {"type": "categorical"}},
    "training": {"factory": "include.factories:table_classifier"},
    "drift": {"reference_days": 28},
    "selection": {"budget": 5},
    "labeling": {"backend": "files"},
}


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="ten days")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--active", type=int, default=1, help="runs of the backfill at a time")
    parser.add_argument("--keep", type=Path, help="folder to work in, which is kept")
    options = parser.parse_args()
    days = 10 if options.quick else options.days
    with folder_for(options.keep) as folder:
        first = datetime.now(UTC).date() - timedelta(days=days + 1)
        for name, schedule in (("past", "@daily"), ("present", "*/5 * * * *")):
            write_loop(folder, name, schedule)
        served = sum(serve(folder, "past", first + timedelta(days=number)) for number in range(days))
        served_present = serve(folder, "present", datetime.now(UTC).date() - timedelta(days=1))
        airflow = Standalone(
            home=folder / "airflow", port=free_port(), store=str(folder / "store"),
            tracking_uri=f"sqlite:///{folder}/mlflow/mlflow.db", loops=folder / "loops",
        )  # fmt: skip
        with running(airflow), connected(airflow.url, "admin", airflow.password) as client:
            client.unpause("present.observe")
            before, start = cpu_seconds(airflow), time.monotonic()
            states = backfill(client, "past.observe", first, days, options.active)
            seconds = time.monotonic() - start
            cpu = {name: round((ticks - before[name]) / days, 2) for name, ticks in cpu_seconds(airflow).items()}
            others = [run["state"] for run in client.runs("present.observe")]
        line = {
            "benchmark": "backfill", "case": f"days={days},rows_a_day={ROWS_A_DAY},active={options.active}", "unit": "s",
            "seconds_a_run": round(seconds / days, 2), "cpu_seconds_a_run": round(sum(cpu.values()), 2), "of_which": cpu,
            "runs": days, "states": {state: states.count(state) for state in sorted(set(states))},
            "rows_served": served, "rows_stored": rows_stored(folder, "past"),
            "other_loop": {state: others.count(state) for state in sorted(set(others))},
            "other_rows_served": served_present, "other_rows_stored": rows_stored(folder, "present"),
            "deaths": deaths(airflow), "cores": os.cpu_count(), "load_average": [round(load, 1) for load in os.getloadavg()],
        }  # fmt: skip
        print(json.dumps(line), flush=True)


@contextlib.contextmanager
def folder_for(keep: Path | None) -> Iterator[Path]:
    """Yield the folder to work in."""
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def write_loop(folder: Path, name: str, schedule: str) -> None:
    """Write the file of a loop whose logs, labels and seeds are below a folder.

    Parameters
    ----------
    folder
        Folder of the benchmark.
    name, schedule
        Of the loop.
    """
    loop = LOOP | {
        "name": name,
        "logs": {"uri": str(folder / name / "logs"), "format": "jsonl", "schedule": schedule},
        "labeling": {"backend": "files", "uri": str(folder / name / "labeling")},
    }
    path = folder / "loops" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(loop))
    (folder / name / "logs").mkdir(parents=True)


def serve(folder: Path, name: str, day: date) -> int:
    """Write the log of a day and return how many rows it has.

    Parameters
    ----------
    folder
        Folder of the benchmark.
    name, day
        Of the loop, and the day of the timestamps.
    """
    generator = random.Random(f"{name} {day}")  # noqa: S311
    lines = []
    for number in range(ROWS_A_DAY):
        sure = round(generator.uniform(0.5, 1), 3)
        predicted, other = generator.sample(CLASSES, 2)
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=number * 86_399 // ROWS_A_DAY)
        lines.append(
            {
                "trace_id": f"{name}-{day}-{number}",
                "ts": moment.isoformat(),
                "model_version": "1",
                "input": {
                    "amount": round(generator.gauss(100, 20), 2),
                    "country": generator.choice(["de", "fr", "it"]),
                },
                "prediction": predicted,
                "probabilities": {predicted: sure, other: round(1 - sure, 3)},
            }
        )
    (folder / name / "logs" / f"{day}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return len(lines)


def backfill(client: AirflowClient, dag_id: str, first: date, days: int, active: int) -> list[str]:
    """Backfill so many days through the API, and return how each run ended.

    Parameters
    ----------
    client
        Client of the Airflow.
    dag_id
        What to backfill.
    first, days
        The first day, and how many.
    active
        How many runs at a time.
    """
    midnight = datetime(first.year, first.month, first.day, tzinfo=UTC)
    body = {
        "dag_id": dag_id, "from_date": midnight.isoformat(), "to_date": (midnight + timedelta(days=days - 1)).isoformat(),
        "reprocess_behavior": "none", "max_active_runs": active,
    }  # fmt: skip
    client.post("/backfills", body)
    client.unpause(dag_id)
    deadline = time.monotonic() + LONGEST_RUN_SECONDS * days
    while True:
        states = [run["state"] for run in runs_of_backfill(client, dag_id)]
        if len(states) == days and not {"queued", "running"} & set(states):
            return states
        if time.monotonic() > deadline:
            return states
        time.sleep(5)  # each look costs the API server 0.2 s


def runs_of_backfill(client: AirflowClient, dag_id: str) -> list[dict[str, Any]]:
    """Return all runs of a DAG that a backfill made."""
    runs: list[dict[str, Any]] = []
    while True:
        page = client.get(f"/dags/{dag_id}/dagRuns", run_type="backfill", limit=100, offset=len(runs))["dag_runs"]
        runs += page
        if len(page) < 100:
            return runs


def rows_stored(folder: Path, name: str) -> int:
    """Return how many different predictions the store of a loop has."""
    from deltalake import DeltaTable

    table = DeltaTable(str(folder / "store" / name / "predictions")).to_pyarrow_table(columns=["trace_id"])
    return len(set(table.column("trace_id").to_pylist()))


def cpu_seconds(airflow: Standalone) -> dict[str, float]:
    """Return the CPU seconds of the processes of an Airflow by what they are, with those of processes that they waited for."""
    processes = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            title = (folder / "cmdline").read_text(errors="replace").replace("\0", " ")
            processes[int(folder.name)] = int(fields[1]), sum(map(int, fields[11:15])), title
    ticks = dict.fromkeys([*PROCESSES.values(), "other"], 0)
    ours = {airflow.running()}
    for pid in sorted(processes):  # a parent is older than its children
        parent, used, title = processes[pid]
        if pid in ours or parent in ours:
            ours.add(pid)
            ticks[next((name for word, name in PROCESSES.items() if word in title), "other")] += used
    return {name: count / os.sysconf("SC_CLK_TCK") for name, count in ticks.items()}


def deaths(airflow: Standalone) -> int:
    """Return how many processes ended that should have gone on."""
    file = airflow.home / "deaths.jsonl"
    return len(file.read_text().splitlines()) if file.is_file() else 0


def free_port() -> int:
    """Return a port whose successor is free, too."""
    for port in range(18700, 19000, 10):
        with socket.socket() as one, socket.socket() as two:
            try:
                for probe, number in ((one, port), (two, port + 1)):
                    probe.bind(("127.0.0.1", number))
            except OSError:
                continue
            return port
    raise SystemExit("no two free ports in a row")


if __name__ == "__main__":
    main()
