"""What the keys about labeling must agree on: the platform, what annotators are told, and how long the loop waits."""

from collections.abc import Iterator

from include.foundation.config.data_agreements import Disagreement, set_by_hand
from include.foundation.config.loop_file import Loop
from include.foundation.config.sections import Selection
from include.foundation.errors import did_you_mean

SHORTEST_TITLE, LONGEST_TITLE = 3, 50  # of a project in Label Studio
TASK_FIELDS = (
    "request_id",
    "trace_id",
    "batch_id",
    "tier",
    "about",
    "row",
    "label",
    "comment",
)  # of a task or a control there


def labeling_disagreements(loop: Loop) -> Iterator[Disagreement]:
    """Yield the keys that each disagreement rests on, the one to show first, and a sentence."""
    labeling = loop.labeling
    others = {"files": ("connection", "project", "config"), "label_studio": ("uri",)}[labeling.backend]
    for other in set_by_hand(labeling, *others):
        yield (f"labeling.{other}", "labeling.backend"), f"has no effect with backend: {labeling.backend}"
    if labeling.backend == "label_studio":
        yield from _label_studio(loop)
    elif labeling.uri is not None and "://" in labeling.uri:
        text = f"got {labeling.uri!r}, expected a folder of a file system: the files backend writes to no object store"
        yield ("labeling.uri", "labeling.backend"), text
    yield from _described(loop)
    if set_by_hand(labeling, "hidden_prelabel_share") and _draws_all(loop.selection):
        text = "has no effect: every row is drawn at random, and random rows never show a pre-label"
        yield ("labeling.hidden_prelabel_share", "selection.budget", "selection.random_share"), text
    if set_by_hand(labeling, "max_anchoring") and labeling.hidden_prelabel_share in (0, 1):
        text = (
            f"has no effect with hidden_prelabel_share {labeling.hidden_prelabel_share:g}: nothing is there to compare"
        )
        yield ("labeling.max_anchoring", "labeling.hidden_prelabel_share"), text
    if labeling.poll_seconds > labeling.deadline_hours * 3600:
        text = f"{labeling.poll_seconds:g} seconds are longer than deadline_hours, so no look would find an answer"
        yield ("labeling.poll_seconds", "labeling.deadline_hours"), text


def _label_studio(loop: Loop) -> Iterator[Disagreement]:
    labeling = loop.labeling
    if labeling.project is None and not SHORTEST_TITLE <= len(loop.name) <= LONGEST_TITLE:
        text = f"missing: Label Studio takes titles of {SHORTEST_TITLE} to {LONGEST_TITLE} characters, not {loop.name}"
        yield ("labeling.project", "labeling.backend", "name"), text
    for name in loop.inputs:
        if name in TASK_FIELDS:
            yield (
                (f"inputs.{name}", "labeling.backend"),
                f"{name} is what a task in Label Studio calls a field of its own; rename it",
            )


def _described(loop: Loop) -> Iterator[Disagreement]:
    for key in ("definitions", "examples"):
        for name in getattr(loop.labeling, key):
            if name not in loop.task.classes:
                near = did_you_mean(name, loop.task.classes)
                yield (f"labeling.{key}", "task.classes"), f"{name!r} is not one of task.classes{near}"


def _draws_all(selection: Selection) -> bool:
    return 0 < selection.budget <= max(1, round(selection.budget * selection.random_share))
