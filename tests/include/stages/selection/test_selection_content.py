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
from include.stages.selection.content import content_key, former_key, group_key, keys_of, near_key
from include.stages.selection.vectors import features, vectors_of
from tests.include.stages.selection.selection_builders import make_selection_loop, prediction_row, prediction_rows

TEXT = make_selection_loop()
VECTOR = make_selection_loop(inputs={"pixels": {"type": "vector", "size": 3}})
SOME_VECTORS = make_selection_loop(inputs={"pixels": {"type": "vector", "size": 3, "required": False}})
NUMERIC = make_selection_loop(inputs={"amount": {"type": "numeric"}, "age": {"type": "numeric", "required": False}})
FORMER = "a6d1bab7ae1463f263a41c6c4bced335"
CATEGORY = make_selection_loop(inputs={"grade": {"type": "categorical"}})


def row_without_text(number: int, **inputs: Any) -> dict[str, Any]:
    row = prediction_row(number)
    del row["input_text"]
    return row | inputs


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Net 12 mln!", "net 12  MLN"),
        ("oil_price", "Oil price."),
        ("  wheat\n", "wheat"),
        ("STRASSE", "straße"),
        ("great  :)", "Great :)!"),
    ],
)
def test_texts_that_are_trivially_alike_are_near_duplicates_but_not_the_same_content(one, other):
    rows = [{"input_text": one}, {"input_text": other}]
    assert len({near_key(TEXT, row) for row in rows}) == 1
    assert len({content_key(TEXT, row) for row in rows}) == 2


@pytest.mark.parametrize(("one", "other"), [
        ("wheat", "wheats"), ("net", "net 1"), ("a b", "ab"), ("", None), ("👍", "👎"), ("great 👍", "great 👎"),
        ("", "?!"), ("?", "!"), (":)", ":("), ("fine :-)", "fine :-("), ("C++", "C#"), ("C", "C#"), ("a > b", "a < b"),
        ("कि", "का"), ("نعم", "لا"), ("...", "…?"), ("50%", "50"), ("±", "÷"), ("zone 1", "zone 2"),
        ("rated 1 stars", "rated 5 stars"),
    ],
)  # fmt: skip
def test_texts_that_say_something_else_are_not_even_near_duplicates(one, other):
    for key in (content_key, near_key):
        assert key(TEXT, {"input_text": one}) != key(TEXT, {"input_text": other})


@pytest.mark.parametrize(("one", "other"), [("C++", "C#"), ("A+", "A-"), ("zone 1", "zone 2"), ("us", "US"), ("", "?")])
def test_categories_are_no_texts(one, other):
    for key in (content_key, near_key):
        assert key(CATEGORY, {"input_grade": one}) != key(CATEGORY, {"input_grade": other})


@pytest.mark.parametrize("key", [content_key, near_key])
@pytest.mark.parametrize("loop", [TEXT, CATEGORY])
def test_the_normal_form_of_a_letter_does_not_matter(loop, key):
    one, other = (dict.fromkeys(loop.input_columns.values(), text) for text in ("e\u0301tude", "étude"))
    assert key(loop, one) == key(loop, other)


def test_contents_of_an_earlier_version_are_known_by_its_key():
    """Written down from that version: its keys are in the ledgers of living loops."""
    assert former_key(TEXT, {"input_text": "Net 12 mln!"}) == FORMER == former_key(TEXT, {"input_text": "net 34  MLN"})


@pytest.mark.parametrize(
    ("one", "other"), [([1, 2, 3], [1.0, 2.0, 3.0]), ([0.0, 1.0, 2.0], [-0.0, 1.0, 2.0]), ([1.0] * 3, (1.0, 1.0, 1.0))]
)
def test_equal_numbers_are_one_content(one, other):
    assert content_key(VECTOR, {"input_pixels": one}) == content_key(VECTOR, {"input_pixels": list(other)})


def test_numbers_that_differ_after_six_digits_are_near_duplicates_but_two_contents():
    rows = [{"input_pixels": [value, 2.0, 3.0]} for value in (1.0, 1.0000001)]
    assert len({near_key(VECTOR, row) for row in rows}) == 1
    assert len({content_key(VECTOR, row) for row in rows}) == 2
    assert len({near_key(VECTOR, {"input_pixels": [value, 0.0, 0.0]}) for value in (1.0, 1.00001, 2.0)}) == 3


def test_content_key_of_a_missing_input_counts_as_null():
    assert content_key(TEXT, {}) == content_key(TEXT, {"input_text": None})


def test_content_key_ignores_what_is_no_input():
    assert content_key(TEXT, prediction_row(1)) == content_key(TEXT, prediction_row(1, trace_id="other", predicted="x"))


@given(st.text())
def test_near_key_is_a_fixed_point_of_case_and_spaces(text):
    key = near_key(TEXT, {"input_text": text})
    assert len(key) == 32
    assert key == near_key(TEXT, {"input_text": f"  {text} "})
    assert key == near_key(TEXT, {"input_text": unicodedata.normalize("NFD", text)})


@given(st.text(), st.text())
def test_rows_of_one_content_are_near_duplicates_and_only_the_same_text_is_one_content(one, other):
    rows = [{"input_text": text} for text in (one, other)]
    is_one = unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
    assert (content_key(TEXT, rows[0]) == content_key(TEXT, rows[1])) == is_one
    assert not is_one or near_key(TEXT, rows[0]) == near_key(TEXT, rows[1])


@given(st.text(min_size=1))
def test_nothing_that_is_left_of_a_text_is_dropped(text):
    is_nothing = not text.strip()
    assert (near_key(TEXT, {"input_text": text}) == near_key(TEXT, {"input_text": ""})) == is_nothing


def test_keys_of_a_table_are_those_of_its_rows():
    rows = prediction_rows(3)
    table = rows_of(TEXT, "predictions", rows)
    for key in (content_key, near_key, former_key):
        assert keys_of(TEXT, table, key) == [key(TEXT, row) for row in rows]


@pytest.mark.parametrize(("group", "column"), [("text", "input_text"), ("desk", "segment_desk"), ("user", "user_key")])
def test_the_group_of_a_row_is_what_the_loop_file_names(group, column):
    loop = make_selection_loop(segments=["desk"], split={"group": group})
    keys = [group_key(loop, {column: value}) for value in ("a", "a", "b", None)]
    assert keys[0] == keys[1]
    assert len({*keys[:3]}) == 2
    assert keys[3] is None
    assert group_key(make_selection_loop(), {column: "a"}) is None


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
    vectors = vectors_of(TEXT, rows_of(TEXT, "predictions", rows))
    assert np.allclose(vectors, np.array([[1, 0], [1, 1] / np.sqrt(2), [1, 2] / np.sqrt(5)]))


@pytest.mark.parametrize("other", [None, [1.0, 2.0, 3.0]])
def test_features_fall_back_to_the_inputs_when_embeddings_do_not_compare(other):
    rows = [prediction_row(0, embedding=[1.0, 2.0]), prediction_row(1, embedding=other)]
    assert vectors_of(TEXT, rows_of(TEXT, "predictions", rows)).shape[1] > 3


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
