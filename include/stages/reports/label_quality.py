"""What people answered in a cycle, and how far they agreed."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from include.foundation.store.ledgers.outcomes import current_labels, latest_answers, set_aside
from include.foundation.store.tables import LoopStore
from include.stages.labels.agreement import krippendorff_alpha
from include.stages.labels.consensus import Votes


@dataclass(frozen=True)
class Annotator:
    """A person, known by pseudonym: how many answers they gave, to how many requests with a label, and how many were it."""

    name: str
    answers: int
    labeled: int
    agreeing: int


@dataclass(frozen=True)
class LabelQuality:
    """What became of requests; ``alpha`` is Krippendorff's, None where it is not defined.

    ``unanimous`` counts the labels on which every answer was the same, ``aside`` what was set aside, by reason.
    """

    asked: int
    answered: int
    accepted: int
    aside: dict[str, int]
    unanimous: int
    alpha: float | None
    annotators: list[Annotator]


def label_quality(store: LoopStore, requests: set[str]) -> LabelQuality:
    """Return what became of requests, from the newest answer of each annotator to each.

    Parameters
    ----------
    store
        Tables of the loop.
    requests
        Their ids.
    """
    rows = current_labels(store.read("labels", columns=["label_id", "supersedes", "request_id", "label", "agreement"]))
    labels = {row["request_id"]: row for row in rows.to_pylist() if row["request_id"] in requests}
    answers = [
        answer for answer in latest_answers(store.read("annotations").to_pylist()) if answer["request_id"] in requests
    ]
    aside = [row for row in set_aside(store).to_pylist() if row["source"] in requests - labels.keys()]
    reasons = {row["source"]: row["reason_code"] for row in aside}
    return LabelQuality(
        asked=len(requests),
        answered=len({answer["request_id"] for answer in answers}),
        accepted=len(labels),
        aside=dict(sorted(Counter(reasons.values()).items())),
        unanimous=sum(row["agreement"] == 1 for row in labels.values()),
        alpha=_alpha(store.loop.task.classes, answers),
        annotators=_annotators(answers, {key: row["label"] for key, row in labels.items()}),
    )


def _annotators(answers: list[Any], labels: dict[str, str]) -> list[Annotator]:
    answers_by_name: dict[str, list[Any]] = defaultdict(list)
    for answer in answers:
        answers_by_name[answer["annotator"]].append(answer)
    annotators = []
    for name, own in answers_by_name.items():
        labeled = [answer for answer in own if answer["request_id"] in labels]
        agreeing = sum(answer["label"] == labels[answer["request_id"]] for answer in labeled)
        annotators.append(Annotator(name, len(own), len(labeled), agreeing))
    return sorted(annotators, key=lambda annotator: (-annotator.answers, annotator.name))


def _alpha(classes: list[str], answers: list[Any]) -> float | None:
    items = {request_id: place for place, request_id in enumerate(sorted({a["request_id"] for a in answers}))}
    annotators = {name: place for place, name in enumerate(sorted({a["annotator"] for a in answers}))}
    rows = [(items[a["request_id"]], annotators[a["annotator"]], classes.index(a["label"])) for a in answers]
    item, annotator, label = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return krippendorff_alpha(Votes(item, annotator, label, len(items), len(annotators), len(classes)))
