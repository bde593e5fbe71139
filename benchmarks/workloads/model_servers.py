"""Servers of one model: ours, and what it is compared with."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measuring import ROOT
from benchmarks.workloads.served_model import ServedModel, deployed

STARTING_SECONDS = 180


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes
    ----------
    process
        Its process.
    port, path
        Where it answers.
    bodies
        What it is asked, as it wants it.
    """

    process: "subprocess.Popen[bytes]"
    port: int
    path: str
    bodies: list[bytes]

    @property
    def peak_rss_mb(self) -> int:
        """Largest memory of one of its processes so far."""
        statuses = [Path(f"/proc/{each.pid}/status").read_text() for each in self._processes]
        return max(int(status.split("VmHWM:")[1].split()[0]) >> 10 for status in statuses)

    @property
    def rss_mb(self) -> float:
        """Memory of its processes now."""
        return float(sum(each.memory_info().rss for each in self._processes)) / 2**20

    @property
    def cpu_seconds(self) -> float:
        """User and system time of its processes so far."""
        return sum(sum(each.cpu_times()[:2]) for each in self._processes)

    @property
    def _processes(self) -> list[psutil.Process]:
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]


def told_by_open_loop(server: Server, rate: float, seconds: float) -> dict[str, Any]:
    """Return what a process of its own is told that asks a server at a fixed rate, whatever becomes of the requests before.

    Parameters
    ----------
    server
        That is asked.
    rate
        Requests a second.
    seconds
        For which they are sent.
    """
    command = [sys.executable, "-m", "benchmarks.workloads.open_loop", str(server.port), server.path]
    command += [str(rate), str(seconds)]
    done = subprocess.run(command, input=b"\n".join(server.bodies), cwd=ROOT, capture_output=True, check=True)
    return dict(json.loads(done.stdout))


@contextmanager
def gateway(model: ServedModel) -> Iterator[Server]:
    """Run our gateway as it is by default: every answer is on the disk before it is sent."""
    bodies = [json.dumps({"input": {"text": text}}).encode() for text in model.texts]
    options = {"store": model.folder / "store", "mlflow": model.tracking_uri, "state": model.folder / "state"}
    port = _free_port()
    command = [sys.executable, "-m", "gateway", "--loops=wire", f"--port={port}"]
    command += [f"--{name}={value}" for name, value in options.items()]
    with _running(model, command, Server, port, "/v1/predict", bodies, "/ready") as server:
        yield server


@contextmanager
def shadowed_gateway(model: ServedModel) -> Iterator[Server]:
    """Run our gateway on another loop, with a challenger that is asked about every request as well: the champion itself."""
    shadow = {"uri": str(model.folder / "shadowed" / "said")}
    own = deployed(model.folder / "shadowed", deploy={"strategy": "shadow", "shadow": shadow})
    with gateway(own) as server:
        _wait_for_challenger(server)
        yield server


def _wait_for_challenger(server: Server) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/v1/models") as answer:
            if json.load(answer)["models"][0]["challenger"] is not None:
                return
        time.sleep(0.1)
    raise RuntimeError("The gateway asks no challenger")


@contextmanager
def bare_endpoint(model: ServedModel) -> Iterator[Server]:
    """Run the bare endpoint, with uvloop and httptools as well."""
    bodies = [json.dumps({"text": text}).encode() for text in model.texts]
    port = _free_port()
    command = [sys.executable, "-m", "benchmarks.workloads.bare_endpoint", str(model.files), str(port)]
    with _running(model, command, Server, port, "/predict", bodies, "/openapi.json") as server:
        yield server


@contextmanager
def mlflow_server(model: ServedModel) -> Iterator[Server]:
    """Run ``mlflow models serve`` with one worker."""
    bodies = [json.dumps({"inputs": {"text": [text]}}).encode() for text in model.texts]
    port, mlflow = _free_port(), str(Path(sys.executable).parent / "mlflow")
    command = [
        mlflow,
        "models",
        "serve",
        "-m",
        str(model.files),
        "--port",
        str(port),
        "--env-manager",
        "local",
        "-w",
        "1",
    ]
    with _running(model, command, Server, port, "/invocations", bodies, "/ping") as server:
        yield server


@contextmanager
def _running(
    model: ServedModel, command: Sequence[str], made: Any, port: int, path: str, bodies: Any, ready: str
) -> Any:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "MLFLOW_DISABLE_TELEMETRY": "true",
        "FEEDBACK_LOOP_LOOPS_DIR": str(model.folder / "loops"), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    with (model.folder / "servers.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_until_ready(process, port, ready, model.folder / "servers.log")
        yield made(process, port, path, bodies)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(log.read_text()[-4000:])


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
