import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.errors import ContractError
from include.foundation.store.rows import rows_of
from include.stages.selection.content import content_key, content_keys, features, identity_key
from tests.include.stages.selection.selection_builders import make_selection_loop, prediction_row, prediction_rows

TEXT = make_selection_loop()
VECTOR = make_selection_loop(inputs={"pixels": {"type": "vector", "size": 3}})
SOME_VECTORS = make_selection_loop(inputs={"pixels": {"type": "vector", "size": 3, "required": False}})
NUMERIC = make_selection_loop(inputs={"amount": {"type": "numeric"}, "age": {"type": "numeric", "required": False}})
CATEGORY = make_selection_loop(inputs={"grade": {"type": "categorical"}})


def row_without_text(number: int, **inputs: Any) -> dict[str, Any]:
    row = prediction_row(number)
    del row["input_text"]
    return row | inputs


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Net 12 mln!", "net 34  MLN"),
        ("oil_price", "Oil price."),
        ("  wheat\n", "wheat"),
        ("STRASSE", "straße"),
        ("e\u0301tude", "étude"),
        ("great  :)", "Great :)!"),
    ],
)
def test_content_key_of_trivially_equal_texts_is_the_same(one, other):
    assert content_key(TEXT, {"input_text": one}) == content_key(TEXT, {"input_text": other})


@pytest.mark.parametrize(("one", "other"), [
        ("wheat", "wheats"), ("net", "net 1"), ("a b", "ab"), ("", None), ("👍", "👎"), ("great 👍", "great 👎"),
        ("", "?!"), ("?", "!"), (":)", ":("), ("fine :-)", "fine :-("), ("C++", "C#"), ("C", "C#"), ("a > b", "a < b"),
        ("कि", "का"), ("نعم", "لا"), ("...", "…?"), ("50%", "50"), ("±", "÷"),
    ],
)  # fmt: skip
def test_content_key_of_different_texts_differs(one, other):
    assert content_key(TEXT, {"input_text": one}) != content_key(TEXT, {"input_text": other})


@pytest.mark.parametrize(
    ("one", "other"),
    [([1.0, 2.0, 3.0], [1.0000001, 2.0, 3.0]), ([1, 2, 3], [1.0, 2.0, 3.0]), ([0.0, 1.0, 2.0], [-0.0, 1.0, 2.0])],
)
def test_content_key_of_nearly_equal_numbers_is_the_same(one, other):
    assert content_key(VECTOR, {"input_pixels": one}) == content_key(VECTOR, {"input_pixels": other})


def test_content_key_of_numbers_that_differ_in_six_digits_differs():
    keys = {content_key(VECTOR, {"input_pixels": [value, 0.0, 0.0]}) for value in (1.0, 1.00001, 2.0)}
    assert len(keys) == 3


def test_content_key_of_a_missing_input_counts_as_null():
    assert content_key(TEXT, {}) == content_key(TEXT, {"input_text": None})


def test_content_key_ignores_what_is_no_input():
    assert content_key(TEXT, prediction_row(1)) == content_key(TEXT, prediction_row(1, trace_id="other", predicted="x"))


@given(st.text())
def test_content_key_is_a_fixed_point_of_case_and_spaces(text):
    key = content_key(TEXT, {"input_text": text})
    assert len(key) == 32
    assert key == content_key(TEXT, {"input_text": f"  {text} "})
    assert key == content_key(TEXT, {"input_text": unicodedata.normalize("NFD", text)})


@given(st.text(), st.text())
def test_rows_of_one_identity_are_near_duplicates_and_only_the_same_text_is_one_identity(one, other):
    rows = [{"input_text": text} for text in (one, other)]
    is_one = unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
    assert (identity_key(TEXT, rows[0]) == identity_key(TEXT, rows[1])) == is_one
    assert not is_one or content_key(TEXT, rows[0]) == content_key(TEXT, rows[1])


@given(st.text(min_size=1))
def test_nothing_that_is_left_of_a_text_is_dropped(text):
    is_nothing = not text.strip()
    assert (content_key(TEXT, {"input_text": text}) == content_key(TEXT, {"input_text": ""})) == is_nothing


def test_content_keys_of_a_table_are_those_of_its_rows():
    rows = prediction_rows(3)
    table = rows_of(TEXT, "predictions", rows)
    assert content_keys(TEXT, table) == [content_key(TEXT, row) for row in rows]


