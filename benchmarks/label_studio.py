"""How long pushing to a real Label Studio and pulling from it take, and whether anything is lost or doubled by kills.

``.venv/bin/python -m benchmarks.label_studio [--quick | --chaos KILLS]`` prints one JSON object per case. The server is this
clone's, see `demo.label_studio_server`. The limit of a push is the server's own time for the bare imports of the same tasks,
that of a pull its time for the bare pages. With ``--chaos``, client or server is killed at random moments of pushes and pulls.
"""

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.studio_chaos import chaos
from benchmarks.workloads.studio_world import World, choice, chunks, import_answered, requests_of
from demo.label_studio_server import LabelStudioServer, serving
from demo.loopback import free_port
from include.stages.labeling.backend_contract import LabelRequest
from include.stages.labeling.label_studio import studio_backend
from include.stages.labeling.label_studio.studio_backend import LabelStudioBackend
from include.stages.labeling.label_studio.studio_project import project_for
from include.stages.labeling.label_studio.studio_tasks import tasks_of

SMALL_PULL_SECONDS = 1.0


def push(server: LabelStudioServer, n: int, turns: int) -> dict[str, Any]:
    """Return what a push of n new requests takes, beside the bare imports of the same tasks.

    Parameters
    ----------
    server
        Running.
    n
        How many.
    turns
        How often each is measured, in turns.
    """
    ours, bare = [], []
    for turn in range(turns):
        bare.append(_bare(World(server, f"bare {n} {turn} {time.time():.0f}").backend(), requests_of(n)))
        ours.append(_pushed(World(server, f"push {n} {turn} {time.time():.0f}").backend(), requests_of(n)))
    return _line(f"push n={n}", statistics.median(ours), statistics.median(bare), turns)


def _bare(backend: LabelStudioBackend, requests: Sequence[LabelRequest]) -> float:
    project = project_for(backend.loop, backend.client)
    parts = chunks(tasks_of(requests, backend.loop, project))
    start = time.monotonic()
    for part in parts:
        backend.client.post(f"/api/projects/{project.project_id}/import", part)
    return time.monotonic() - start


def _pushed(backend: LabelStudioBackend, requests: Sequence[LabelRequest]) -> float:
    """Push what is missing, as the stage does."""
    start = time.monotonic()
    present = backend.existing(requests)
    backend.push([request for request in requests if request.request_id not in present])
    backend.existing(requests)
    return time.monotonic() - start


def pull(server: LabelStudioServer, n: int, turns: int) -> Iterator[dict[str, Any]]:
    """Yield what the first pull of n annotated tasks takes, and one with 25 new annotations.

    Parameters
    ----------
    server
        Running.
    n
        How many.
    turns
        How often each is measured.
    """
    backend = World(server, f"pull {n} {time.time():.0f}").backend()
    requests = requests_of(n)
    project = project_for(backend.loop, backend.client)
    import_answered(backend, project, requests)
    tasks = backend.existing(requests)
    known = {request.request_id: request.trace_id for request in requests}
    pages = [{"project": project.project_id, "fields": "all", "include": studio_backend.READ, "page_size": studio_backend.PAGE,
              "page": page + 1, "resolve_uri": "false"} for page in range(-(-n // studio_backend.PAGE))]  # fmt: skip
    ours, bare = [], []
    for _ in range(turns):
        start = time.monotonic()
        for page in pages:
            backend.client.get("/api/tasks", **page)
        bare.append(time.monotonic() - start)
        start = time.monotonic()
        answers = backend.answers(known, {})
        ours.append(time.monotonic() - start)
        if len(answers.rows) != n:
            raise AssertionError(f"{len(answers.rows)} answers of {n}")
    yield _line(f"pull n={n}", statistics.median(ours), statistics.median(bare), turns)
    small, marks = [], {mark.source: mark for mark in answers.read}
    for turn in range(turns):
        time.sleep(studio_backend.OVERLAP.total_seconds() + 1)
        marks |= {mark.source: mark for mark in backend.answers(known, marks).read}  # as a loop that looks now and then
        for request in requests[turn * 25 : turn * 25 + 25]:
            body = {"result": choice("acq"), "lead_time": 2.0}
            backend.client.post(f"/api/tasks/{tasks[request.request_id]}/annotations/", body)
        start = time.monotonic()
        answers = backend.answers(known, marks)
        small.append(time.monotonic() - start)
    yield _line("pull new=25", statistics.median(small), SMALL_PULL_SECONDS, turns)


def _line(case: str, ours: float, limit: float, repetitions: int) -> dict[str, Any]:
    return {
        "benchmark": "label_studio", "case": case, "unit": "seconds", "ours": ours, "limit": limit,
        "ratio_to_limit": ours / limit, "peers": {}, "ratio_to_best_peer": None, "repetitions": repetitions,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def main() -> None:
    """Print one JSON line a case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller work, within a minute")
    parser.add_argument("--chaos", type=int, default=0, metavar="KILLS", help="kill client or server so often instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, serving(LabelStudioServer(Path(home), free_port())) as server:
        if options.chaos:
            print(json.dumps(chaos(server, options.chaos)), flush=True)
            return
        n, turns = (600, 1) if options.quick else (10_000, 3)
        print(json.dumps(push(server, n, turns)), flush=True)
        for line in pull(server, n, turns):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
