"""What stands for a platform in tests of backends: the tasks that it got, and its annotators."""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.store.objects.object_store import ObjectStore
from include.foundation.store.objects.opening import objects_at
from include.foundation.store.tables import LoopStore
from include.stages.labeling.backend_contract import LabelingBackend, LabelRequest
from include.stages.labeling.backends import backend_for
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import select_samples
from tests.builders import KEY, day, line, make_store, write_lines


def asked(folder: Path, number: int = 12, **labeling: Any) -> LoopStore:
    """Return a store with so many requests that are not pushed."""
    chosen = {"hidden_prelabel_share": 0.5, **labeling}
    store = make_store(folder, selection={"budget": number, "diversify": "none"}, labeling=chosen)
    write_lines(folder, [line(n) for n in range(number)])
    pull_logs(store, day(), KEY)
    select_samples(store, day())
    return store


class Platform:
    """The backend of a loop, what it wrote, and annotators who answer."""

    def __init__(self, loop: Loop, aws: dict[str, Any]) -> None:
        self.loop, self.aws = loop, aws
        self.backend: LabelingBackend = backend_for(loop, None, aws)
        self.uri = str(loop.labeling.uri)
        self.objects: ObjectStore = objects_at(self.uri, aws)

    def files(self, below: str) -> dict[str, bytes]:
        """Return the content of every file below a folder of the platform, by name."""
        listed = self.objects.objects_in(f"{self.uri}/{below}") or []
        return {each.name: self.objects.read(each.uri) for each in sorted(listed, key=lambda each: each.name)}

    def tasks(self) -> list[dict[str, Any]]:
        """Return the tasks that people see."""
        return [task for _, task in self.placed_tasks()]

    def placed_tasks(self) -> Iterator[tuple[tuple[str, int], dict[str, Any]]]:
        """Yield each task with the name of its file and its place there."""
        for name, content in self.files("requests").items():
            if name.endswith((".jsonl", ".manifest")):
                for place, raw in enumerate(content.splitlines()):
                    yield (name, place), json.loads(raw)

    def path(self, name: str) -> Path:
        """Return the path of a file below the answers, where these lie in a folder."""
        return Path(self.uri) / "answers" / name

    def age(self, name: str, seconds: float = 30 * 86_400) -> None:
        """Let a file below the answers be older, by a month."""
        os.utime(self.path(name), (0, self.path(name).stat().st_mtime - seconds))

    def write(self, name: str, content: str) -> None:
        """Write a file below the answers."""
        self.objects.write(f"{self.uri}/answers/{name}", content.encode())


class OfFiles(Platform):
    """The files backend."""

    def answer(self, number: int, annotator: str, label: str | None, created_at: datetime) -> None:
        """Let an annotator answer a task."""
        answer = {"request_id": self.tasks()[number]["request_id"], "annotator": annotator, "label": label}
        self.write(f"{number}-{annotator}.jsonl", json.dumps(answer | {"created_at": created_at.isoformat()}) + "\n")


class OfManifests(Platform):
    """The manifests backend, on which a job runs as Ground Truth runs it."""

    def answer(self, number: int, annotator: str, label: str | None, created_at: datetime) -> None:
        """Let a worker answer an object."""
        (name, place), _ = list(self.placed_tasks())[number]
        self.respond(name.removesuffix(".manifest"), place, response(annotator, label, created_at))

    def respond(self, job: str, place: int, *answers: Any) -> None:
        """Write a file of responses to an object of a job."""
        folder = f"{job}/annotations/worker-response/iteration-1/{place}"
        number = len(self.files(f"answers/{folder}"))
        self.write(f"{folder}/2026-03-10_09:00:{number:02}.json", json.dumps({"answers": list(answers)}, indent=1))

    def label(self, job: str, **labels: str) -> None:
        """Write the output manifest of a job, with a label at each request that is named."""
        lines = []
        for raw in self.files("requests")[f"{job}.manifest"].splitlines():
            task = json.loads(raw)
            if task["request_id"] in labels:
                task |= augmented(labels[task["request_id"]])
            lines.append(json.dumps(task))
        self.write(f"{job}/manifests/output/output.manifest", "\n".join(lines))

    @property
    def job(self) -> str:
        """Name of the only manifest."""
        (name,) = {name for (name, _), _ in self.placed_tasks()}
        return name.removesuffix(".manifest")


def ask(number: int, **changes: Any) -> LabelRequest:
    """Return a request."""
    given = {
        "request_id": f"r{number}",
        "trace_id": f"t{number}",
        "input": {"text": f"story {number}"},
        "prelabel": None,
        "reasons": ["low margin"],
        "tier": 1,
        "batch_id": "2026-03-10T00:00:00+00:00/P1D",
    }
    return LabelRequest(**given | changes)


def response(worker: str, label: str | None, at: datetime, **changes: Any) -> dict[str, Any]:
    """Return a worker's answer as Ground Truth writes it."""
    return {
        "acceptanceTime": at.isoformat(),
        "answerContent": {"crowd-classifier": {"label": label}},
        "submissionTime": at.isoformat(),
        "timeSpentInSeconds": 4.25,
        "workerId": worker,
        "workerMetadata": {"identityData": {"identityProviderType": "Cognito", "sub": f"sub-of-{worker}"}},
        **changes,
    }


def augmented(label: str, **changes: Any) -> dict[str, Any]:
    """Return what a labeling job adds to a line of its manifest."""
    return {
        "label": "0",
        "label-metadata": {
            "class-name": label,
            "confidence": 0.8,
            "type": "groundtruth/text-classification",
            "job-name": "labeling-job/wire",
            "human-annotated": "yes",
            "creation-date": "2026-03-10T09:00:00.000201",
            **changes,
        },
    }
