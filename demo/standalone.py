"""A private Airflow for this project, with a Postgres of its own, on the loopback interface only.

It is for development and for the demo; in production use docker-compose.yaml. ``python -m demo`` is its command line.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from demo.airflow_client import connected
from demo.embedded_postgres import EmbeddedPostgres
from demo.label_studio_server import LabelStudioServer
from demo.local_settings import LOCAL_SETTINGS, SETTINGS, USER
from demo.loopback import demand_free
from demo.process_sessions import members, send_signal, start_time
from demo.secret_files import secret
from include.foundation.config.loading import ROOT
from include.foundation.errors import ConfigError, FeedbackLoopError

LABEL_STUDIO = "AIRFLOW_CONN_LABEL_STUDIO"
STARTING_SECONDS = 240
STOPPING_SECONDS = 40
PARTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
POOL = {"name": "labeling", "slots": 1, "description": "One push to labeling at a time", "include_deferred": False}


@dataclass(frozen=True)
class Standalone:
    """An Airflow that runs in a home folder of its own.

    Parameters
    ----------
    home
        Folder of its database, logs, passwords and process id, closed to other users.
    port
        Port of the UI and the API. Postgres listens on the next one.
    store, tracking_uri
        What the connections ``feedback_store`` and ``mlflow`` point to.
    loops
        Folder of the loop files; ``include/loops`` if None.
    label_studio
        What the connection ``label_studio`` points to, if it was ever started.
    """

    home: Path = ROOT / ".airflow"
    port: int = 8080
    store: str = str(ROOT / "data" / "store")
    tracking_uri: str = f"sqlite:///{ROOT}/data/mlflow/mlflow.db"
    loops: Path | None = None
    label_studio: LabelStudioServer = field(default_factory=LabelStudioServer)

    @property
    def url(self) -> str:
        """Address of the UI."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def password(self) -> str:
        """Password of the user ``admin``, generated once per home folder."""
        return secret(self.home, "password")

    @property
    def log(self) -> Path:
        """File that all its processes print to; older ones lie beside it."""
        return self.home / "standalone.log"

    def environment(self) -> dict[str, str]:
        """Return the environment of its processes. It contains secrets, so it must not be logged."""
        database = EmbeddedPostgres(self.home, self.port + 1).url
        own = {
            **SETTINGS,
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": database,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__SECRET_KEY": secret(self.home, "api-secret"),
            "AIRFLOW__API_AUTH__JWT_SECRET": secret(self.home, "jwt-secret"),
            "AIRFLOW_CONN_FEEDBACK_STORE": json.dumps(
                {"conn_type": "generic", "password": secret(self.home, "pseudonym-key"), "extra": {"uri": self.store}}
            ),
            "AIRFLOW_CONN_MLFLOW": json.dumps({"conn_type": "generic", "extra": {"tracking_uri": self.tracking_uri}}),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        if self.label_studio.data.is_dir() and LABEL_STUDIO not in os.environ:
            own[LABEL_STUDIO] = json.dumps(self.label_studio.connection)
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
        for port in (self.port, self.port + 1):
            demand_free(port)
        self._write_home()
        child = self._start_components()
        self._write("pid", f"{child.pid} {start_time(child.pid)} {self.port}")
        try:
            self._wait_until_healthy(child)
            self._make_pool()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> bool:
        """Stop all its processes, and no others, and return whether there were any."""
        session = self.running()
        if session is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(session, signal.SIGTERM)
        if start_time(session) is None:  # what it kept running outlived it
            send_signal(session, signal.SIGTERM)
        deadline = time.monotonic() + STOPPING_SECONDS
        while members(session) and time.monotonic() < deadline:
            time.sleep(0.2)
        send_signal(session, signal.SIGKILL)
        (self.home / "pid").unlink(missing_ok=True)
        return True

    def running(self) -> int | None:
        """Return its session, or None if it does not run.

        The time at which the process started tells it from a later process with the same id.
        """
        try:
            number, start, _ = (self.home / "pid").read_text().split()
            pid = int(number)
        except (FileNotFoundError, ValueError):
            return None
        leader_start = start_time(pid)
        is_ours = leader_start == start if leader_start is not None else bool(members(pid))
        return pid if is_ours else None

    def running_port(self) -> int | None:
        """Return the port at which the Airflow of this home runs, whatever `port` is; None if it does not run."""
        return int((self.home / "pid").read_text().split()[2]) if self.running() else None

    def health(self) -> dict[str, Any]:
        """Return what the API server says of each part: its status, and its latest heartbeat.

        Raises
        ------
        FeedbackLoopError
            If it does not answer.
        """
        try:
            answer = httpx.get(f"{self.url}/api/v2/monitor/health", timeout=10)
            return {part: dict(answer.json()[part]) for part in PARTS}
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise FeedbackLoopError(f"The API server at {self.url} does not answer: {error!r}") from error

    def _write_home(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)
        (self.home / "config").mkdir(mode=0o700, exist_ok=True)
        self._write("config/airflow_local_settings.py", LOCAL_SETTINGS)
        self._write("passwords.json", json.dumps({USER: self.password}))

    def _start_components(self) -> "subprocess.Popen[bytes]":
        """Start the process that keeps the others running; what it prints beside its log goes to the end of it."""
        command = [
            sys.executable, "-m", "demo.components", "--home", str(self.home), "--port", str(self.port + 1), "--tracking-uri",
            self.tracking_uri,
        ]  # fmt: skip
        self.log.touch(mode=0o600)
        with self.log.open("a") as log:
            return subprocess.Popen(
                command, cwd=ROOT, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def _write(self, name: str, text: str) -> None:
        """Write a file of the home that only its owner can read."""
        path = self.home / name
        path.touch(mode=0o600)
        path.write_text(text)

    def _wait_until_healthy(self, child: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + STARTING_SECONDS
        while time.monotonic() < deadline:
            if child.poll() is not None:
                raise FeedbackLoopError(
                    f"Airflow ended with status {child.returncode} while starting:\n{self._log_end()}"
                )
            with contextlib.suppress(FeedbackLoopError):
                if all(part["status"] == "healthy" for part in self.health().values()):
                    return
            time.sleep(0.5)
        raise FeedbackLoopError(f"Airflow was not healthy within {STARTING_SECONDS} s:\n{self._log_end()}")

    def _make_pool(self) -> None:
        with connected(self.url, USER, self.password) as client:
            if not any(pool["name"] == POOL["name"] for pool in client.get("/pools")["pools"]):
                client.post("/pools", POOL)

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
