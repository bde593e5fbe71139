"""Quotas of random rows: as served, but no value of a segment below its quota, and every row can be drawn."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from include.stages.selection.quotas import allocated, drawn_places
from tests.include.stages.selection.selection_builders import say

DRAWS = 400


@given(
    st.dictionaries(st.text(max_size=3), st.integers(1, 2000), min_size=1, max_size=12), st.data(), st.integers(1, 50)
)
def test_values_get_their_quota_and_the_rest_as_served(sizes, data, fewest):
    n = data.draw(st.integers(0, sum(sizes.values())))
    rows = allocated(sizes, n, fewest)
    assert (rows is None) is (n < len(sizes))
    if rows is not None:
        kept = max(quota for quota in range(1, fewest + 1) if sum(min(quota, size) for size in sizes.values()) <= n)
        assert sum(rows.values()) == n
        assert all(min(kept, size) <= rows[value] <= size for value, size in sizes.items())
        assert rows == allocated(dict(reversed(sizes.items())), n, fewest)


def test_quota_that_proportions_exceed_changes_nothing():
    assert allocated({"a": 600, "b": 300, "c": 100}, 100, 5) == {"a": 60, "b": 30, "c": 10}


@pytest.mark.parametrize(
    ("values", "n"), [([], 5), (["a"] * 4, 4), (["a"] * 4, 9), ([None] * 9, 3), (list("abcdef"), 3)]
)
def test_probabilities_add_up_to_the_rows_drawn(values, n):
    places, chances = drawn_places(values, Counter(values), n, 2)
    assert len(places) == len(chances) == min(n, len(values))
    assert all(0 < chance <= 1 for chance in chances)
    sizes, drawn = Counter(values), Counter(values[place] for place in places)
    if len(sizes) <= n:
        assert chances == [drawn[values[place]] / sizes[values[place]] for place in places]
    else:
        assert chances == [n / len(values)] * n  # as without a quota


def test_every_row_is_drawn_as_often_as_its_probability_says():
    generator, values = np.random.default_rng(0), np.array(["a"] * 30 + ["b"] * 6 + ["c"] * 4)
    counts, stored = np.zeros(len(values)), np.zeros(len(values))
    for _ in range(DRAWS):
        order = generator.permutation(len(values))
        places, chances = drawn_places(values[order].tolist(), Counter(values.tolist()), 10, 3)
        counts[order[places]] += 1
        stored[order[places]] = chances
    assert set(zip(values.tolist(), stored.round(3).tolist(), strict=True)) == {("a", 0.133), ("b", 0.5), ("c", 0.75)}
    low, high = stats.binom.interval(1 - 1e-3 / len(values), DRAWS, stored)
    say(f"{DRAWS} draws, observed {counts.min() / DRAWS} to {counts.max() / DRAWS}")
    assert ((low <= counts) & (counts <= high)).all()
