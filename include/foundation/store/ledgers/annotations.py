"""What annotators answered, each under a pseudonym."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.statistics.votes import Votes
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy

DECLINED = ""
LABELER = "who gave labels without requests"
UNKNOWN_USER = "a user who is not known"


@dataclass(frozen=True)
class Annotation:
    """One annotator's answer to one request: a row of the table ``annotations``.

    Attributes
    ----------
    annotation_id
        Digest of request, annotator, time and label: the same answer is stored once.
    request_id, trace_id
        Of the request, and of the prediction that it is about.
    annotator
        Pseudonym.
    label
        One of the loop's classes, in the name that was given then, or `DECLINED`.
    created_at
        When it was given, UTC.
    source
        Where it was read.
    comment, lead_time_seconds
        None where the backend does not say.
    late
        Whether its request was resolved before it was collected; None where an earlier version collected it.
    withdrawn
        Whether the annotator took the answer back then: it says nothing any more, nor do those before it.
    given_for
        Pseudonym of in whose name it was written, where that is not the annotator's own.
    kind
        Of feedback, where it is a user's correction: the annotator is then a user, or `UNKNOWN_USER`. None of an annotator.
    """

    annotation_id: str
    request_id: str
    trace_id: str
    annotator: str
    label: str
    created_at: datetime
    source: str
    comment: str | None = None
    lead_time_seconds: float | None = None
    late: bool | None = None
    withdrawn: bool | None = None
    given_for: str | None = None
    kind: str | None = None

    @property
    def is_vote(self) -> bool:
        """Whether the annotator named a class."""
        return self.label != DECLINED


def append_annotations(store: LoopStore, annotations: Sequence[Annotation]) -> int:
    """Append the annotations that are not stored yet, and return how many there were."""
    if not annotations:
        return 0
    rows = rows_of(store.loop, "annotations", [asdict(annotation) for annotation in annotations])
    asked = sorted({annotation.request_id for annotation in annotations})
    return int(store.append_new("annotations", rows, [("request_id", "in", asked)]).num_rows)


def late_requests(store: LoopStore) -> set[str]:
    """Return the ids of the requests that annotators answered after they had been resolved."""
    return set(annotators_answers(store, ["request_id"], [("late", "=", True)]).column("request_id").to_pylist())


def annotators_answers(store: LoopStore, columns: Sequence[str], filters: Filter | None = None) -> pa.Table:
    """Return columns of what annotators answered: rows of ``annotations`` without what users corrected.

    Parameters
    ----------
    store
        Tables of the loop.
    columns
        Their names.
    filters
        Which rows; all if None.
    """
    rows = store.read("annotations", columns=list({*columns, "kind"}), filters=filters)
    return rows.filter(pc.is_null(rows.column("kind"))).select(list(columns))


def latest_annotations(store: LoopStore, requests: Iterable[str]) -> list[Annotation]:
    """Return the newest annotation of each annotator to each of some requests, in today's classes; see `latest_said`."""
    return latest_said(store, requests)[0]


def latest_said(store: LoopStore, requests: Iterable[str]) -> tuple[list[Annotation], list[Annotation]]:
    """Return what annotators answered to some requests, and what users corrected: the newest of each, see `newest_of_each`.

    All of it is in today's classes. Who named a class that is retired now counts as one who declined.

    Raises
    ------
    ConfigError
        If an annotation names a class of which the loop file does not say what became of it.
    """
    filters: Filter = [("request_id", "in", sorted(requests))]
    annotations = newest_of_each(Annotation(**row) for row in store.read("annotations", filters=filters).to_pylist())
    taxonomy = Taxonomy.of(store.loop.task)
    taxonomy.demand_declared((each.label for each in annotations if each.is_vote), "annotations")
    if taxonomy.former:
        annotations = [replace(each, label=taxonomy.current(each.label) or DECLINED) for each in annotations]
    return [each for each in annotations if each.kind is None], [each for each in annotations if each.kind is not None]


def newest_of_each(annotations: Iterable[Annotation]) -> list[Annotation]:
    """Return the newest annotation of each person to each request, by request and person, in whatever order they come.

    Of who took it back there is none. A user is no annotator, whatever the pseudonym.
    """
    newest: dict[tuple[str, str, str], Annotation] = {}
    for annotation in sorted(annotations, key=lambda each: (each.created_at, each.annotation_id)):
        newest[annotation.request_id, annotation.annotator, annotation.kind or ""] = annotation
    return [newest[key] for key in sorted(newest) if not newest[key].withdrawn]


def answers_to(store: LoopStore, labels: Mapping[str, str], others: Iterable[str] = ()) -> list[Annotation]:
    """Return the votes on the contents of requests, of each annotator the newest.

    Votes on the requests that a request escalates, and on those that escalate it, are votes on its content. A label that rests
    on none, such as a seed's, is the only answer of whoever gave those.

    Parameters
    ----------
    store
        Tables of the loop.
    labels
        The label of each request; of a seed, by the label's id.
    others
        Ids of requests that led to no label.
    """
    same = _of_one_content(store, [*labels, *others])
    said = sorted(latest_annotations(store, same), key=lambda each: each.created_at)
    newest = {(same[each.request_id], each.annotator): each for each in said if each.is_vote}
    votes = [replace(newest[key], request_id=key[0]) for key in sorted(newest)]
    answered = {each.request_id for each in votes}
    alone = [key for key in labels if key not in answered]
    return votes + [
        Annotation(key, key, "", LABELER, labels[key], datetime.min.replace(tzinfo=UTC), "") for key in alone
    ]


def _of_one_content(store: LoopStore, requests: Sequence[str]) -> dict[str, str]:
    """Return by request which of some requests is about the same content: they themselves, and all tiers before and after."""
    before = {
        row["request_id"]: row["escalates"]
        for row in store.read("requests", columns=["request_id", "escalates"]).to_pylist()
        if row["escalates"] is not None
    }

    def first(name: str) -> str:
        while name in before:
            name = before[name]
        return name

    asked = {first(name): name for name in requests}
    others = {name: asked[first(name)] for name in [*before, *before.values()] if first(name) in asked}
    return others | {name: name for name in requests}


def votes_of(annotations: Sequence[Annotation], classes: Sequence[str]) -> tuple[Votes, list[str]]:
    """Return annotations as votes, and the annotators' pseudonyms in the order of their indices.

    Parameters
    ----------
    annotations
        At most one of each annotator to each request. The requests, in the order of their ids, are the items.
    classes
        Class number c of the loop is label c; every annotation is one of them.
    """
    requests, annotators, labels = (
        {name: number for number, name in enumerate(names)}
        for names in (
            sorted({annotation.request_id for annotation in annotations}),
            sorted({annotation.annotator for annotation in annotations}),
            classes,
        )
    )
    rows = [(requests[each.request_id], annotators[each.annotator], labels[each.label]) for each in annotations]
    item, annotator, label = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Votes(item, annotator, label, len(requests), len(annotators), len(classes)), list(annotators)
