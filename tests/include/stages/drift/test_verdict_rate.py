"""Whole verdicts on ordinary days: whatever is watched, together they keep the rate that the loop file states."""

import numpy as np

from benchmarks.workloads.ordinary_verdicts import NUMBERS, SEGMENTS, daily_verdicts

WINDOWS, RATE = 80, 0.05


def test_ordinary_windows_are_flagged_by_all_monitors_together_in_at_most_the_rate_stated(tmp_path):
    """Eighty daily checks; with the whole rate for each monitor it would be nine, and three alarms."""
    verdicts = list(daily_verdicts(tmp_path, WINDOWS, np.random.default_rng(0)))
    assert {finding.monitor for finding in verdicts[-1].monitors} == {"estimated_performance", "label"}
    assert verdicts[-1].columns_judged == len(SEGMENTS) * (len(NUMBERS) + 3)  # one more is all of them jointly
    flagged = sum(verdict.flagged for verdict in verdicts)
    assert flagged <= RATE * WINDOWS
    assert sum(verdict.outcome == "alarm" for verdict in verdicts) <= 1
