"""Profiles and stored days for the tests of drift, made with the product's own counters."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from include.foundation.intervals import Interval
from include.foundation.store.rows import rows_of
from include.stages.drift.profiling.binning import bin_edges
from include.stages.drift.profiling.column_profile import Profile
from include.stages.drift.profiling.counting import CategoryCounts, NumberCounts
from include.stages.drift.profiling.profiles import profile_days
from tests.builders import day

MONDAY = date(2026, 1, 5)
EDGES = bin_edges(np.random.default_rng(0).normal(size=5000))
DRIFT = {"reference_days": 14, "confirm": "1 of 1", "cooldown_days": 0, "min_rows": 30}


def date_of(number):
    """Return the n-th day since a Monday."""
    return (MONDAY + timedelta(days=number)).isoformat()


def numeric_profile(values, edges=EDGES, *, number=0, column="x", segment=""):
    """Return the profile of numbers."""
    values = np.asarray(values, dtype=np.float64)
    counts = NumberCounts(list(edges), [1])
    counts.add(values, [None])
    return Profile(date_of(number), segment, column, values.size, counts.of_group(0, 0))


def categorical_profile(labels, *, number=0, column="c", segment=""):
    """Return the profile of categories; None is missing."""
    counts = CategoryCounts([1])
    counts.add(pa.array(list(labels), pa.string()).dictionary_encode(), [None])
    return Profile(date_of(number), segment, column, len(labels), counts.of_group(0, 0))


def numeric_days(generator, days, rows, *, effect=0.0, shift=0.0, first=0, weekly=(0,) * 7):
    """Return profiles of days whose mean is moved by a draw of sd ``effect``, by ``shift`` and by the weekday's own shift."""
    means = generator.normal(shift, effect, days) if effect else np.full(days, float(shift))
    return [
        numeric_profile(generator.normal(mean + weekly[number % 7], 1, rows), number=number)
        for number, mean in enumerate(means, first)
    ]


def records(number, rows, generator, **changes):
    """Return rows of ``predictions`` of a day; a change is a value, or a function of the row's place."""
    base = {
        "ts": day(number).start, "day": day(number).days[0], "model_version": "1",
        "predicted": lambda _: ["earn", "acq", "grain"][int(generator.integers(3))],
        "confidence": lambda _: float(generator.uniform(0.4, 1)),
        "input_text": lambda _: "word " * max(1, int(generator.normal(20, 8))),
        "segment_desk": lambda place: ["eu", "us"][place % 2],
    } | changes  # fmt: skip
    return [
        {"trace_id": f"{number}-{place}"}
        | {name: value(place) if callable(value) else value for name, value in base.items()}
        for place in range(rows)
    ]


def fill(store, first, days, rows=60, seed=0, **changes):
    """Store and profile some days of predictions."""
    generator = np.random.default_rng([seed, first])
    for number in range(first, first + days):
        found = rows_of(store.loop, "predictions", records(number, rows, generator, **changes))
        store.replace_where("predictions", found, "day", day(number).days)
    profile_days(store, Interval(day(first).start, day(first + days - 1).end))
