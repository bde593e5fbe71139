"""The benchmark of false alarms draws what raw rows would give, and its own rules hold on a small run."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchmarks.false_alarm_picture import draw
from benchmarks.false_alarms import Work, case, cases
from benchmarks.workloads.deployed_versions import verdicts_after_deployment
from benchmarks.workloads.judged_columns import alarms, false_alarms, raw_days, shifts_found
from benchmarks.workloads.judged_kinds import LIMIT, power, whole_verdicts
from benchmarks.workloads.kinds_of_days import ORDINARY, SHIFTS, daily_verdicts, drawn
from benchmarks.workloads.shifts import Shift, oracle_finds
from benchmarks.workloads.simulated_days import COLUMNS, EDGES, EFFECTS, INNER, Days
from include.stages.drift.profiling.binning import Binning

BY_NAME = {effect.name: effect for effect in EFFECTS}
NO_PEERS = Work(3, 0.02, 1, 2, 1, 0, 0)


def test_drawn_counts_have_the_law_of_binned_raw_rows():
    """Mean and covariance of the bins' counts, each from 1,500 days of raw rows and of drawn ones, under the same mean."""
    generator, rows, mean = np.random.default_rng(0), 200, 0.4
    binning = Binning(EDGES)
    raw = np.array([binning.counts(binning.cells(generator.normal(mean, 1, rows))) for _ in range(1500)])
    days = Days(BY_NAME["none"], rows, generator)
    days.means = lambda number, *, shifted: np.full(COLUMNS, mean)
    drawn = np.array([profile.values.counts for _ in range(75) for profile in days.profiles(0)])
    shares = np.diff(stats.norm.cdf(INNER - mean), prepend=0, append=1)
    covariance = rows * (np.diag(shares) - np.outer(shares, shares))
    for counts in (raw, drawn):
        np.testing.assert_allclose(counts.mean(axis=0), rows * shares, rtol=0.05)
        np.testing.assert_allclose(np.cov(counts.T), covariance, atol=4 * np.sqrt(2 / 1500) * covariance.max())


def test_raw_rows_for_the_peers_are_days_of_the_effect_with_the_shift_in_the_windows_only():
    reference, windows = next(raw_days(BY_NAME["shift"], 1000, 1, 3))
    assert (reference.shape, windows.shape) == ((28_000, COLUMNS), (3, 1000, COLUMNS))
    assert abs(reference.mean(axis=0)).max() < 0.04
    assert windows[:, :, :5].mean() == pytest.approx(0.2, abs=0.03)
    assert windows[:, :, 5:].mean() == pytest.approx(0.0, abs=0.03)


@pytest.mark.parametrize("name", ["none", "day-0.1", "weekday"])
def test_ordinary_windows_are_flagged_within_the_limit(name):
    assert stats.binomtest(false_alarms(BY_NAME[name], 1000, 60), 60, LIMIT, alternative="greater").pvalue > 0.001


def test_shift_is_found_and_a_month_without_one_raises_no_alarm():
    assert shifts_found(BY_NAME["shift"], 1000, 5) == 5
    assert alarms(BY_NAME["none"], 1000, 1 / 12) == 0


def test_lines_of_whole_verdicts_and_of_a_deployment_that_is_no_drift():
    line = whole_verdicts("deployment", verdicts_after_deployment, 1, 2)
    assert (line["case"], line["rate"], line["alarms"], line["trials"]) == ("deployment n=1000", 0.0, 0, 2)
    assert {"alarms_a_year", "low", "high", "limit"} <= set(line)
    kinds = {kind.name: kind for kind in (*ORDINARY, *SHIFTS)}
    assert {"ar", "t3", "trend", "month", "holiday", "volume"} <= set(kinds)
    found = power(kinds["power mean +0.5 sd"], 1, 7)
    assert (found["case"], found["rate"], found["confirmed"]) == ("power mean +0.5 sd n=1000", 1.0, 1.0)
    assert found["oracle"] == 1.0


def test_sixteen_shifts_and_more_are_in_the_columns_that_an_oracle_looks_at():
    """And an oracle finds none of them where nothing changes, but in a twentieth of the loops."""
    assert len(SHIFTS) >= 16
    for kind in SHIFTS:
        found = [
            oracle_finds(kind.shift or Shift(), drawn(kind, 3, np.random.default_rng([seed, 4])), 3)
            for seed in range(3)
        ]
        assert sum(found) >= 2, kind.name
    still = replace(SHIFTS[0], shift=Shift())
    found = [oracle_finds(Shift(), drawn(still, 3, np.random.default_rng(seed)), 3) for seed in range(60)]
    assert stats.binomtest(sum(found), 60, LIMIT, alternative="greater").pvalue > 0.01


@pytest.mark.parametrize("name", ["month", "holiday"])
def test_special_days_are_far_out_and_no_drift_where_the_loop_file_names_them(tmp_path, name):
    """The first of eight windows is on the ninth of February 2027, so the seventh is a pay-day."""
    kind = next(kind for kind in ORDINARY if kind.name == name)
    effects = kind.effects(np.random.default_rng(0), 500)
    assert (abs(effects).max(axis=1) > 4).sum() >= 8
    verdicts = list(daily_verdicts(kind, tmp_path, 8, np.random.default_rng(1)))
    assert sum(verdict.flagged for verdict in verdicts) <= 1
    if name == "month":
        assert [verdict.reference_days for verdict in verdicts] == [28] * 6 + [12] + [28]


def test_line_and_picture_of_a_run(tmp_path):
    lines = [case(effect, 1000, NO_PEERS) for effect in EFFECTS]
    assert [line["case"] for line in lines[-2:]] == ["shift n=1000", "shift+day n=1000"]
    assert {"alarms_a_year", "rate", "low", "high", "trials", "limit", "peers"} <= set(lines[0])
    assert lines[0]["peers"]["evidently"] is None
    draw(lines, LIMIT, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_cases_have_the_names_that_the_aims_have():
    names = [name for name, _ in cases(NO_PEERS)]
    assert {"ar", "t3", "trend", "month", "holiday", "volume", "deployment", "shift n=1000"} <= set(names)
    assert len(names) == len(set(names))
