"""Shares of classes on labels: another mix is flagged, ordinary ones rarely."""

from datetime import timedelta

import numpy as np
import pytest

from include.stages.drift.monitors.label_drift import label_findings
from tests.builders import DAY, day, make_store
from tests.include.stages.drift.drift_builders import labeled


def test_other_mix_of_classes_is_flagged_and_the_same_mix_is_not(tmp_path):
    store = make_store(tmp_path)
    before = [labeled(n, after=timedelta(days=-9 - n % 8), label=["earn", "acq"][n // 8 % 2]) for n in range(80)]
    same = [labeled(n, label=["earn", "acq"][n % 2]) for n in range(80)]
    other = [labeled(n, label="earn") for n in range(80)]
    assert not any(finding.flagged for finding in label_findings(store, day(), before + same))
    findings = label_findings(store, day(), before + other)
    assert {finding.statistic for finding in findings if finding.flagged} == {"earn", "acq"}
    assert label_findings(store, day(), before + other[:5]) == []
    assert label_findings(store, day(), [row for row in before if row.ts > DAY - timedelta(days=15)] + other) == []


@pytest.mark.parametrize("effect", [0.0, 0.1])
def test_mix_of_ordinary_days_that_differ_is_rarely_flagged(tmp_path, effect):
    """A hundred windows of a week after four, forty labels a day, each day's share of a class moved by a draw."""
    store, generator, flagged = make_store(tmp_path), np.random.default_rng(2), 0
    for _ in range(100):
        shares = np.clip(generator.normal(0.5, effect, 35), 0.02, 0.98)
        rows = [
            labeled(n, after=timedelta(days=-number), label=["earn", "acq"][int(generator.random() < share)])
            for number, share in enumerate(shares)
            for n in range(40)
        ]
        flagged += any(finding.flagged for finding in label_findings(store, day(), rows))
    assert flagged / 100 <= 0.05 + 2 * (0.05 * 0.95 / 100) ** 0.5
