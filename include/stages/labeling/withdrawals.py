"""What people took back: an answer that a task no longer has, and an earlier one that counts again."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from include.foundation.digests import digest_of
from include.foundation.store.ledgers.annotations import DECLINED, Annotation
from include.foundation.store.tables import LoopStore
from include.stages.labeling.backend_contract import WholeTask

Author = tuple[str, str]  # request id and annotator


def with_withdrawals(
    store: LoopStore, annotations: Sequence[Annotation], whole: Sequence[WholeTask]
) -> list[Annotation]:
    """Return annotations, and what makes the newest stored one of each author say what their task says now.

    Whoever has no answer in a task any more has withdrawn it. Of whom an earlier answer is left, that one is said again, with
    the time of the change.

    Parameters
    ----------
    store
        Tables of the loop.
    annotations
        What was read.
    whole
        Tasks that were read as a whole.
    """
    if not whole:
        return list(annotations)
    stored = _newest(store, whole)
    present: dict[str, dict[Author, Annotation]] = defaultdict(dict)
    for each in sorted(annotations, key=lambda each: each.created_at):
        present[each.source][each.request_id, each.annotator] = each
    changes: list[Annotation] = []
    for task in whole:
        for author, last in stored.get(task.source, {}).items():
            change = _change(last, present[task.source].get(author), task.changed_at)
            changes += [change] if change else []
    return [*annotations, *changes]


def _newest(store: LoopStore, whole: Sequence[WholeTask]) -> Mapping[str, Mapping[Author, Annotation]]:
    """Return the newest stored annotation of each author, by source."""
    filters = [("request_id", "in", sorted({task.request_id for task in whole}))]
    rows = (Annotation(**row) for row in store.read("annotations", filters=filters).to_pylist())
    newest: dict[str, dict[Author, Annotation]] = defaultdict(dict)
    for each in sorted(rows, key=lambda each: (each.created_at, each.annotation_id)):
        newest[each.source][each.request_id, each.annotator] = each
    return newest


def _change(last: Annotation, now: Annotation | None, changed_at: datetime) -> Annotation | None:
    """Return the annotation that follows the last stored one of an author, if what the task says now asks for one."""
    moment = max(changed_at, last.created_at + timedelta(microseconds=1))
    if now is None:
        return None if last.withdrawn else _at(moment, replace(last, label=DECLINED, withdrawn=True, comment=None))
    is_later = now.created_at >= last.created_at
    is_said = now.label == last.label and not last.withdrawn
    return None if is_later or is_said else _at(moment, now)


def _at(moment: datetime, annotation: Annotation) -> Annotation:
    key = digest_of(annotation.request_id, annotation.annotator, moment, annotation.label, bool(annotation.withdrawn))
    return replace(annotation, annotation_id=key[:32], created_at=moment)
