"""What people answered in a cycle, and how far they agreed."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from include.foundation.statistics.agreement import agreement_by_class, agreement_by_pair, krippendorff_interval
from include.foundation.statistics.annotator_quality import AnnotatorQuality
from include.foundation.statistics.estimates import Estimate
from include.foundation.statistics.votes import Votes
from include.foundation.store.ledgers.annotations import Annotation, latest_annotations, votes_of
from include.foundation.store.ledgers.outcomes import current_labels, set_aside
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.labels.annotator_records import current_records, records_by_month

MOST_PAIRS = 10
MOST_MONTHS = 6


@dataclass(frozen=True)
class Annotator:
    """A person, known by pseudonym: how many answers they gave, to how many requests with a label, and how many were it.

    ``record`` is how often they are right in all recent requests; None if they answered none of those. ``months`` is how
    often they were in each of the newest months.
    """

    name: str
    answers: int
    labeled: int
    agreeing: int
    record: AnnotatorQuality | None = None
    months: Sequence[tuple[str, Estimate]] = ()


@dataclass(frozen=True)
class LabelQuality:
    """What became of requests; ``alpha`` is Krippendorff's, unknown where it is not defined.

    ``unanimous`` counts the labels on which every answer was the same, ``aside`` what was set aside, by reason. ``by_class``
    and ``by_pair`` are alpha of answers about one class, and of two annotators, those who agree least first.
    """

    asked: int
    answered: int
    accepted: int
    aside: dict[str, int]
    unanimous: int
    alpha: Estimate
    annotators: list[Annotator]
    by_class: dict[str, Estimate] = field(default_factory=dict)
    by_pair: list[tuple[str, str, Estimate]] = field(default_factory=list)


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
    indexed, names = votes_of(votes, store.loop.task.classes)
    records = current_records(store)
    return LabelQuality(
        asked=len(requests),
        answered=len({annotation.request_id for annotation in annotations}),
        accepted=len(labels),
        aside=dict(sorted(Counter(reasons.values()).items())),
        unanimous=sum(row["agreement"] == 1 for row in labels.values()),
        alpha=krippendorff_interval(indexed),
        annotators=_annotators(
            votes, {key: row["label"] for key, row in labels.items()}, records, records_by_month(store)
        ),
        by_class=dict(zip(store.loop.task.classes, agreement_by_class(indexed), strict=True)),
        by_pair=_by_pair(indexed, names),
    )


def _by_pair(votes: Votes, names: list[str]) -> list[tuple[str, str, Estimate]]:
    pairs = [(names[one], names[two], alpha) for (one, two), alpha in agreement_by_pair(votes).items()]
    known = [pair for pair in pairs if pair[2].value is not None]
    return sorted(known, key=lambda pair: (pair[2].value or 0.0, pair[:2]))[:MOST_PAIRS]


def _annotators(
    annotations: list[Annotation],
    labels: dict[str, str],
    records: Mapping[str, AnnotatorQuality],
    months: Mapping[str, Sequence[tuple[str, Estimate]]],
) -> list[Annotator]:
    by_name: dict[str, list[Annotation]] = defaultdict(list)
    for annotation in annotations:
        by_name[annotation.annotator].append(annotation)
    annotators = []
    for name, own in by_name.items():
        labeled = [annotation for annotation in own if annotation.request_id in labels]
        agreeing = sum(annotation.label == labels[annotation.request_id] for annotation in labeled)
        before = months.get(name, ())[-MOST_MONTHS:]
        annotators.append(Annotator(name, len(own), len(labeled), agreeing, records.get(name), before))
    return sorted(annotators, key=lambda annotator: (-annotator.answers, annotator.name))
