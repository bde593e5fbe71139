"""The demo's gateway: it serves the loop's champion on loopback, and what it logs is what the loop pulls."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from demo.loopback import free_port
from demo.standalone import Standalone
from include.foundation.config.data_sections import Source
from include.foundation.config.loading import LOOPS_DIR_VARIABLE, ROOT, resolve
from include.foundation.config.loop_file import Loop
from include.foundation.errors import FeedbackLoopError

STARTING_SECONDS = 120
STOPPING_SECONDS = 40
COMPLETING_SECONDS = 60
SHADOW_ROWS = "feedback_loop_gateway_shadow_rows_total"
SHADOW_SECONDS = 1.0  # without a further one, and a challenger was asked about all
MOST_AT_ONCE = 200  # rows of one request
SETTINGS = {"segment-seconds": 0.5, "deadline-seconds": 60, "follow-seconds": 1}


@dataclass
class GatewayServer:
    """A process of the gateway, which plays past days: see the setting ``replay``.

    Parameters
    ----------
    loop
        Whose champion it serves.
    airflow
        Whose tables and models it reads; its log, its keys and its copies of models are in the same home.
    port
        Of the gateway.
    """

    loop: Loop
    airflow: Standalone
    port: int = field(default_factory=free_port)
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    _client: httpx.Client = field(default_factory=httpx.Client, repr=False)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """File of its events."""
        return self.airflow.home / "gateway.log"

    def start(self) -> None:
        """Start it and wait until it answers; there may be no champion yet.

        Raises
        ------
        FeedbackLoopError
            If it ends or does not answer in time, with the end of its log.
        """
        folder = self.airflow.home / "gateway"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys = folder / "keys.json"
        keys.unlink(missing_ok=True)
        key = self._run("gateway.make_key", str(keys), self.loop.name, "demo").strip()
        options = SETTINGS | {"loops": self.loop.name, "port": self.port, "keys": keys, "state": folder / "models"}
        options |= {"store": self.airflow.store, "mlflow": self.airflow.tracking_uri}
        command = [
            sys.executable,
            "-m",
            "gateway",
            "--replay",
            *(f"--{name}={value}" for name, value in options.items()),
        ]
        self.log.touch(mode=0o600)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, umask=0o077,
            )  # fmt: skip
        self._client = httpx.Client(base_url=self.url, timeout=120, headers={"Authorization": f"Bearer {key}"})
        self._wait_until_alive()

    def stop(self) -> None:
        """Let it answer what it has and complete its logs."""
        self._client.close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOPPING_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def readiness(self) -> str:
        """Return ``ready``, or why it is not."""
        answer = self._client.get("/ready").json()
        return "; ".join(answer["problems"]) or str(answer["status"])

    def version(self) -> str | None:
        """Return the version that answers; None while there is none."""
        return self._model()["version"]

    def wait_for_challenger(self) -> str:
        """Return the version that is asked about live requests beside the one that answers, once there is one.

        Raises
        ------
        FeedbackLoopError
            If that takes too long.
        """
        deadline = time.monotonic() + STARTING_SECONDS
        while (version := self._model()["challenger"]) is None:
            if time.monotonic() > deadline:
                raise FeedbackLoopError(
                    f"The gateway has asked no challenger within {STARTING_SECONDS} s; see {self.log}"
                )
            time.sleep(0.1)
        return version

    def asked_challenger(self) -> int:
        """Return how many requests challengers were asked about so far, once no more wait for that and all is in the log."""
        before, count = -1, self._shadow_rows()
        while count != before:
            time.sleep(SHADOW_SECONDS)
            before, count = count, self._shadow_rows()
        self.wait_for_logs()
        return count

    def post(self, path: str, content: Mapping[str, Any]) -> httpx.Response:
        """Return the answer to a request."""
        return self._client.post(path, json={"loop": self.loop.name, **content})

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return what is answered to each row.

        Raises
        ------
        FeedbackLoopError
            If a request is refused.
        """
        answers = []
        for first in range(0, len(rows), MOST_AT_ONCE):
            answer = self.post("/v1/predict", {"instances": rows[first : first + MOST_AT_ONCE]})
            answers += _content(answer)["predictions"]
        return answers

    def tell(self, signals: Sequence[Mapping[str, Any]]) -> None:
        """Send feedback.

        Raises
        ------
        FeedbackLoopError
            If it is refused.
        """
        if signals:
            _content(self.post("/v1/feedback", {"signals": signals}))

    def _model(self) -> dict[str, str | None]:
        model: dict[str, str | None] = self._client.get("/v1/models").raise_for_status().json()["models"][0]
        return model

    def _shadow_rows(self) -> int:
        families = text_string_to_metric_families(self._client.get("/metrics").raise_for_status().text)
        asked = [sample for family in families for sample in family.samples if sample.name == SHADOW_ROWS]
        return int(sum(sample.value for sample in asked if sample.labels["outcome"] != "dropped"))

    def _wait_until_alive(self) -> None:
        deadline = time.monotonic() + STARTING_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            with contextlib.suppress(httpx.TransportError):
                if self._client.get("/health").is_success:
                    return
            time.sleep(0.1)
        self.stop()
        end = "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])
        raise FeedbackLoopError(f"The gateway ended, or did not answer within {STARTING_SECONDS} s:\n{end}")

    def wait_for_logs(self) -> None:
        """Wait until all that was answered and told is in files that a pull reads.

        Raises
        ------
        FeedbackLoopError
            If that takes too long.
        """
        folders = [Path(resolve(str(source.uri))) for source in _logs_of(self.loop) if source.uri]
        deadline = time.monotonic() + COMPLETING_SECONDS
        while any(True for folder in folders for _ in folder.rglob(".*")):
            if time.monotonic() > deadline:
                raise FeedbackLoopError(f"The gateway did not complete its logs within {COMPLETING_SECONDS} s")
            time.sleep(0.05)

    def _run(self, module: str, *arguments: str) -> str:
        command = [sys.executable, "-m", module, *arguments]
        made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, umask=0o077)
        if made.returncode:
            raise FeedbackLoopError(made.stderr)
        return made.stdout

    def _environment(self) -> dict[str, str]:
        loops = self.airflow.loops
        return {**os.environ, **({} if loops is None else {LOOPS_DIR_VARIABLE: str(loops)})}


@contextlib.contextmanager
def serving(gateway: GatewayServer) -> Iterator[GatewayServer]:
    """Start a gateway, and stop it whatever happens in between."""
    gateway.start()
    try:
        yield gateway
    finally:
        gateway.stop()


def _logs_of(loop: Loop) -> tuple[Source, ...]:
    return loop.logs, loop.feedback, loop.deploy.shadow.source


def _content(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise FeedbackLoopError(f"The gateway answered {answer.status_code}: {answer.text[:1000]}")
    return answer.json()
