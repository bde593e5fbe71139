"""Counts of parts add up to the counts of all rows, whatever the parts, their order and their names."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.foundation.errors import ContractError
from include.stages.drift.profiling.counting import BLOCK, BUCKETS, MOST_CATEGORIES, CategoryCounts, NumberCounts
from include.stages.drift.profiling.merging import merged
from tests.include.stages.drift.drift_builders import EDGES, categorical_profile, numeric_profile

FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=32)
NAMES = [f"name {number}" for number in range(MOST_CATEGORIES + 200)]


def counted(profile):
    """Return the parts of a profile that merge exactly."""
    return profile.rows, profile.nulls, profile.values.counts, profile.values.edges, profile.values.categories


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(FLOATS, max_size=30), min_size=1, max_size=5))
def test_merged_numeric_profiles_equal_the_profile_of_the_union(parts):
    together = numeric_profile(np.concatenate([np.array(part, dtype=float) for part in parts]))
    union = merged([numeric_profile(part) for part in parts])
    assert counted(union) == counted(together)
    assert union.values.total == pytest.approx(
        together.values.total, rel=1e-9, abs=1e-6 * together.values.total_squared**0.5
    )
    assert union.values.total_squared == pytest.approx(together.values.total_squared, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["a", "b", "", None]), max_size=20), min_size=1, max_size=5))
def test_merged_categorical_profiles_equal_the_profile_of_the_union(parts):
    together = categorical_profile([value for part in parts for value in part])
    union = merged([categorical_profile(part) for part in parts])
    assert counted(union) == counted(together)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, len(NAMES)), st.integers(0, len(NAMES) - 1), st.randoms())
def test_many_categories_are_counted_in_buckets_that_merge_exactly(first, second, random):
    """Some parts have more than a thousand names and some fewer: buckets are a function of the name alone."""
    names, others = NAMES[:first], NAMES[second:]
    random.shuffle(names)
    together = categorical_profile(names + others)
    union = merged([categorical_profile(names), categorical_profile(others)])
    assert counted(union) == counted(together)
    assert sum(union.values.counts) == len(names) + len(others)
    assert len(union.values.counts) <= max(BUCKETS, MOST_CATEGORIES)


def test_batches_of_one_day_give_the_same_as_one_batch_in_another_order():
    generator = np.random.default_rng(0)
    labels = generator.choice(NAMES, 3000).tolist()
    counts = CategoryCounts([1])
    for start in range(0, 3000, 700):
        counts.add(pa.array(labels[start : start + 700][::-1]).dictionary_encode(), [None])
    assert counts.of_group(0, 0).counts == categorical_profile(labels).values.counts


def test_groups_are_counted_as_if_they_were_counted_separately():
    generator = np.random.default_rng(1)
    rows = 2 * BLOCK + 17
    values = generator.normal(size=rows)
    values[::11] = np.nan
    labels = np.array(["a", "b", "c", None], dtype=object)[generator.integers(4, size=rows)]
    codes = generator.integers(3, size=rows)
    numbers, names = NumberCounts(EDGES, [1, 3]), CategoryCounts([1, 3])
    numbers.add(values, [None, codes])
    names.add(pa.array(labels, pa.string()).dictionary_encode(), [None, codes])
    for group in range(3):
        expected = numeric_profile(values[codes == group]).values
        counts = numbers.of_group(1, group)
        assert counts.counts == expected.counts
        assert counts.total == pytest.approx(expected.total)
        assert counts.total_squared == pytest.approx(expected.total_squared)
        assert names.of_group(1, group).counts == categorical_profile(list(labels[codes == group])).values.counts
    assert numbers.of_group(0, 0).counts == numeric_profile(values).values.counts


def test_sums_and_bins_are_those_of_the_finite_values():
    values = np.array([1.0, -2.0, np.nan, np.inf, -np.inf])
    profile = numeric_profile(values, [-np.inf, 0.0, np.inf])
    assert profile.values.counts == [1, 1]
    assert profile.nulls == 3
    assert (profile.values.total, profile.values.total_squared) == (-1.0, 5.0)


def test_dictionary_larger_than_what_is_used_of_it_costs_no_name():
    dictionary = pa.array(NAMES)
    counts = CategoryCounts([1])
    counts.add(pa.DictionaryArray.from_arrays(pa.array([5, 5, None, 7], pa.int32()), dictionary), [None])
    assert counts.of_group(0, 0).categories == ["name 5", "name 7"]


def test_most_frequent_names_come_first_and_ties_by_name():
    counts = CategoryCounts([1])
    counts.add(pa.array(["b", "a", "c", "c", None]).dictionary_encode(), [None])
    assert counts.most_frequent(2) == ["c", "a"]


def test_most_frequent_names_are_known_until_there_are_too_many():
    names = pa.array([*NAMES, NAMES[7]]).dictionary_encode()
    for most, expected in ((len(NAMES), [NAMES[7]]), (len(NAMES) - 1, [])):
        counts = CategoryCounts([1], most)
        counts.add(names, [None])
        assert counts.most_frequent(1) == expected


def test_merging_profiles_of_different_bins_is_refused():
    profiles = [numeric_profile(np.ones(3), [-np.inf, 0, np.inf]), numeric_profile(np.ones(3))]
    with pytest.raises(ContractError, match="different bins"):
        merged(profiles)


def test_profile_without_values_merges_with_any_bins():
    empty = numeric_profile(np.full(4, np.nan), [-np.inf, np.inf])
    union = merged([empty, numeric_profile(np.zeros(3))])
    assert (union.rows, union.nulls, sum(union.values.counts)) == (7, 4, 3)
    assert union.values.edges == EDGES


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [[1.79e308] * 3, [1.79e308, -1.79e308, 1.0], [1e200, np.nan, np.inf]])
def test_sums_of_the_largest_numbers_are_finite(values):
    counts = NumberCounts([-np.inf, 0.0, 1.0, np.inf], [1, 2])
    counts.add(np.array(values), [None, np.array([0, 1, 1])])
    for grouping, group in ((0, 0), (1, 0), (1, 1)):
        found = counts.of_group(grouping, group)
        assert np.isfinite([found.total, found.total_squared]).all()
    assert sum(counts.of_group(0, 0).counts) == np.isfinite(values).sum()
