import numpy as np
import pytest

from include.foundation.statistics.entropy import effective_classes, relative_diversity


@pytest.mark.parametrize(
    ("counts", "effective"),
    [([5.0, 5.0], 2.0), ([7.0, 0.0], 1.0), ([0.0, 0.0], 1.0), ([2.0, 1.0, 1.0], 2 * 2**0.5), ([0.3, 0.3, 0.3], 3.0)],
)
def test_effective_classes_is_the_exponential_of_the_entropy(counts, effective):
    assert effective_classes(np.array(counts)) == pytest.approx(effective)


def test_relative_diversity_is_zero_of_one_class_and_one_of_the_same_shares():
    reference = np.array([50.0, 30.0, 20.0])
    assert relative_diversity(np.array([100.0, 0.0, 0.0]), reference).value == 0.0
    assert relative_diversity(reference * 2, reference).value == pytest.approx(1.0)


@pytest.mark.parametrize("shares", [(0.3, 0.2, 0.2, 0.1, 0.1, 0.1), (0.9, 0.1), (0.5, 0.5)])
def test_interval_is_rarely_below_half_where_nothing_is_lost(shares):
    generator = np.random.default_rng(3)
    highs = [
        relative_diversity(*(generator.multinomial(n, shares).astype(float) for n in (30, 30))).high for _ in range(50)
    ]
    assert sum(high < 0.5 for high in highs) <= 1


def test_few_rows_of_one_class_prove_nothing_and_many_do():
    reference = np.array([60.0, 30.0, 10.0])
    few, many = (relative_diversity(np.array([n, 0.0, 0.0]), reference).high for n in (2.0, 100.0))
    assert many < 0.3 < few