def unit_rows(loop: Loop, rows: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    vectors: NDArray[np.float64] = features(loop, rows_of(loop, "predictions", rows)).toarray()
    assert vectors.shape[0] == len(rows)
    assert np.isfinite(vectors).all()
    return vectors


def test_features_of_texts_are_unit_vectors_that_tell_them_apart():
    vectors = unit_rows(TEXT, prediction_rows(5))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(5))
    assert (vectors @ vectors.T)[~np.eye(5, dtype=bool)].max() < 0.95


def test_features_use_the_embedding_when_every_row_has_one():
    rows = [prediction_row(number, embedding=[1.0, float(number)]) for number in range(3)]
    assert unit_rows(TEXT, rows).shape == (3, 2)


@pytest.mark.parametrize("other", [None, [1.0, 2.0, 3.0]])
def test_features_fall_back_to_the_inputs_when_embeddings_do_not_compare(other):
    rows = [prediction_row(0, embedding=[1.0, 2.0]), prediction_row(1, embedding=other)]
    assert unit_rows(TEXT, rows).shape[1] > 3


def test_features_of_a_vector_with_one_row_are_finite():
    assert np.isfinite(unit_rows(VECTOR, [row_without_text(0, input_pixels=[1.0, 2.0, 3.0])])).all()


def test_features_of_numbers_tell_apart_what_has_the_same_sign():
    rows = [row_without_text(place, input_amount=float(place), input_age=30.0) for place in range(12)]
    vectors = unit_rows(NUMERIC, rows)
    assert (vectors @ vectors.T)[~np.eye(12, dtype=bool)].max() < 0.95


def test_features_of_equal_numbers_are_equal():
    rows = [row_without_text(place, input_amount=amount, input_age=1.0) for place, amount in enumerate((5.0, 5.0, 9.0))]
    vectors = unit_rows(NUMERIC, rows)
    assert vectors[0] @ vectors[1] == pytest.approx(1)


def test_features_put_a_missing_number_in_the_middle():
    ages = (1000.0, 1001.0, None, 1002.0)
    rows = [row_without_text(place, input_amount=0.0, input_age=age) for place, age in enumerate(ages)]
    vectors = unit_rows(NUMERIC, rows)
    assert vectors[2] @ vectors[1] == pytest.approx(1)


def test_features_of_a_number_nobody_gave_are_finite():
    vectors = unit_rows(NUMERIC, [row_without_text(place, input_amount=float(place)) for place in range(3)])
    assert np.isfinite(vectors).all()


def test_features_of_one_letter_categories_tell_them_apart():
    vectors = unit_rows(CATEGORY, [row_without_text(place, input_grade=grade) for place, grade in enumerate("AAB")])
    assert vectors @ vectors.T == pytest.approx(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]]))


def test_features_put_a_missing_vector_in_the_middle():
    vectors = [[0.0, 1.0, 2.0], [2.0, 3.0, 4.0], None, [4.0, 5.0, 6.0]]
    found = unit_rows(SOME_VECTORS, [row_without_text(place, input_pixels=one) for place, one in enumerate(vectors)])
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 0, 0, 1])
    assert found[0] @ found[3] == pytest.approx(-1)
    assert not unit_rows(SOME_VECTORS, [row_without_text(0)]).any()


def test_features_of_numbers_are_as_alike_as_their_distance_says():
    """About exp(-4 d), where d is the mean squared distance in standard deviations."""
    amounts = np.linspace(-1, 1, 21)
    rows = [row_without_text(place, input_amount=float(one), input_age=1.0) for place, one in enumerate(amounts)]
    found = unit_rows(NUMERIC, rows)
    scaled = amounts / amounts.std()
    expected = np.exp(-4 * (scaled[:, None] - scaled[None, :]) ** 2 / 2)
    assert np.abs(found @ found.T - expected).max() < 0.2


def test_vectors_of_another_size_are_refused_in_words():
    rows = [{"trace_id": "t1", "input_pixels": [1.0, 2.0, 3.0]}, {"trace_id": "t2", "input_pixels": [1.0]}]
    with pytest.raises(ContractError, match=r"inputs\.pixels\.size: got 3, but stored rows have vectors of 1 numbers"):
        features(VECTOR, rows_of(VECTOR, "predictions", rows))
