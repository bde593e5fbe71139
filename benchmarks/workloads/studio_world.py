"""A loop on a running Label Studio, its requests, and tasks that are answered already."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from demo.label_studio_server import LabelStudioServer
from include.foundation.config.loop_file import Loop
from include.stages.labeling.backend_contract import BackendConnection, LabelRequest
from include.stages.labeling.label_studio import studio_backend
from include.stages.labeling.label_studio.studio_backend import LabelStudioBackend
from include.stages.labeling.label_studio.studio_project import StudioProject
from include.stages.labeling.label_studio.studio_tasks import tasks_of

CLASSES = ["acq", "earn", "grain"]


@dataclass
class World:
    """A running server, and a loop on it whose project is its own."""

    server: LabelStudioServer
    title: str

    @property
    def loop(self) -> Loop:
        """The loop, which reads texts."""
        raw = {
            "name": "bench", "owner": "nobody", "description": "Tasks to measure with.",
            "task": {"kind": "classification", "classes": CLASSES}, "inputs": {"text": {"type": "text"}},
            "logs": {"uri": "logs"}, "training": {"factory": "include.factories:text_classifier"},
            "labeling": {"backend": "label_studio", "project": self.title},
        }  # fmt: skip
        return Loop.model_validate(raw)

    def backend(self) -> LabelStudioBackend:
        """Return a client that knows nothing yet."""
        return LabelStudioBackend(self.loop, BackendConnection(self.server.url, self.server.token))


def requests_of(n: int, batch: str = "day", words: int = 60) -> list[LabelRequest]:
    """Return requests on texts of some words.

    Parameters
    ----------
    n
        How many.
    batch
        What they are a batch of.
    words
        In each text.
    """
    generator = np.random.default_rng(0)
    return [
        LabelRequest(
            f"{batch}-{number}", f"t{number}", {"text": " ".join(generator.choice(["rose", "fell", "net", "oil"], words))},
            {"label": "earn", "confidence": 0.61}, ["low margin 0.04"], 1, batch,
        )
        for number in range(n)
    ]  # fmt: skip


def import_answered(backend: LabelStudioBackend, project: StudioProject, requests: Sequence[LabelRequest]) -> None:
    """Import tasks that have an annotation each: giving so many one after another takes an hour.

    Parameters
    ----------
    backend
        Whose client is used.
    project
        Where they go.
    requests
        What they are about.
    """
    tasks = tasks_of(requests, backend.loop, project)
    answered = [task | {"annotations": [{"result": choice("earn"), "lead_time": 2.0}]} for task in tasks]
    for chunk in chunks(answered):
        backend.client.post(f"/api/projects/{project.project_id}/import", chunk)


def choice(label: str) -> list[dict[str, Any]]:
    """Return what an annotation with a label holds."""
    return [{"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}]


def chunks(tasks: Sequence[Any]) -> list[Sequence[Any]]:
    """Return tasks in parts of the size in which they are pushed."""
    return [tasks[start : start + studio_backend.CHUNK] for start in range(0, len(tasks), studio_backend.CHUNK)]
