"""Start, stop, look at and use the private Airflow: ``python -m demo up|down|status|shell|mlflow``."""

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from demo.components import DEATHS
from demo.local_settings import USER
from demo.standalone import Standalone
from include.foundation.config.loading import ROOT
from include.foundation.errors import FeedbackLoopError


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status", "shell", "mlflow"])
    parser.add_argument("--port", type=int, default=8080, help="of `up`; the others know where it runs")
    parser.add_argument("--mlflow-port", type=int, default=5001, help="of `mlflow`")
    parser.add_argument("--run", default="", help="of `shell`: a command instead of an interactive shell")
    options = parser.parse_args(arguments)
    airflow = Standalone(port=options.port)
    if options.command != "up":
        airflow = Standalone(port=airflow.running_port() or options.port)
    try:
        if options.command == "up":
            airflow.start()
        elif options.command == "shell":
            open_shell(airflow, options.run)
        elif options.command == "mlflow":
            open_mlflow(airflow, options.mlflow_port)
    except FeedbackLoopError as error:
        print(error, file=sys.stderr)
        return 1
    if options.command == "down":
        print("Airflow is stopped." if airflow.stop() else "Airflow was not running.")
        return 0
    return show_status(airflow)


def show_status(airflow: Standalone) -> int:
    """Print whether an Airflow runs, how its parts are, and what ended; return 0 if all is well."""
    if airflow.running() is None:
        print("Airflow is not running.")
        return 1
    print(f"Airflow runs at {airflow.url}; user {USER}, password {airflow.password}")
    try:
        health = airflow.health()
    except FeedbackLoopError as error:
        print(f"  {error}")
        return _advise(airflow)
    for part, state in health.items():
        heartbeat = state.get(f"latest_{part}_heartbeat")
        print(f"  {part.replace('_', ' '):<14} {state['status']:<10} {_ago(heartbeat)}".rstrip())
    print(*_deaths(airflow.home), sep="\n", end="")
    return 0 if all(state["status"] == "healthy" for state in health.values()) else _advise(airflow)


def open_shell(airflow: Standalone, command: str) -> NoReturn:
    """Become a shell, or one command, in the environment in which the ``airflow`` command works.

    Parameters
    ----------
    airflow
        The Airflow to work on, which must be running.
    command
        What to run; a shell that takes commands if empty.

    Raises
    ------
    FeedbackLoopError
        If that Airflow is not running.
    """
    if airflow.running() is None:
        raise FeedbackLoopError("Airflow is not running, and so is its database; start it with `make up`")
    shell = os.environ.get("SHELL") or "/bin/sh"
    os.chdir(ROOT)
    os.execve(shell, [shell, *(["-c", command] if command else [])], airflow.environment())  # noqa: S606


def open_mlflow(airflow: Standalone, port: int) -> NoReturn:
    """Become an MLflow server with its UI on the loopback interface.

    Parameters
    ----------
    airflow
        Whose runs and models to show; it need not be running.
    port
        Port of the UI.

    Raises
    ------
    FeedbackLoopError
        If nothing was recorded yet.
    """
    database = Path(airflow.tracking_uri.removeprefix("sqlite:///"))
    if not database.is_file():
        raise FeedbackLoopError(f"There are no runs yet: {database} does not exist. `make up` or `make demo` makes it")
    print(f"MLflow's UI is at http://127.0.0.1:{port}; Ctrl-C ends it", flush=True)
    mlflow, artifacts = str(Path(sys.executable).parent / "mlflow"), str(database.parent / "artifacts")
    command = [
        mlflow, "server", "--backend-store-uri", airflow.tracking_uri, "--default-artifact-root", artifacts,
        "--no-serve-artifacts", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    os.execve(mlflow, command, {**airflow.environment(), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"})  # noqa: S606


def _ago(heartbeat: str | None) -> str:
    if heartbeat is None:
        return ""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(heartbeat)).total_seconds()
    return f"heartbeat {max(seconds, 0):.0f} s ago"


def _deaths(home: Path) -> list[str]:
    """Return a line for each component that ended since the start."""
    file = home / DEATHS
    deaths = [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
    last = {death["component"]: death for death in deaths}
    return [
        f"  {name} ended {sum(death['component'] == name for death in deaths)} time(s) and was started again, last at "
        f"{death['at']} with status {death['status']}\n"
        for name, death in last.items()
    ]


def _advise(airflow: Standalone) -> int:
    print(
        f"What is not healthy is started again by itself; if it stays so, see {airflow.log}, then `make down` and `make up`"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
