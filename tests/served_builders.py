"""A day of rows that a version served, as right as it thinks, of which some were drawn and labeled."""

from datetime import timedelta

import numpy as np

from include.foundation.intervals import Interval
from include.foundation.statistics.calibrated_confidence import confidence_bins
from include.foundation.store.ledgers.served_confidence import KIND, SERVED, category_of
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.datasets import Dataset, read_dataset
from tests.include.stages.evaluation.judged_builders import CLASSES, DAY, answered_row

SERVED_ROWS, LABELED_ROWS = 2000, 300
DAY_INTERVAL = Interval(DAY, DAY + timedelta(days=1))


def store_served_day(store: LoopStore, *, counted: bool = True) -> float:
    """Store the labeled rows of a day of version 1, and what was counted of all; return the share that is right of all.

    The champion of `judged_builders` says what was served; its challenger does so as well, but is right in a tenth of errors.
    """
    generator = np.random.default_rng(7)
    confidence = generator.beta(0.85, 0.15, SERVED_ROWS)
    right = generator.random(SERVED_ROWS) < confidence
    truth = generator.integers(0, 3, SERVED_ROWS)
    said = np.where(right, truth, (truth + 1) % 3)
    labels, draws = [], []
    for place in range(LABELED_ROWS):
        names = [CLASSES[truth[place]], CLASSES[said[place]], CLASSES[truth[place] if place % 10 == 0 else said[place]]]
        served = {"predicted": names[1], "model_version": "1", "inclusion_probability": LABELED_ROWS / SERVED_ROWS}
        row = answered_row(place, "".join(names), request_id=f"r{place}", **served)
        labels.append(row)
        own = {name: row[name] for name in ("trace_id", "ts", "content_key", "segment_desk")}
        draws.append(own | served | {
            "batch_id": DAY_INTERVAL.key, "stratum": "random", "confidence": float(confidence[place]),
            "asked_trace_id": row["trace_id"], "drawn_at": DAY + timedelta(days=1),
        })  # fmt: skip
    store.append_new("labels", rows_of(store.loop, "labels", labels))
    store.append_new("draws", rows_of(store.loop, "draws", draws))
    if counted:
        _store_counts(store, confidence, said)
    return float(right.mean())


def published(store: LoopStore) -> tuple[Dataset, str]:
    """Return the store's labels as a dataset, and its name."""
    name = publish_dataset(store).subject
    return read_dataset(store, name), name


def _store_counts(store: LoopStore, confidence, said) -> None:
    served = [
        category_of(int(number), CLASSES[of]) for number, of in zip(confidence_bins(confidence), said, strict=True)
    ]
    rows = []
    for segment, names in (("", served), ("desk=eu", [name[:3] for name in served])):
        categories, counts = np.unique(names, return_counts=True)
        rows.append({
            "day": f"{DAY:%Y-%m-%d}", "segment": segment, "column": f"{SERVED}1", "kind": KIND, "rows": SERVED_ROWS, "nulls": 0,
            "counts": counts.tolist(), "categories": categories.tolist(),
        })  # fmt: skip
    store.append_new("profiles", rows_of(store.loop, "profiles", rows))
