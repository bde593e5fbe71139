"""The lines of the manifests that the loop writes: what a worker reads, and beside it what leads the answer back."""

from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.lines.values import json_line, text_of
from include.stages.labeling.backend_contract import LabelRequest

PRELABEL = "prelabel"  # attribute of what the model says, as an earlier labeling job would have left it
METADATA = "-metadata"
LONGEST_ATTRIBUTE = 20_000  # characters that Ground Truth takes in one


def readable(loop: Loop, request: LabelRequest) -> str:
    """Return what a worker reads: the only input that can be read, or a line for each; of vectors there is nothing to read.

    Parameters
    ----------
    loop
        Says which inputs there are.
    request
        The request.
    """
    texts = {name: text_of(value) for name, value in request.input.items() if loop.inputs[name].type != "vector"}
    said = {name: text for name, text in texts.items() if text}
    if len(texts) == 1:
        return next(iter(said.values()), f"row {request.trace_id}")
    return "\n".join(f"{name}: {text}" for name, text in said.items()) or f"row {request.trace_id}"


def manifest_line(loop: Loop, request: LabelRequest, text_uri: str) -> dict[str, Any]:
    """Return a line of a manifest as Ground Truth reads one.

    Parameters
    ----------
    loop
        Says which inputs and classes there are.
    request
        The request.
    text_uri
        Where its text lies, if that is too long for a line.
    """
    text = readable(loop, request)
    fields = {name: value for name, value in request.input.items() if loop.inputs[name].type != "vector"}
    line = {
        "request_id": request.request_id,
        "trace_id": request.trace_id,
        "tier": request.tier,
        "labels": loop.task.classes,
        "reasons": request.reasons,
        "model_version": request.model_version,
        "ts": None if request.ts is None else request.ts.isoformat(),
        "segments": request.segments,
        "feedback": request.feedback,
        "assigned_to": request.assigned_to,
    }
    if len(fields) > 1:
        line["input"] = fields
    taken = {
        name: value for name, value in line.items() if value and len(json_line({name: value})) <= LONGEST_ATTRIBUTE
    }
    source = {"source": text} if len(text) <= LONGEST_ATTRIBUTE else {"source-ref": text_uri}
    return source | taken | _prelabel(loop, request)


def _prelabel(loop: Loop, request: LabelRequest) -> dict[str, Any]:
    """Return what the model says as a labeling job without people would have left it; nothing where it is hidden."""
    if request.prelabel is None:
        return {}
    label = request.prelabel["label"]
    metadata = {
        "class-name": label,
        "confidence": request.prelabel["confidence"],
        "type": "groundtruth/text-classification",
        "human-annotated": "no",
        "job-name": request.model_version,
        "creation-date": None if request.ts is None else request.ts.isoformat(),
    }
    known = {name: value for name, value in metadata.items() if value is not None}
    return {PRELABEL: str(loop.task.classes.index(label)), f"{PRELABEL}{METADATA}": known}
