"""What the keys about labeling must agree on: the platform, what annotators are told, and how long the loop waits."""

from collections.abc import Iterator

from include.foundation.config.data_agreements import Disagreement, repeated, set_by_hand
from include.foundation.config.labeling_section import Labeling
from include.foundation.config.loop_file import Loop
from include.foundation.config.selection_section import Selection
from include.foundation.errors import did_you_mean
from include.foundation.uris import is_remote

OTHERS = {  # keys without effect
    "files": ("connection", "job", "project", "config"),
    "label_studio": ("uri", "job"),
    "manifests": ("project", "config"),
}
MOST_WORKERS = 9  # that Ground Truth asks about one object
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
    for other in set_by_hand(labeling, *OTHERS[labeling.backend]):
        yield (f"labeling.{other}", "labeling.backend"), f"has no effect with backend: {labeling.backend}"
    if labeling.backend == "label_studio":
        yield from _label_studio(loop)
    elif labeling.backend == "manifests":
        yield from _manifests(loop)
    elif labeling.uri is not None and is_remote(labeling.uri):
        text = f"got {labeling.uri!r}, expected a folder of a file system: the files backend writes to no object store"
        yield ("labeling.uri", "labeling.backend"), text
    yield from _described(loop)
    yield from _prelabels(loop)
    yield from _waiting(labeling)
    yield from _groups(labeling)


def _groups(labeling: Labeling) -> Iterator[Disagreement]:
    named = [name for members in labeling.groups.values() for name in members]
    for name in sorted(set(named) - set(labeling.people or [])):
        yield (
            ("labeling.groups", "labeling.people"),
            f"{name!r} is not one of labeling.people{did_you_mean(name, labeling.people or [])}",
        )
    for name in repeated(named):
        yield ("labeling.groups",), f"each person is of one group; listed more than once: {name}"


def _prelabels(loop: Loop) -> Iterator[Disagreement]:
    labeling = loop.labeling
    if set_by_hand(labeling, "hidden_prelabel_share") and _draws_all(loop.selection):
        text = "has no effect: every row is drawn at random, and random rows never show a pre-label"
        yield ("labeling.hidden_prelabel_share", "selection.budget", "selection.random_share"), text
    if set_by_hand(labeling, "max_anchoring") and labeling.hidden_prelabel_share in (0, 1):
        text = (
            f"has no effect with hidden_prelabel_share {labeling.hidden_prelabel_share:g}: nothing is there to compare"
        )
        yield ("labeling.max_anchoring", "labeling.hidden_prelabel_share"), text


def _waiting(labeling: Labeling) -> Iterator[Disagreement]:
    if set_by_hand(labeling, "remind_hours") and labeling.remind_hours >= labeling.deadline_hours:
        text = f"{labeling.remind_hours:g} hours are not before deadline_hours, so that nobody would be reminded"
        yield ("labeling.remind_hours", "labeling.deadline_hours"), text
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


def _manifests(loop: Loop) -> Iterator[Disagreement]:
    labeling = loop.labeling
    on_s3 = labeling.uri is not None and is_remote(labeling.uri)
    place = ("labeling.connection", "labeling.uri")
    if on_s3 and not set_by_hand(labeling, "connection"):
        yield place, "missing: manifests on S3 need an Airflow connection of type aws"
    if not on_s3 and set_by_hand(labeling, "connection"):
        yield place, "has no effect: the manifests lie in a folder"
    if labeling.job is None:
        return
    if not on_s3:
        text = "Ground Truth reads manifests on S3 only: set labeling.uri to s3://bucket/prefix"
        yield ("labeling.job", "labeling.uri"), text
    for number in range(1, len(loop.escalation.tiers) + 2):
        if (overlap := loop.tier(number).overlap) > MOST_WORKERS:
            key = "labeling.overlap" if number == 1 else f"escalation.tiers.{number - 2}.overlap"
            yield (key, "labeling.job"), f"got {overlap}, expected at most {MOST_WORKERS} workers, as Ground Truth does"


def _described(loop: Loop) -> Iterator[Disagreement]:
    for key in ("definitions", "examples"):
        for name in getattr(loop.labeling, key):
            if name not in loop.task.classes:
                near = did_you_mean(name, loop.task.classes)
                yield (f"labeling.{key}", "task.classes"), f"{name!r} is not one of task.classes{near}"


def _draws_all(selection: Selection) -> bool:
    return 0 < selection.budget <= max(1, round(selection.budget * selection.random_share))
