"""A loop with a champion in a real registry, and a real gateway process on a free port of loopback."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml

from gateway.__main__ import main
from include.foundation.intervals import Interval
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.store.ledgers.deployments import Deployment, append_deployment, live
from include.foundation.store.objects.s3_objects import options_in_environment
from include.foundation.store.tables import LoopStore
from include.stages.deployment.deploying import follow_ledger
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.pulling import pull_logs
from tests.builders import KEY
from tests.conftest import ROOT
from tests.forks import Forked
from tests.include.stages.training.challenger_builders import fitted, make_text_loop, register_challengers, registry_in


@dataclass
class World:
    """The folder, tables and registry of one loop, whose file is in ``loops``."""

    folder: Path
    store: LoopStore
    registry: ModelRegistry

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def deploy(self, version: str) -> None:
        """Make a version live by the ledger, and let alias and manifest follow."""
        before = live(self.store)
        digest = self.registry.files_digest(run_id=str(self.registry.run_of(version)), version=version)
        previous = None if before is None else before.model_version
        number = 0 if before is None else before.sequence
        append_deployment(
            self.store, Deployment(version, previous, "deploy", "a test", f"evidence {number}", None, digest)
        )
        follow_ledger(self.store, self.registry)

    def pulled(self) -> list[dict[str, Any]]:
        """Pull the logs of today, and return the stored rows."""
        pull_logs(self.store, today(), KEY)
        return list(self.store.read("predictions").to_pylist())

    def pulled_feedback(self) -> list[dict[str, Any]]:
        pull_feedback(self.store, today(), KEY)
        return list(self.store.read("feedback").to_pylist())

    def logged(self, log: str = "logs") -> list[dict[str, Any]]:
        """Return the lines of complete segments."""
        paths = sorted(path for path in (self.folder / log).rglob("*.jsonl") if not path.name.startswith("."))
        return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]


def today() -> Interval:
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Interval(start, start + timedelta(days=1))


def registered(folder: Path, template: Path) -> ModelRegistry:
    """Return a registry with two versions of a model."""
    loop = make_text_loop()
    registry = registry_in(folder / "mlflow", loop, template)
    store = LoopStore(loop, str(folder / "store"))
    register_challengers(registry, store, fitted(store), "a", "b")
    return registry


def make_world(folder: Path, registry: ModelRegistry, **sections: Any) -> World:
    """Return a world of its own, but for the registry, of which version 1 is live."""
    uris = {name: {"uri": str(folder / name)} for name in ("logs", "feedback")}
    loop = make_text_loop(**uris | {"segments": ["desk"]} | sections)
    for name in ("loops", "logs", "feedback"):
        (folder / name).mkdir(parents=True)
    raw = loop.model_dump(mode="json", exclude_unset=True)
    (folder / "loops" / f"{loop.name}.yaml").write_text(yaml.safe_dump(raw))
    world = World(folder, LoopStore(loop, str(folder / "store"), options_in_environment()), registry)
    registry.set_alias(CHAMPION, "1")
    world.deploy("1")
    return world


class RunningGateway:
    """A gateway process of a world, forked or started by its command."""

    def __init__(self, world: World, options: Mapping[str, Any], *, by_command: bool = False) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        given = {
            "loops": world.store.loop.name,
            "store": str(world.folder / "store"),
            "mlflow": world.registry.tracking_uri,
            "state": str(world.folder / "state"),
            "port": self.port,
            "follow-seconds": 0.2,
        } | {name.replace("_", "-"): value for name, value in options.items()}
        arguments = [f"--{name}" if value is True else f"--{name}={value}" for name, value in given.items()]
        environment = os.environ | {"FEEDBACK_LOOP_LOOPS_DIR": str(world.folder / "loops")}
        self._events = world.folder / "gateway.log"
        self.process: subprocess.Popen[bytes] | Forked
        if by_command:
            command = [sys.executable, "-m", "gateway", *arguments]
            with self._events.open("a") as events:
                self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=events, stdout=events)
        else:
            self.process = Forked(main, arguments, environment=environment, output=self._events)
        self.client = httpx.Client(base_url=self.url, timeout=20)

    def wait_until_ready(self, seconds: float = 300) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self._events.read_text()
            with contextlib.suppress(httpx.TransportError):
                if self.client.get("/ready").status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(self._events.read_text())

    def wait_until_listening(self, seconds: float = 300) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                self.client.get("/health")
                return
            time.sleep(0.05)
        raise AssertionError(self._events.read_text())

    def predict(self, text: str, **more: Any) -> httpx.Response:
        return self.client.post("/v1/predict", json={"input": {"text": text}, **more})

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=60)


@contextmanager
def running(world: World, *, ready: bool = True, by_command: bool = False, **options: Any) -> Iterator[RunningGateway]:
    """Run a gateway; it is told to stop in the end."""
    gateway = RunningGateway(world, options, by_command=by_command)
    try:
        if ready:
            gateway.wait_until_ready()
        yield gateway
    finally:
        gateway.client.close()
        gateway.stop()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
