"""Keep the processes of a local Airflow running: ``python -m demo.components --home … --port …``.

It starts Postgres, makes the tables of Airflow and of MLflow, then starts the components of Airflow, and starts whatever ends
before it is asked to. All that they print goes to one log, which is rotated. `demo.standalone` starts and stops this process.
"""

import argparse
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from demo.embedded_postgres import EmbeddedPostgres
from include.foundation.config.loading import ROOT
from include.foundation.errors import FeedbackLoopError

AIRFLOW = (sys.executable, "-m", "airflow")
COMPONENTS = {
    "scheduler": (*AIRFLOW, "scheduler", "--skip-serve-logs"),
    "dag-processor": (*AIRFLOW, "dag-processor"),
    "triggerer": (*AIRFLOW, "triggerer", "--skip-serve-logs"),
    "api-server": (*AIRFLOW, "api-server"),
}
DEATHS = "deaths.jsonl"
LOG_BYTES = 10_000_000
OLD_LOGS = 5
PATIENCE_SECONDS = 60
LONGEST_PAUSE_SECONDS = 30
STOPPING_SECONDS = 15


@dataclass
class Component:
    """A process that is to run for as long as the others do.

    Parameters
    ----------
    name
        What the log calls it.
    command
        Program and arguments.
    """

    name: str
    command: Sequence[str]
    process: "subprocess.Popen[str] | None" = None
    deaths: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it in a process group of its own, and pass on what it prints."""
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
            errors="replace", process_group=0,
        )  # fmt: skip
        threading.Thread(target=self._pass_on, args=(self.process,), daemon=True).start()

    def _pass_on(self, process: "subprocess.Popen[str]") -> None:
        for line in process.stdout or ():
            logging.info("%-14s | %s", self.name, line.rstrip("\n"))

    def pause(self) -> float:
        """Return how many seconds to wait before it is started again: the more often it ended lately, the longer."""
        recent = [moment for moment in self.deaths if time.monotonic() - moment < 10 * LONGEST_PAUSE_SECONDS]
        return float(min(2 ** (len(recent) - 1) - 1, LONGEST_PAUSE_SECONDS))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it and to the processes of its group."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def wait(self, seconds: float) -> None:
        """Wait until it ends, and end it after so many seconds."""
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
            self.signal(signal.SIGKILL)


class Keeper:
    """Start the components of a local Airflow, keep them running, and stop them.

    Parameters
    ----------
    home
        Folder of Airflow's data, logs and secrets.
    postgres
        Its database.
    tracking_uri
        Where MLflow's runs are.
    """

    def __init__(self, home: Path, postgres: EmbeddedPostgres, tracking_uri: str) -> None:
        self.home = home
        self.postgres = postgres
        self.tracking_uri = tracking_uri
        self.components: list[Component] = []

    def run(self) -> None:
        """Run until a signal raises an exception; everything is stopped then."""
        (self.home / DEATHS).unlink(missing_ok=True)
        self.postgres.prepare()
        try:
            self._start(Component("postgres", self.postgres.command()))
            self._wait_for_postgres()
            self._make_tables()
            for name, command in COMPONENTS.items():
                self._start(Component(name, command))
            while True:
                self._look()
                time.sleep(0.5)
        finally:
            self._stop()

    def _start(self, component: Component) -> None:
        component.start()
        self.components.append(component)

    def _wait_for_postgres(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.postgres.answers():
            self._look()
            if time.monotonic() > deadline:
                raise FeedbackLoopError(f"Postgres does not answer within {PATIENCE_SECONDS} s")
            time.sleep(0.1)

    def _make_tables(self) -> None:
        """Make or migrate the tables of Airflow and of MLflow, at once."""
        steps = [Component("airflow tables", (*AIRFLOW, "db", "migrate"))]
        if self.tracking_uri.startswith("sqlite:///"):
            steps.append(Component("mlflow tables", (sys.executable, "-m", "demo.mlflow_tables", self.tracking_uri)))
        for step in steps:
            step.start()
        failed = [step.name for step in steps if step.process is None or step.process.wait()]
        if failed:
            raise FeedbackLoopError(f"These could not be made: {', '.join(failed)}")

    def _look(self) -> None:
        """Start every component that has ended, and say so."""
        for component in self.components:
            status = component.process.poll() if component.process else None
            if status is None:
                continue
            component.signal(signal.SIGKILL)  # what it started, such as the workers of a scheduler
            component.deaths.append(time.monotonic())
            death = {
                "component": component.name,
                "status": status,
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            logging.error(
                "%-14s | ENDED with status %d; it is started again in %g s", component.name, status, component.pause()
            )
            with (self.home / DEATHS).open("a") as file:
                file.write(json.dumps(death) + "\n")
            time.sleep(component.pause())
            component.start()

    def _stop(self) -> None:
        """Stop Airflow's components, and Postgres after them."""
        for component in self.components[1:]:
            component.signal(signal.SIGTERM)
        deadline = time.monotonic() + STOPPING_SECONDS
        for component in self.components[1:]:
            component.wait(max(0.0, deadline - time.monotonic()))
        for component in self.components[:1]:
            component.signal(signal.SIGINT)
            component.wait(STOPPING_SECONDS)


def main(arguments: list[str] | None = None) -> int:
    """Run until a signal comes, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo.components", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True, help="of Postgres")
    parser.add_argument("--tracking-uri", default="", help="of MLflow")
    options = parser.parse_args(arguments)
    os.umask(0o077)  # the database, logs and tables are the owner's alone
    handler = RotatingFileHandler(options.home / "standalone.log", maxBytes=LOG_BYTES, backupCount=OLD_LOGS)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    logging.info("Starting at %s", _now())
    try:
        Keeper(options.home, EmbeddedPostgres(options.home, options.port), options.tracking_uri).run()
    except KeyboardInterrupt:
        logging.info("Stopped at %s", _now())
        return 0
    except FeedbackLoopError as error:
        logging.error("%s", error)  # noqa: TRY400 — its message says it all
        return 1
    return 0


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _interrupt(*_: object) -> None:
    """Stop, once: a second signal must not interrupt the stopping."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
