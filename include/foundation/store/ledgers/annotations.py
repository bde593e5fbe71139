"""What annotators answered, each under a pseudonym."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore


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
        One of the loop's classes.
    created_at
        When it was given, UTC.
    source
        Where it was read.
    comment, lead_time_seconds
        None where the backend does not say.
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


def append_annotations(store: LoopStore, annotations: Sequence[Annotation]) -> int:
    """Append the annotations that are not stored yet, and return how many there were."""
    rows = rows_of(store.loop, "annotations", [asdict(annotation) for annotation in annotations])
    return int(store.append_new("annotations", rows).num_rows)


def latest_annotations(store: LoopStore) -> list[Annotation]:
    """Return the newest annotation of each annotator to each request, see `newest_of_each`."""
    return newest_of_each(Annotation(**row) for row in store.read("annotations").to_pylist())


def newest_of_each(annotations: Iterable[Annotation]) -> list[Annotation]:
    """Return the newest annotation of each annotator to each request, by request and annotator, in whatever order they come."""
    newest: dict[tuple[str, str], Annotation] = {}
    for annotation in sorted(annotations, key=lambda each: (each.created_at, each.annotation_id)):
        newest[annotation.request_id, annotation.annotator] = annotation
    return [newest[key] for key in sorted(newest)]
