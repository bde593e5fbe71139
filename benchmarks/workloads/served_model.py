"""A loop on texts with a deployed champion, and the servers that serve it: ours, and what it is compared with."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import yaml

from benchmarks.measuring import ROOT
from include.factories import text_classifier
from include.foundation.config.loop_file import Loop
from include.foundation.models.model_files import MODEL_FILE
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.store.ledgers.deployments import Deployment, append_deployment
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore

CLASSES = ["acq", "crude", "earn", "grain", "interest", "money-fx", "ship", "trade"]
WORDS, LENGTH, ROWS = 8_000, 60, 4_000
STARTING_SECONDS = 180


@dataclass(frozen=True)
class ServedModel:
    """A deployed champion.

    Attributes
    ----------
    folder
        Where everything is.
    loop
        Whose champion it is.
    tracking_uri
        Of its MLflow.
    files
        Folder of the model's files.
    texts
        To ask about.
    """

    folder: Path
    loop: Loop
    tracking_uri: str
    files: Path
    texts: list[str]


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


def deployed(folder: Path) -> ServedModel:
    """Train a model on made-up texts, register and deploy it, and return it.

    Parameters
    ----------
    folder
        Where everything is written.
    """
    random = np.random.default_rng(0)
    vocabulary = np.array([f"word{number}" for number in range(WORDS)])
    ranks = 1 / np.arange(1, WORDS + 1)
    texts = [" ".join(random.choice(vocabulary, LENGTH, p=ranks / ranks.sum())) for _ in range(ROWS)]
    raw = {
        "name": "wire", "owner": "nobody", "description": "Route a text.", "inputs": {"text": {"type": "text"}},
        "task": {"kind": "classification", "classes": CLASSES}, "logs": {"uri": str(folder / "logs")},
        "training": {"factory": "include.factories:text_classifier"},
    }  # fmt: skip
    loop = Loop.model_validate(raw)
    (folder / "loops").mkdir()
    (folder / "loops" / "wire.yaml").write_text(yaml.safe_dump(raw))
    store, tracking_uri = LoopStore(loop, str(folder / "store")), f"sqlite:///{folder}/mlflow/mlflow.db"
    registry = ModelRegistry(tracking_uri, loop)
    run_id = _logged(registry, store, texts, random)
    version = registry.register(run_id, {})
    registry.set_alias(CHAMPION, version)
    digest = registry.files_digest(run_id=run_id, version=version)
    append_deployment(store, Deployment(version, None, "deploy", "a benchmark", "evidence", None, digest))
    (files,) = (folder / "mlflow").rglob(MODEL_FILE)
    return ServedModel(folder, loop, tracking_uri, files.parent, texts)


def _logged(registry: ModelRegistry, store: LoopStore, texts: Sequence[str], random: np.random.Generator) -> str:
    import pandas as pd

    labels = random.choice(CLASSES, len(texts))
    estimator = text_classifier(registry.loop.inputs, 0).fit(pd.DataFrame({"text": texts}), labels)
    rows = rows_of(store.loop, "labels", [{"label_id": "l", "input_text": texts[0]}] * 2)
    return registry.log_challenger("key", estimator, params={}, metrics={}, tags={}, signature_rows=rows)


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


def in_log(acknowledged: Collection[str], folder: Path) -> dict[str, int]:
    """Return how many acknowledged trace ids are missing from the logs in a folder, and how many lines double another's."""
    lines = (line for path in sorted(folder.rglob("*.jsonl")) for line in path.open("rb"))
    ids = Counter(json.loads(line)["trace_id"] for line in lines)
    return {"missing": len(set(acknowledged) - ids.keys()), "doubled": ids.total() - len(ids)}


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
