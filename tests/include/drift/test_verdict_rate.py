"""Whole verdicts on ordinary days: whatever is watched, together they keep the rate that the loop file states."""

from datetime import timedelta

import numpy as np

from include.drift.detection import detect_drift
from include.drift.findings import ALL_ROWS
from include.store.rows import rows_of
from tests.builders import CLASSES, DAY, day, make_store
from tests.include.drift.drift_builders import categorical_profile, numeric_profile

REFERENCE_DAYS, WINDOWS, ROWS, LABELS, EFFECT = 28, 150, 400, 20, 0.1
INPUTS = {f"x{number}": {"type": "numeric"} for number in range(6)}
CONFIDENCE = [-np.inf, *np.linspace(0.05, 0.95, 19).tolist(), np.inf]


def profiles_of(number, generator):
    """Return the profiles of a day whose columns, mix of classes and confidence are moved by draws of sd `EFFECT`."""
    found = []
    for segment in (ALL_ROWS, "desk=eu", "desk=us"):
        for name in INPUTS:
            values = generator.normal(generator.normal(0, EFFECT), 1, ROWS)
            found.append(numeric_profile(values, column=f"input_{name}", segment=segment))
        sure = np.clip(generator.normal(0.8 + generator.normal(0, EFFECT / 10), 0.1, ROWS), 0, 1)
        found.append(numeric_profile(sure, CONFIDENCE, column="confidence", segment=segment))
        mix = generator.choice(CLASSES, ROWS, p=shares(generator))
        found.append(categorical_profile(mix, column="predicted", segment=segment))
    return [profile | {"day": day(number).days[0]} for profile in found]


def shares(generator):
    drawn = np.exp(generator.normal(0, EFFECT, len(CLASSES)))
    return drawn / drawn.sum()


def labels_of(number, generator):
    rows = zip(range(LABELS), generator.choice(CLASSES, LABELS, p=shares(generator)), strict=True)
    return [
        {
            "label_id": f"{number}-{place}", "request_id": f"{number}-{place}", "trace_id": f"{number}-{place}",
            "label": str(name), "predicted": str(name), "decided_by": "majority", "origin": "annotation", "split": "holdout",
            "stratum": "random", "inclusion_probability": 0.05, "content_key": f"{number}-{place}", "model_version": "1",
            "ts": DAY + timedelta(days=number, hours=1), "decided_at": DAY + timedelta(days=number, hours=2),
            "segment_desk": "eu",
        }
        for place, name in rows
    ]  # fmt: skip


def test_ordinary_windows_are_flagged_by_all_monitors_together_in_at_most_the_rate_stated(tmp_path):
    """A hundred and fifty daily checks; the bound is the stated 5 % and three standard deviations of such a count."""
    generator, numbers = np.random.default_rng(0), range(REFERENCE_DAYS + WINDOWS)
    store = make_store(tmp_path, inputs=INPUTS, drift={"reference_days": REFERENCE_DAYS})
    profiles = [row for number in numbers for row in profiles_of(number, generator)]
    store.append_new("profiles", rows_of(store.loop, "profiles", profiles))
    labels = [row for number in numbers for row in labels_of(number, generator)]
    store.append_new("labels", rows_of(store.loop, "labels", labels))
    verdicts = [detect_drift(store, day(number)) for number in numbers[REFERENCE_DAYS:]]
    watched = {one["monitor"] for one in verdicts[-1].evidence["monitors"]}
    assert watched == {"estimated_performance", "label"}
    assert verdicts[-1].evidence["columns_judged"] == 3 * (len(INPUTS) + 2)
    flagged = sum(verdict.evidence["flagged"] for verdict in verdicts)
    assert flagged <= 0.05 * WINDOWS + 3 * np.sqrt(0.05 * 0.95 * WINDOWS)
    assert sum(verdict.outcome == "alarm" for verdict in verdicts) <= 1
