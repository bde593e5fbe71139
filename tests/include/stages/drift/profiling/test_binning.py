"""Bins: at quantiles, with room for repeated values, and the same count by grid as by comparison."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.stages.drift.profiling.binning import BINS, Binning, bin_edges

SAMPLES = {
    "normal": np.random.default_rng(1).normal(size=4000),
    "lognormal": np.random.default_rng(2).lognormal(0, 1, 4000),
    "heavy": np.random.default_rng(3).standard_cauchy(4000) ** 3,
    "integers": np.random.default_rng(4).integers(0, 90, 4000).astype(float),
    "flag": np.random.default_rng(5).integers(0, 2, 4000).astype(float),
    "huge": np.random.default_rng(6).normal(size=4000) * 1e300,
    "far from zero": 1e15 + np.random.default_rng(7).normal(size=4000),
    "two points": np.array([0.0, 1.0]),
}


def bins_of(sample, values):
    binning = Binning(bin_edges(sample))
    return binning.bin_of_cell[binning.cells(values)].tolist()


@pytest.mark.parametrize("name", SAMPLES)
def test_edges_increase_and_cover_everything(name):
    edges = np.array(bin_edges(SAMPLES[name]))
    assert edges[0] == -np.inf
    assert edges[-1] == np.inf
    assert (np.diff(edges[1:-1]) > 0).all()
    assert Binning(edges.tolist()).cells(np.array([-1e308, 1e308])).min() >= 0


@pytest.mark.parametrize("name", ["normal", "lognormal", "heavy"])
def test_bins_of_a_continuous_sample_hold_about_equal_shares(name):
    values = SAMPLES[name]
    binning = Binning(bin_edges(values))
    shares = binning.counts(binning.cells(values)) / values.size
    assert shares.size == BINS
    assert shares.min() > 0.6 / BINS
    assert shares.max() < 1.4 / BINS


def test_normal_sample_is_binned_by_the_grid():
    binning = Binning(bin_edges(SAMPLES["normal"]))
    assert binning.bin_of_cell.size > BINS


@pytest.mark.parametrize("value", [-3.0, 0.0, 7.0, 1e-300, 0.1, 1.7e308])
def test_constant_has_a_bin_of_its_own(value):
    step = abs(value) * 1e-6 or 5e-324
    around = np.array([value - step, value, value + step])
    assert bins_of(np.full(50, value), around) == [0, 1, 2]


@pytest.mark.parametrize("value", [0.1, -1 / 3, 1e30, 123456.789, 5e-30])
def test_constant_in_single_precision_is_the_same_constant(value):
    assert bins_of(np.full(50, value), np.array([np.float32(value)], dtype=np.float64)) == [1]
    assert bins_of(np.full(50, np.float64(np.float32(value))), np.array([value])) == [1]


def test_repeated_values_that_single_precision_would_not_tell_apart_are_told_apart():
    values = 2.0**40 + np.arange(3)
    assert len(set(bins_of(np.repeat(values, 20), values))) == 3
    neighbours = np.array([1.0, np.nextafter(1.0, 2.0)])
    assert len(set(bins_of(np.repeat(neighbours, 20), neighbours))) == 2


def test_no_finite_value_gives_one_bin():
    assert bin_edges(np.array([np.nan, np.inf])) == [-np.inf, np.inf]
    assert bin_edges(np.array([])) == [-np.inf, np.inf]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=40))
def test_counts_equal_those_by_comparison_but_for_rounding_at_an_edge(name, extra):
    """Independent recomputation; a value within rounding of a grid edge may fall on its other side, on every day alike."""
    edges = np.array(bin_edges(SAMPLES[name]))
    values = np.concatenate([SAMPLES[name][:200], np.clip(np.array(extra, dtype=float), -1e305, 1e305)])
    not_at_an_edge = np.abs(values[:, None] - edges[None, 1:-1]).min(axis=1) > 1e-9 * np.ptp(edges[1:-1])
    values = values[not_at_an_edge]
    binning = Binning(edges.tolist())
    bins = binning.bin_of_cell[binning.cells(values)]
    assert bins.tolist() == np.searchsorted(edges[1:-1], values, side="right").tolist()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2))
def test_a_larger_value_is_never_in_a_lower_bin(name, values):
    binning = Binning(bin_edges(SAMPLES[name]))
    bins = binning.bin_of_cell[binning.cells(np.sort(np.array(values)))]
    assert (np.diff(bins) >= 0).all()
