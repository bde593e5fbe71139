"""The statistics of days: known values, what they must not depend on, and degenerate profiles."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from include.stages.drift.comparing.day_statistics import missing_statistics, value_statistics
from include.stages.drift.profiling.binning import bin_edges
from include.stages.drift.profiling.column_profile import NO_BINS
from tests.include.stages.drift.drift_builders import categorical_profile, numeric_days, numeric_profile


def only(statistics, name):
    return statistics.natural[:, statistics.names.index(name)]


def test_pooled_reference_stands_at_zero():
    reference = numeric_days(np.random.default_rng(0), 10, 300)
    statistics = value_statistics(reference)
    weights = statistics.rows / statistics.rows.sum()
    np.testing.assert_allclose(weights @ statistics.values, 0, atol=0.01)
    assert (weights @ statistics.values)[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("shift", [0.1, 0.2, 0.5, 1.0])
def test_location_is_cliffs_delta(shift):
    """Independent recomputation by the Mann-Whitney U statistic of the raw rows; the anchor is that of two normals."""
    generator = np.random.default_rng(1)
    rows, moved = generator.normal(size=4000), generator.normal(shift, 1, 4000)
    edges = bin_edges(rows)
    statistics = value_statistics([numeric_profile(rows, edges)], [numeric_profile(moved, edges)])
    u = stats.mannwhitneyu(moved, rows).statistic
    assert only(statistics, "location")[0] == pytest.approx(2 * u / 4000**2 - 1, abs=0.01)
    assert only(statistics, "location")[0] == pytest.approx(2 * stats.norm.cdf(shift / 2**0.5) - 1, abs=0.04)


def test_each_change_shows_in_its_own_statistic():
    generator = np.random.default_rng(2)
    reference = [numeric_profile(generator.normal(size=20_000))]
    halves = np.where(generator.random(20_000) < 0.5, -0.6745, 0.6745) + generator.normal(0, 0.05, 20_000)
    changed = {
        "location": generator.normal(0.3, 1, 20_000),
        "spread": generator.normal(0, 1.5, 20_000),
        "shape": halves,
    }
    for name, values in changed.items():
        statistics = value_statistics(reference, [numeric_profile(values)])
        largest = statistics.names[int(np.abs(statistics.values[0]).argmax())]
        assert largest == name
        assert np.abs(only(statistics, name)[0]) > 0.1


def test_monotone_transformation_and_row_order_change_nothing():
    generator = np.random.default_rng(3)
    rows, window = generator.normal(size=1000), generator.normal(0.3, 1.2, 500)
    transformed = []
    for move in (lambda x: x, np.exp, lambda x: 1000 * x**3 - 5):
        exact = [-np.inf, *np.sort(move(rows))[50:951:50].tolist(), np.inf]
        reference = numeric_profile(move(rows), exact)
        current = numeric_profile(move(generator.permutation(window)), exact)
        transformed.append(value_statistics([reference], [current]).values)
    np.testing.assert_allclose(transformed[1], transformed[0])
    np.testing.assert_allclose(transformed[2], transformed[0])


def test_sampling_variance_is_that_of_repeated_draws():
    generator = np.random.default_rng(4)
    reference = numeric_days(generator, 28, 2000)
    draws = value_statistics(reference, numeric_days(generator, 400, 200))
    np.testing.assert_allclose(draws.values.var(axis=0), draws.row_variance / 200, rtol=0.3)
    np.testing.assert_allclose(draws.row_variance, 1 / 3, rtol=0.05)


def test_arcsine_share_has_the_variance_stated_whatever_the_share():
    generator = np.random.default_rng(5)
    for share in (0.1, 0.5):
        days = [categorical_profile((generator.random(400) < share).astype(int).astype(str)) for _ in range(400)]
        statistics = value_statistics(days)
        assert statistics.values[:, 0].var() == pytest.approx(statistics.row_variance[0] / 400, rel=0.25)


def test_shares_of_common_rare_and_unseen_categories():
    reference = [categorical_profile(["a"] * 600 + ["b"] * 396 + ["c"] * 4)] * 2
    statistics = value_statistics(reference, [categorical_profile(["a"] * 50 + ["c"] * 20 + ["z"] * 30 + [None] * 100)])
    assert statistics.names == ["a", "b", "rare", "unseen"]
    np.testing.assert_allclose(statistics.natural[0], [0.5, 0, 0.2, 0.3])
    assert statistics.rows[0] == 100
    assert statistics.distance[0] == pytest.approx((0.1 + 0.396 + 0.196 + 0.3) / 2)


def test_new_names_of_each_reference_day_are_ordinary():
    """If a reference day knew its own names, a column with new names every day would always be flagged."""
    days = [categorical_profile(["a"] * 90 + [f"{number}-{n}" for n in range(10)]) for number in range(14)]
    window = [categorical_profile(["a"] * 90 + [f"w-{n}" for n in range(10)])]
    np.testing.assert_allclose(only(value_statistics(days), "unseen"), 0.1)
    np.testing.assert_allclose(only(value_statistics(days, window), "unseen"), 0.1)


def test_names_and_buckets_of_names_are_compared_as_buckets():
    many = [f"n{number}" for number in range(1500)]
    days = [categorical_profile(many), categorical_profile(many[:900])]
    statistics = value_statistics(days, [categorical_profile(many[:900])])
    assert only(statistics, "unseen")[0] == 0
    assert statistics.natural.sum() == pytest.approx(1)


def test_constant_that_moves_has_the_largest_effect():
    edges = bin_edges(np.ones(50))
    reference = [numeric_profile(np.ones(50), edges)]
    for value, delta in ((2.0, 1), (0.0, -1), (1.0, 0)):
        statistics = value_statistics(reference, [numeric_profile(np.full(50, value), edges)])
        assert only(statistics, "location")[0] == delta


def test_missing_share_counts_every_row():
    days = [categorical_profile([None] * 3 + ["a"]), numeric_profile([np.nan, np.inf, 1.0, 2.0])]
    np.testing.assert_allclose(missing_statistics(days).natural[:, 0], [0.75, 0.5])


class TestBeyondTheBins:
    """A column whose values have left the range of its bins, which are those of `EDGES`, is judged by its moments."""

    AWAY = 1000

    def days(self, move, generator, count=14, rows=20_000):
        return [numeric_profile(move(generator.normal(size=rows)), number=number) for number in range(count)]

    @pytest.mark.parametrize("shift", [-0.5, 0.1, 1.0])
    def test_location_is_cliffs_delta_of_normals(self, shift):
        reference = self.days(lambda x: 3 * x + self.AWAY, np.random.default_rng(0))
        window = self.days(lambda x: 3 * (x + shift) + self.AWAY, np.random.default_rng(1), 1)
        expected = 2 * stats.norm.cdf(shift / 2**0.5) - 1
        assert only(value_statistics(reference, window), "location")[0] == pytest.approx(expected, abs=0.02)

    @pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
    def test_spread_is_that_of_the_ranks_of_normals(self, factor):
        generator = np.random.default_rng(2)
        within = value_statistics(self.days(lambda x: x, generator), self.days(lambda x: factor * x, generator, 1))
        beyond = value_statistics(
            self.days(lambda x: x + self.AWAY, generator), self.days(lambda x: factor * x + self.AWAY, generator, 1)
        )
        assert only(beyond, "spread")[0] == pytest.approx(only(within, "spread")[0], abs=0.04)  # bins are coarse
        assert len(beyond.names) == len(within.names) - 1

    def test_unit_and_order_change_nothing_and_the_pooled_reference_stands_at_zero(self):
        values = np.random.default_rng(3).normal(self.AWAY, 1, (15, 500))
        transformed = [
            value_statistics([numeric_profile(move(day)) for day in values]).values
            for move in (lambda x: x, lambda x: 7 * x + 1e6, lambda x: x[::-1])
        ]
        np.testing.assert_allclose(
            transformed[1], transformed[0], atol=1e-4
        )  # squares of numbers far from 0 lose digits
        np.testing.assert_allclose(transformed[2], transformed[0], atol=1e-9)
        assert transformed[0].mean(axis=0) == pytest.approx([0, 0], abs=0.01)

    def test_sampling_variance_is_that_of_repeated_draws(self):
        days = self.days(lambda x: x + self.AWAY, np.random.default_rng(4), 500, 200)
        statistics = value_statistics(days)
        np.testing.assert_allclose(statistics.values.var(axis=0) * 200, statistics.row_variance, rtol=0.2)

    @pytest.mark.parametrize("value", [50.0, -50.0, 1.7e9])
    def test_constant_stays_and_one_that_moves_has_the_largest_effect(self, value):
        reference = [numeric_profile(np.full(100, value), number=number) for number in range(14)]
        same, moved = (value_statistics(reference, [numeric_profile(np.full(90, at))]) for at in (value, value * 1.1))
        assert np.abs(same.values).max() < 1e-6
        assert only(moved, "location")[0] == pytest.approx(np.sign(value), abs=1e-6)

    def test_squares_that_are_no_numbers_leave_the_ranks(self):
        days = [numeric_profile(np.full(100, 1e200), number=number) for number in range(14)]
        assert value_statistics(days).names == ["location", "spread"]
        stored_before = [replace(day, values=replace(day.values, total_squared=np.inf)) for day in days]
        assert value_statistics(stored_before).names == ["location", "spread", "shape"]

    def test_days_without_bins_are_compared_by_mean_and_deviation(self):
        generator = np.random.default_rng(9)
        reference = [numeric_profile(generator.normal(5, 1, 12), NO_BINS, number=number) for number in range(14)]
        same, moved = (
            value_statistics(reference, [numeric_profile(generator.normal(mean, 1, 12), NO_BINS)]) for mean in (5, 8)
        )
        assert same.names == ["location", "spread"]
        assert only(moved, "location")[0] > 0.9 > abs(only(same, "location")[0])
