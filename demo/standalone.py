"""A private Airflow for this project: ``python -m demo.standalone up|down|status``.

It uses SQLite and the LocalExecutor, and listens on the loopback interface only. It is for development and for the demo; in
production use docker-compose.yaml.
"""

import argparse
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from demo.process_groups import members, send_signal, start_time
from include.foundation.config.loading import ROOT
from include.foundation.errors import ConfigError, FeedbackLoopError

USER = "admin"
STARTING_SECONDS = 240
STOPPING_SECONDS = 20
LOCAL_SETTINGS = """import sys

if "scheduler" in sys.argv:
    import demo.warm_start
"""
SETTINGS = {
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__PARALLELISM": "2",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
    "AIRFLOW__API__HOST": "127.0.0.1",
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__CORE__FERNET_KEY": "",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
    "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "PYTHONPATH": str(ROOT),
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GX_ANALYTICS_ENABLED": "false",
}


@dataclass(frozen=True)
class Standalone:
    """An Airflow that runs in a home folder of its own.

    Parameters
    ----------
    home
        Folder of its database, logs, passwords and process id.
    port
        Port of the UI and the API. The logs of workers and triggers are served on the next two ports.
    store, tracking_uri
        What the connections ``feedback_store`` and ``mlflow`` point to.
    loops
        Folder of the loop files; ``include/loops`` if None.
    """

    home: Path = ROOT / ".airflow"
    port: int = 8080
    store: str = str(ROOT / "data" / "store")
    tracking_uri: str = f"sqlite:///{ROOT}/data/mlflow/mlflow.db"
    loops: Path | None = None

    @property
    def url(self) -> str:
        """Address of the UI."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def password(self) -> str:
        """Password of the user ``admin``, generated once per home folder."""
        return self._secret("password")

    @property
    def log(self) -> Path:
        """File that all its processes print to."""
        return self.home / "standalone.log"

    def environment(self) -> dict[str, str]:
        """Return the environment of its processes. It contains secrets, so it must not be logged."""
        own = {
            **SETTINGS,
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__SECRET_KEY": self._secret("api-secret"),
            "AIRFLOW__API_AUTH__JWT_SECRET": self._secret("jwt-secret"),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self.port + 1),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self.port + 2),
            "AIRFLOW_CONN_FEEDBACK_STORE": json.dumps(
                {"conn_type": "generic", "password": self._secret("pseudonym-key"), "extra": {"uri": self.store}}
            ),
            "AIRFLOW_CONN_MLFLOW": json.dumps({"conn_type": "generic", "extra": {"tracking_uri": self.tracking_uri}}),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        if self.loops is not None:
            own["FEEDBACK_LOOP_LOOPS_DIR"] = str(self.loops)
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**inherited, **own}

    def start(self) -> None:
        """Start it and wait until it is healthy.

        Raises
        ------
        ConfigError
            If it runs already, or if one of its ports is taken; nothing was started then.
        FeedbackLoopError
            If it ends or is not healthy in time, with the end of its log; it was stopped then.
        """
        if self.running():
            raise ConfigError(f"Airflow runs already at {self.url}; `make down` stops it")
        for port in (self.port, self.port + 1, self.port + 2):
            _demand_free(port)
        (self.home / "config").mkdir(parents=True, exist_ok=True)
        (self.home / "config" / "airflow_local_settings.py").write_text(LOCAL_SETTINGS)
        (self.home / "passwords.json").write_text(json.dumps({USER: self.password}))
        (self.home / "passwords.json").chmod(0o600)
        with self.log.open("w") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "airflow", "standalone"], cwd=ROOT, env=self.environment(), stdout=log,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        (self.home / "pid").write_text(f"{child.pid} {start_time(child.pid)}")
        try:
            self._wait_until_healthy(child)
            self._make_pool()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> bool:
        """Stop all its processes, and no others, and return whether there were any."""
        group = self.running()
        if group is None:
            return False
        send_signal(group, signal.SIGTERM)
        deadline = time.monotonic() + STOPPING_SECONDS
        while members(group) and time.monotonic() < deadline:
            time.sleep(0.2)
        send_signal(group, signal.SIGKILL)
        (self.home / "pid").unlink(missing_ok=True)
        return True

    def running(self) -> int | None:
        """Return its process group, or None if it does not run.

        The time at which the process started tells it from a later process with the same id.
        """
        try:
            number, start = (self.home / "pid").read_text().split()
            pid = int(number)
        except (FileNotFoundError, ValueError):
            return None
        leader_start = start_time(pid)
        is_ours = leader_start == start if leader_start is not None else bool(members(pid))
        return pid if is_ours else None

    def _secret(self, name: str) -> str:
        path = self.home / "secrets" / name
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(48 if name != "password" else 12))
        return path.read_text()

    def _wait_until_healthy(self, child: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + STARTING_SECONDS
        while time.monotonic() < deadline:
            if child.poll() is not None:
                raise FeedbackLoopError(
                    f"Airflow ended with status {child.returncode} while starting:\n{self._log_end()}"
                )
            with contextlib.suppress(httpx.HTTPError):
                health = httpx.get(f"{self.url}/api/v2/monitor/health", timeout=5).json()
                if all(
                    health[part]["status"] == "healthy"
                    for part in ("metadatabase", "scheduler", "triggerer", "dag_processor")
                ):
                    return
            time.sleep(0.5)
        raise FeedbackLoopError(f"Airflow was not healthy within {STARTING_SECONDS} s:\n{self._log_end()}")

    def _make_pool(self) -> None:
        command = [sys.executable, "-m", "airflow", "pools", "set", "labeling", "1", "One push to labeling at a time"]
        result = subprocess.run(command, env=self.environment(), cwd=ROOT, capture_output=True, text=True, check=False)
        if result.returncode:
            raise FeedbackLoopError(f"The pool could not be made:\n{result.stderr[-500:]}")

    def _log_end(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])


@contextlib.contextmanager
def running(airflow: Standalone) -> Iterator[Standalone]:
    """Start an Airflow, and stop it whatever happens in between."""
    airflow.start()
    try:
        yield airflow
    finally:
        airflow.stop()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo.standalone", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status"])
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args(arguments)
    airflow = Standalone(port=options.port)
    if options.command == "up":
        try:
            airflow.start()
        except FeedbackLoopError as error:
            print(error, file=sys.stderr)
            return 1
    elif options.command == "down":
        print("Airflow is stopped." if airflow.stop() else "Airflow was not running.")
        return 0
    if airflow.running() is None:
        print("Airflow is not running.")
        return 1
    print(f"Airflow runs at {airflow.url}; user {USER}, password {airflow.password}")
    return 0


def _demand_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError(
                f"Port {port} is taken by another process; stop it, or choose other ports with PORT=…"
            ) from error


if __name__ == "__main__":
    sys.exit(main())
