"""Counts of what was served do not depend on batches, nor on how they are counted."""

import numpy as np
import pyarrow as pa
import pytest

from include.stages.drift.profiling import served_counts
from include.stages.drift.profiling.day_counts import Grouping
from include.stages.drift.profiling.served_counts import ServedCounts


def batch_of(rows=500):
    generator = np.random.default_rng(0)
    confidence = np.where(generator.random(rows) < 0.1, np.nan, generator.random(rows))
    return pa.record_batch({
        "confidence": pa.array(confidence, from_pandas=True),
        "model_version": generator.choice(["1", "2"], rows),
        "predicted": generator.choice(["earn", "acq"], rows),
        "segment_desk": pa.array(generator.choice(["eu", "us", "asia"], rows)),
    })  # fmt: skip


def counted(batch, step):
    counts = ServedCounts("2026-03-10", [Grouping("segment_desk", ["eu", "us"])])
    for start in range(0, batch.num_rows, step):
        counts.add(batch.slice(start, step))
    return sorted(counts.rows(), key=lambda row: (row["segment"], row["column"]))


@pytest.mark.parametrize("most", [0, served_counts.MOST_COUNTED])
@pytest.mark.parametrize("step", [7, 500])
def test_counts_are_of_every_row_with_a_confidence(monkeypatch, most, step):
    monkeypatch.setattr(served_counts, "MOST_COUNTED", most)
    batch = batch_of()
    rows = counted(batch, step)
    assert rows == counted(batch, 100)
    assert {row["segment"] for row in rows} == {"", "desk=eu", "desk=us"}  # the third desk has no counts of its own
    of_all = [row for row in rows if not row["segment"]]
    assert sum(sum(row["counts"]) for row in of_all) == batch.num_rows - batch.column("confidence").null_count
