"""What is measured of texts and vectors."""

import numpy as np
import pyarrow as pa
import pytest

from include.stages.drift.profiling.columns import PROJECTIONS, source_columns, vector_numbers
from include.stages.drift.profiling.vocabulary import WORD_BUCKETS, Vocabulary, add_words, text_numbers
from tests.builders import make_loop

UNKNOWN_WORDS = "unknown_words@first"


def vocabulary(*texts, day="first"):
    counts = np.zeros(WORD_BUCKETS, dtype=np.int64)
    add_words(counts, pa.array(texts, pa.string()))
    return Vocabulary((day,), counts)


def test_text_is_measured_in_characters_and_words():
    measures = text_numbers(pa.array(["Grüße, an alle!", "", " - ", None]), [], "later")
    np.testing.assert_array_equal(measures["characters"], [15, 0, 3, np.nan])
    np.testing.assert_array_equal(measures["words"], [3, 0, 0, np.nan])
    assert set(measures) == {"characters", "words"}


def test_share_of_unknown_words_ignores_case_and_punctuation_and_is_missing_without_words():
    words = vocabulary("wheat prices rise", None, "")
    measures = text_numbers(pa.array(["Wheat; PRICES?", "wheat mooned", "mooned mooned", "", None]), [words], "later")
    np.testing.assert_array_equal(measures[UNKNOWN_WORDS], [0, 0.5, 1, np.nan, np.nan])


def test_first_day_knows_only_words_of_its_other_texts():
    texts = ["wheat rises rises", "wheat falls"]
    words = vocabulary(*texts)
    np.testing.assert_allclose(text_numbers(pa.array(texts), [words], "first")[UNKNOWN_WORDS], [2 / 3, 1 / 2])
    np.testing.assert_allclose(text_numbers(pa.array(texts), [words], "later")[UNKNOWN_WORDS], [0, 0])


def test_first_day_is_as_unknown_as_a_later_day_of_the_same_texts():
    """Analytic anchor: leaving a text's own words out makes the first day exchangeable with later ones."""
    generator = np.random.default_rng(0)
    draw = [" ".join(f"w{word}" for word in generator.zipf(1.5, 12) % 5000) for _ in range(4000)]
    words = vocabulary(*draw[:2000])
    first = text_numbers(pa.array(draw[:2000]), [words], "first")[UNKNOWN_WORDS].mean()
    later = text_numbers(pa.array(draw[2000:]), [words], "later")[UNKNOWN_WORDS].mean()
    assert first == pytest.approx(later, abs=0.003)
    assert later > 0.02


def test_dictionary_encoded_texts_give_the_same_numbers():
    texts = pa.array(["a b", None, "a b", "", "c", "a b", "a b"])
    words = vocabulary("a")
    plain, coded = (text_numbers(values, [words], "later") for values in (texts, texts.dictionary_encode()))
    for name, values in plain.items():
        np.testing.assert_array_equal(coded[name], values)


@pytest.mark.parametrize("values", [[], [None], [None, None, None]], ids=len)
def test_texts_that_are_missing_are_nan(values):
    for texts in (pa.array(values, pa.string()), pa.array(values, pa.string()).dictionary_encode()):
        for numbers in text_numbers(texts, [vocabulary("a")], "later").values():
            assert len(numbers) == len(values)
            assert np.isnan(numbers).all()


def test_vectors_are_measured_by_mean_norm_and_projections():
    measures = vector_numbers(pa.array([[3.0, 4.0], None, [], [1.0, None], [0.0, 0.0, 6.0]]))
    np.testing.assert_array_equal(measures["mean"], [3.5, np.nan, np.nan, np.nan, 2])
    np.testing.assert_array_equal(measures["norm"], [5, np.nan, np.nan, np.nan, 6])
    assert len(measures) == 2 + PROJECTIONS
    assert abs(measures["projection1"][0]) in (pytest.approx(7 / 2**0.5), pytest.approx(1 / 2**0.5))
    assert np.isnan(measures["projection1"][1:4]).all()


def test_projections_are_fixed_linear_and_of_the_vectors_scale():
    generator = np.random.default_rng(3)
    vectors = generator.normal(size=(500, 64))
    once, repeated, twice = (vector_numbers(pa.array(list(rows))) for rows in (vectors, vectors, 2 * vectors))
    for number in range(1, PROJECTIONS + 1):
        name = f"projection{number}"
        np.testing.assert_array_equal(once[name], repeated[name])
        np.testing.assert_allclose(twice[name], 2 * once[name])
        assert once[name].std() == pytest.approx(1, abs=0.15)
    assert abs(np.corrcoef(once["projection1"], once["projection2"])[0, 1]) < 0.5


def test_row_order_does_not_matter_to_a_row():
    vectors = [[1.0, 2.0], None, [3.0, 4.0, 5.0], [6.0, 7.0]]
    forward, backward = vector_numbers(pa.array(vectors)), vector_numbers(pa.array(vectors[::-1]))
    for name, values in forward.items():
        np.testing.assert_allclose(values, backward[name][::-1])


def test_day_is_no_column_that_is_read(tmp_path):
    assert "day" not in source_columns(make_loop(tmp_path))


@pytest.mark.filterwarnings("error")
def test_measures_of_the_largest_numbers_are_large_and_not_missing():
    measures = vector_numbers(pa.array([[1.79e308, 1.79e308], [-1.79e308, 1.0], [1e200, 1e200], [3.0, 4.0]]))
    assert all(np.isfinite(values).all() for values in measures.values())
    assert measures["norm"][3] == 5
    assert measures["norm"][0] > 1e38
