"""Kill the client, or Label Studio itself, at random moments of pushes and pulls, and count what is doubled or lost.

A client is a process that pushes the requests of a store, or collects answers into it, as the tasks of the loop do. It is
killed, or the server is, and started anew until it ends by itself.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import ROOT
from benchmarks.workloads.studio_world import World, import_answered, requests_of
from demo.label_studio_server import LabelStudioServer
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.labeling.backend_contract import LabelRequest
from include.stages.labeling.collecting import collect_annotations
from include.stages.labeling.label_studio.studio_project import project_for
from include.stages.labeling.pushing import push_requests

ROWS = 900
SERVED = datetime(2026, 3, 10, 9, tzinfo=UTC)
KEY = b"a key for pseudonyms of nobody"
PUSH, COLLECT = "push", "collect"
LONGEST = {PUSH: 3.0, COLLECT: 2.0}  # seconds until a client is killed
PER_ROUND = 8  # kills; then the client is left to its work
SERVER_EVERY = 10  # kills, one is of the server


@dataclass
class Round:
    """A store and a project, and what a client does with them."""

    world: World
    mode: str
    folder: Path

    @property
    def store(self) -> LoopStore:
        """The store."""
        return LoopStore(self.world.loop, str(self.folder / "store"))

    def prepare(self) -> None:
        """Make a store with requests that are to be pushed, or whose tasks have an answer each."""
        requests, backend = requests_of(ROWS, words=20), self.world.backend()
        self.store.append_new(
            "predictions", rows_of(self.world.loop, "predictions", [_prediction(each) for each in requests])
        )
        self.store.append_new("requests", rows_of(self.world.loop, "requests", [_request(each) for each in requests]))
        if self.mode == COLLECT:
            import_answered(backend, project_for(backend.loop, backend.client), requests)

    def client(self) -> "subprocess.Popen[str]":
        """Start a client, and return once it has begun to work."""
        server = self.world.server
        command = [
            sys.executable, "-m", "benchmarks.studio_chaos", self.mode, self.world.title, "--home", str(server.home), "--port",
            str(server.port), "--folder", str(self.folder),
        ]  # fmt: skip
        client = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if client.stdout:
            client.stdout.readline()
        return client

    def counts(self) -> Counter[str]:
        """Return how many tasks, or answers, there are of each request."""
        if self.mode == COLLECT:
            return Counter(self.store.read("annotations").column("request_id").to_pylist())
        backend = self.world.backend()
        project = project_for(backend.loop, backend.client)
        page = backend.client.get("/api/tasks", project=project.project_id, include="id,data", page_size=10 * ROWS)
        ids = set(self.store.read("requests").column("external_id").to_pylist())
        if {str(task["id"]) for task in page["tasks"]} != ids:
            raise AssertionError("the ledger names other tasks")
        return Counter(task["data"]["request_id"] for task in page["tasks"])


def chaos(server: LabelStudioServer, kills: int, seed: int = 0) -> dict[str, Any]:
    """Return how many tasks and answers are doubled or lost after so many kills of client or server.

    Parameters
    ----------
    server
        Running; it is killed and started again.
    kills
        How many.
    seed
        Of the moments.
    """
    generator, done, rounds, doubled, lost = np.random.default_rng(seed), 0, 0, 0, 0
    while done < kills:
        mode = (PUSH, COLLECT)[rounds % 2]
        with tempfile.TemporaryDirectory() as folder:
            each = Round(World(server, f"chaos {rounds} {time.time():.0f}"), mode, Path(folder))
            each.prepare()
            last = min(kills, done + PER_ROUND)
            while True:
                client = each.client()
                if done < last and _killed(each, client, generator, of_server=done % SERVER_EVERY == SERVER_EVERY - 1):
                    done += 1
                elif client.wait() == 0:
                    break
            counts = each.counts()
        doubled += sum(count - 1 for count in counts.values())
        lost += ROWS - len(counts)
        rounds += 1
        print(json.dumps({"mode": mode, "kills": done, "doubled": doubled, "lost": lost}), file=sys.stderr, flush=True)
    return {
        "benchmark": "label_studio", "case": f"kills={done}", "unit": "doubled or lost", "ours": doubled + lost, "limit": 0,
        "doubled": doubled, "lost": lost, "repetitions": rounds,
    }  # fmt: skip


def _killed(each: Round, client: "subprocess.Popen[str]", generator: np.random.Generator, *, of_server: bool) -> bool:
    """Kill a client, or the server under it, at a random moment; tell whether it was still at work."""
    try:
        client.wait(generator.uniform(0, LONGEST[each.mode]))
    except subprocess.TimeoutExpired:
        if of_server:
            each.world.server.stop(signal.SIGKILL)
            each.world.server.start()
        client.kill()
        client.wait()
        return True
    return False


def _prediction(request: LabelRequest) -> dict[str, Any]:
    return {
        "trace_id": request.trace_id, "ts": SERVED, "day": f"{SERVED:%Y-%m-%d}", "model_version": "1", "predicted": "earn",
        "confidence": 0.61, "input_text": request.input["text"],
    }  # fmt: skip


def _request(request: LabelRequest) -> dict[str, Any]:
    return {
        "request_id": request.request_id, "batch_id": request.batch_id, "trace_id": request.trace_id, "tier": 1,
        "stratum": "certainty", "split": "train", "inclusion_probability": 1.0, "reasons": request.reasons, "prelabel": "earn",
        "prelabel_confidence": 0.61, "hidden_prelabel": False, "content_key": request.trace_id, "asked_at": SERVED,
        "ts": SERVED,
    }  # fmt: skip


def run_client() -> None:
    """Do the work of one client, named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=[PUSH, COLLECT])
    parser.add_argument("title")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--port", type=int)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    each = Round(World(LabelStudioServer(options.home, options.port), options.title), options.mode, options.folder)
    store, backend = each.store, each.world.backend()
    print("at work", flush=True)
    if options.mode == PUSH:
        push_requests(store, backend)
    else:
        collect_annotations(store, backend, KEY)


if __name__ == "__main__":
    run_client()
