"""What people answered in a cycle, and how far they agreed."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from include.foundation.statistics.agreement import krippendorff_alpha
from include.foundation.store.ledgers.annotations import Annotation, latest_annotations, votes_of
from include.foundation.store.ledgers.outcomes import current_labels, set_aside
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy


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
    columns = ["label_id", "supersedes", "request_id", "label", "agreement"]
    rows = current_labels(store.read("labels", columns=columns, filters=[("request_id", "in", sorted(requests))]))
    taxonomy = Taxonomy.of(store.loop.task)
    labels = {row["request_id"]: row | {"label": taxonomy.shown(row["label"])} for row in rows.to_pylist()}
    annotations = latest_annotations(store, requests)
    votes = [annotation for annotation in annotations if annotation.is_vote]
    aside = [row for row in set_aside(store).to_pylist() if row["source"] in requests - labels.keys()]
    reasons = {row["source"]: row["reason_code"] for row in aside}
    return LabelQuality(
        asked=len(requests),
        answered=len({annotation.request_id for annotation in annotations}),
        accepted=len(labels),
        aside=dict(sorted(Counter(reasons.values()).items())),
        unanimous=sum(row["agreement"] == 1 for row in labels.values()),
        alpha=krippendorff_alpha(votes_of(votes, store.loop.task.classes)[0]),
        annotators=_annotators(votes, {key: row["label"] for key, row in labels.items()}),
    )


def _annotators(annotations: list[Annotation], labels: dict[str, str]) -> list[Annotator]:
    by_name: dict[str, list[Annotation]] = defaultdict(list)
    for annotation in annotations:
        by_name[annotation.annotator].append(annotation)
    annotators = []
    for name, own in by_name.items():
        labeled = [annotation for annotation in own if annotation.request_id in labels]
        agreeing = sum(annotation.label == labels[annotation.request_id] for annotation in labeled)
        annotators.append(Annotator(name, len(own), len(labeled), agreeing))
    return sorted(annotators, key=lambda annotator: (-annotator.answers, annotator.name))
