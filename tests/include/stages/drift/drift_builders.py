"""Profiles and stored days for the tests of drift, made with the product's own counters."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from include.foundation.decisions.drift_verdict import ALL_ROWS, Finding
from include.foundation.intervals import Interval
from include.foundation.store.rows import rows_of
from include.stages.drift.comparing.column_findings import judged_columns
from include.stages.drift.comparing.column_line import ColumnLine
from include.stages.drift.comparing.day_statistics import DayStatistics
from include.stages.drift.monitors.labeled_rows import LabeledRow
from include.stages.drift.profiling.binning import bin_edges
from include.stages.drift.profiling.column_profile import Profile
from include.stages.drift.profiling.counting import CategoryCounts, NumberCounts
from include.stages.drift.profiling.profiles import profile_days
from include.stages.drift.windows import Window
from tests.builders import DAY, day

MONDAY = date(2026, 1, 5)
EDGES = bin_edges(np.random.default_rng(0).normal(size=5000))
DRIFT = {"reference_days": 14, "confirm": "1 of 1", "cooldown_days": 0, "min_rows": 30}


def judge_columns(*arguments, **named):
    """Return the findings of `judged_columns`."""
    return judged_columns(*arguments, **named).findings


def date_of(number):
    """Return the n-th day since a Monday."""
    return (MONDAY + timedelta(days=number)).isoformat()


def numeric_profile(values, edges=EDGES, *, number=0, column="x", segment=""):
    """Return the profile of a day's numbers."""
    values = np.asarray(values, dtype=np.float64)
    counts = NumberCounts(list(edges), [1])
    counts.add(values, [None])
    return Profile(date_of(number), segment, column, values.size, counts.of_group(0, 0))


def categorical_profile(labels, *, number=0, column="c", segment=""):
    """Return the profile of a day's categories; None is a missing value."""
    counts = CategoryCounts([1])
    counts.add(pa.array(list(labels), pa.string()).dictionary_encode(), [None])
    return Profile(date_of(number), segment, column, len(labels), counts.of_group(0, 0))


def numeric_days(generator, days, rows, *, effect=0.0, shift=0.0, first=0, weekly=(0,) * 7):
    """Return profiles of days whose means are ``shift``, plus a draw of sd ``effect``, plus the weekday's own shift."""
    means = generator.normal(shift, effect, days) if effect else np.full(days, float(shift))
    return [
        numeric_profile(generator.normal(mean + weekly[number % 7], 1, rows), number=number)
        for number, mean in enumerate(means, first)
    ]


def records(number, rows, generator, **changes):
    """Return a day's rows of ``predictions``; a change is a value, or a function of the row's place."""
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


def finding(monitor="data", segment=ALL_ROWS, statistic="location", *, flagged=True):
    """Return a finding on the column ``x``."""
    return Finding(
        monitor=monitor, column="x", segment=segment, statistic=statistic, effect=0.2, p_value=0.001, flagged=flagged,
        sentence="",
    )  # fmt: skip


def label_row(number, *, correct=True):
    """Return the row of ``labels`` that `labeled` is made of."""
    return {
        "label_id": f"l{number}", "request_id": f"r{number}", "trace_id": "t", "label": "earn", "content_key": "c",
        "predicted": "earn" if correct else "acq", "model_version": "2", "inclusion_probability": 0.5, "segment_desk": "eu",
        "stratum": "random", "split": "holdout", "decided_by": "majority", "origin": "annotation",
        "ts": DAY + timedelta(hours=1), "decided_at": DAY,
    }  # fmt: skip


def labeled(*, correct=True, after=timedelta(hours=1), label="earn", **changes):
    """Return a labeled row of version 2, predicted so long after `DAY`."""
    row = LabeledRow(DAY + after, label, label if correct else "acq", "2", None, 0.5, ("desk=eu",))
    return replace(row, **changes)


def store_confidence(store, level, segment=""):
    """Store profiles of confidence: 0.85 on the fourteen days before `DAY`, ``level`` on that day."""
    generator = np.random.default_rng(3)
    edges = [-np.inf, *np.linspace(0.05, 0.95, 19).tolist(), np.inf]
    rows = []
    for number in range(-14, 1):
        values = np.clip(generator.normal(0.85 if number else level, 0.05, 400), 0, 1)
        profile = numeric_profile(values, edges, column="confidence", segment=segment)
        rows.append(profile.to_row() | {"day": day(number).days[0]})
    store.append_new("profiles", rows_of(store.loop, "profiles", rows))


def stored_profiles(store, interval=None):
    """Return the stored profiles of a window, by default of `DAY`, and those of all other days, both by segment and column."""
    days = (interval or day()).days
    sides = ({}, {})
    for profile in map(Profile.from_row, store.read("profiles").to_pylist()):
        sides[profile.day not in days].setdefault((profile.segment, profile.column), []).append(profile)
    return sides


def stored_window(store):
    """Return the window `DAY`, with all other days that are stored as its reference."""
    current, reference = stored_profiles(store)
    return Window(day(), [], current, reference)


def fill(store, first, days, rows=60, seed=0, **changes):
    """Store and profile some days of predictions."""
    generator = np.random.default_rng([seed, first])
    for number in range(first, first + days):
        predictions = rows_of(store.loop, "predictions", records(number, rows, generator, **changes))
        store.replace_where("predictions", predictions, "day", day(number).days)
    profile_days(store, Interval(day(first).start, day(first + days - 1).end))


def column_line(values, *, name="location", row_variance=1e-6):
    """Return the line of a column of 100 rows a day, of which each day has one statistic."""
    values = np.asarray(values, dtype=float)[:, None]

    def days(values, first):
        ordinals = MONDAY.toordinal() + np.arange(first, first + len(values))
        rows, variance = np.full(len(values), 100.0), np.array([row_variance])
        return DayStatistics([name], values, values, np.zeros(len(values)), rows, variance, ordinals, [False])

    return ColumnLine(days(values, 0), days(np.zeros((1, 1)), len(values) + 6), by_weekday=False)


def walks(generator, count, autocorrelation):
    """Return 28 days of variance 1, (count, 28), each of which depends on the one before."""
    values = generator.normal(size=(count, 28))
    for number in range(1, 28):
        values[:, number] = (
            autocorrelation * values[:, number - 1] + np.sqrt(1 - autocorrelation**2) * values[:, number]
        )
    return values
