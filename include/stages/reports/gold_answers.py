"""How often annotators were right where the answer was known."""

from collections import defaultdict

import numpy as np

from include.foundation.statistics.estimates import Estimate, weighted_mean
from include.foundation.store.ledgers.annotations import latest_annotations
from include.foundation.store.ledgers.outcomes import current_labels, gold_questions
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy


def gold_answers(store: LoopStore) -> dict[str, Estimate]:
    """Return by pseudonym the share of an annotator's answers to gold questions that were right; who declined was not."""
    answers = latest_annotations(store, gold_questions(store))
    trace_ids = sorted({answer.trace_id for answer in answers})
    columns = ["label_id", "supersedes", "trace_id", "label"]
    labels = current_labels(store.read("labels", columns=columns, filters=[("trace_id", "in", trace_ids)]))
    taxonomy = Taxonomy.of(store.loop.task)
    known = {row["trace_id"]: taxonomy.current(row["label"]) for row in labels.to_pylist()}
    right: defaultdict[str, list[bool]] = defaultdict(list)
    for answer in answers:
        if known.get(answer.trace_id) is not None:
            right[answer.annotator].append(answer.label == known[answer.trace_id])
    return {
        name: weighted_mean(np.array(own, dtype=np.float64), np.ones(len(own))) for name, own in sorted(right.items())
    }
