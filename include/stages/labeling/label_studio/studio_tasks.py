"""What a request is as a task of Label Studio, and whether the project can show it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.config.sections import Input
from include.foundation.errors import ConfigError
from include.stages.labeling.backend_contract import LabelRequest
from include.stages.labeling.label_studio.labeling_config import ABOUT, ROW, in_table
from include.stages.labeling.label_studio.studio_project import PRELABEL, StudioProject

KEY, BATCH = "request_id", "batch_id"
IMAGE = re.compile(r"https?://[^/\s]\S*$", re.IGNORECASE)


def tasks_of(requests: Sequence[LabelRequest], loop: Loop, project: StudioProject) -> list[dict[str, Any]]:
    """Return the tasks of requests, in their order.

    Parameters
    ----------
    requests
        What is asked.
    loop
        Names the inputs.
    project
        Where the tasks go: it must have every field that it shows, and every label that it is sent.

    Raises
    ------
    ConfigError
        If the project cannot show them, with every problem: Label Studio would store most of it without a word.
    """
    tasks = [_task(request, loop, project) for request in requests]
    problems = list(dict.fromkeys(problem for task in tasks for problem in _problems(task, project)))
    if problems:
        raise ConfigError(f"{project.address} cannot show the tasks of {loop.name}; mend its labeling config", problems)
    return tasks


def _task(request: LabelRequest, loop: Loop, project: StudioProject) -> dict[str, Any]:
    inputs = {name: _value(item, request.input.get(name)) for name, item in loop.inputs.items()}
    row = {name: value for name, value in inputs.items() if in_table(loop.inputs[name])}
    inputs |= {name: _image(inputs[name]) for name, item in loop.inputs.items() if item.image}
    own = {KEY: request.request_id, "trace_id": request.trace_id, BATCH: request.batch_id, "tier": request.tier}
    data = {**inputs, **own, ABOUT: _about(request)} | ({ROW: row} if row else {})
    return {"data": data, "predictions": [] if request.prelabel is None else [_prediction(request.prelabel, project)]}


def _value(item: Input, value: Any) -> Any:
    """Return an input as a page can show it: Label Studio takes no null, and shows a list of numbers as text."""
    if value is None:
        return ""
    return ", ".join(f"{number:g}" for number in value) if item.type == "vector" else value


def _image(address: str) -> str:
    """Return an address that a browser may load an image from; empty if it is none: the table says what it is."""
    return address if IMAGE.match(address) else ""


def _about(request: LabelRequest) -> dict[str, str]:
    prelabel = request.prelabel or {}
    confidence = prelabel.get("confidence")
    sure = "" if confidence is None else f", {confidence:.0%} sure"
    about = {
        "asked": ", ".join(request.assigned_to),
        "why it is here": "; ".join(request.reasons),
        "the model says": f"{prelabel['label']}{sure}" if prelabel else "",
        "model version": request.model_version or "",
        "served at": "" if request.ts is None else f"{request.ts:%Y-%m-%d %H:%M} UTC",
        **request.segments,
        "users said": "; ".join(request.feedback),
    }
    return {name: text for name, text in about.items() if text}


def _prediction(prelabel: Mapping[str, Any], project: StudioProject) -> dict[str, Any]:
    value = {"choices": [prelabel["label"]]}
    result = {"from_name": project.label, "to_name": project.to_name, "type": "choices", "value": value}
    prediction = {"model_version": PRELABEL, "result": [result]}
    return prediction if prelabel["confidence"] is None else prediction | {"score": prelabel["confidence"]}


def _problems(task: Mapping[str, Any], project: StudioProject) -> list[str]:
    """Return why a project cannot show a task."""
    problems = [
        f"it shows ${name}, which no input or field of a task is called"
        for name in project.fields - task["data"].keys()
    ]
    sent = {label for each in task["predictions"] for item in each["result"] for label in item["value"]["choices"]}
    return sorted(problems) + [f"{project.label} has no choice {label!r}" for label in sorted(sent - project.labels)]
