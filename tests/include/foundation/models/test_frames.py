from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.foundation.errors import ContractError
from include.foundation.models.frames import changed_sizes, features_frame
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from tests.include.foundation.store.lived_in import label
from tests.include.stages.training.challenger_builders import make_text_loop

INPUTS = {
    "text": {"type": "text"},
    "kind": {"type": "categorical"},
    "price": {"type": "numeric"},
    "pixels": {"type": "vector", "size": 3},
}
LOOP = make_text_loop(inputs=INPUTS)


def rows(**columns: list[object]) -> pa.Table:
    types = {"text": pa.string(), "kind": pa.string(), "price": pa.float64(), "pixels": pa.list_(pa.float64())}
    return pa.table({f"input_{name}": pa.array(columns[name], types[name]) for name in INPUTS})


def test_features_frame_of_every_type_has_a_column_for_each_input_and_element() -> None:
    frame = features_frame(LOOP, rows(text=["a"], kind=["b"], price=[2.5], pixels=[[1.0, 2.0, 3.0]]))
    assert frame.to_dict("list") == {
        "text": ["a"],
        "kind": ["b"],
        "price": [2.5],
        "pixels_0": [1.0],
        "pixels_1": [2.0],
        "pixels_2": [3.0],
    }


def test_features_frame_of_missing_values_has_empty_text_and_nan() -> None:
    frame = features_frame(LOOP, rows(text=[None], kind=[None], price=[None], pixels=[None]))
    assert frame[["text", "kind"]].to_numpy().tolist() == [["", ""]]
    assert np.isnan(frame[["price", "pixels_0", "pixels_1", "pixels_2"]].to_numpy(dtype=float)).all()


def test_features_frame_of_no_rows_keeps_every_column() -> None:
    frame = features_frame(LOOP, rows(text=[], kind=[], price=[], pixels=[]))
    assert list(frame.columns) == ["text", "kind", "price", "pixels_0", "pixels_1", "pixels_2"]
    assert len(frame) == 0


def test_features_frame_of_a_table_without_an_input_names_the_column() -> None:
    with pytest.raises(KeyError, match="input_text"):
        features_frame(LOOP, pa.table({"input_price": [1.0]}))


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=32)), max_size=8))
def test_features_frame_of_any_numbers_keeps_rows_in_order(prices: list[float | None]) -> None:
    count = len(prices)
    table = rows(text=["x"] * count, kind=["k"] * count, price=list(prices), pixels=[[0.0, 1.0, 2.0]] * count)
    found = features_frame(LOOP, table)["price"].tolist()
    assert [None if np.isnan(value) else value for value in found] == prices
    assert all(second - first == 1 for first, second in pairwise(features_frame(LOOP, table).index))


@pytest.mark.parametrize("value", [1.79e308, -1e200])
def test_features_frame_of_numbers_that_few_models_take_has_the_largest_that_they_do(value: float) -> None:
    frame = features_frame(LOOP, rows(text=["a"], kind=["b"], price=[value], pixels=[[value, 0.0, 1e38]]))
    largest = np.sign(value) * np.finfo(np.float32).max
    assert frame[["price", "pixels_0", "pixels_1", "pixels_2"]].to_numpy().tolist() == [[largest, largest, 0.0, 1e38]]


def test_vectors_of_another_size_are_refused_in_words_and_known_from_the_labels(tmp_path) -> None:
    two = rows(text=["a"] * 3, kind=["b"] * 3, price=[1.0] * 3, pixels=[[1.0, 2.0, 3.0], None, [1.0]])
    with pytest.raises(ContractError, match=r"inputs.pixels.size: got 3, but .* vectors of 1 numbers; .* another name"):
        features_frame(LOOP, two)
    store = LoopStore(LOOP, str(tmp_path))
    assert changed_sizes(store) == []
    inputs = {"input_pixels": [1.0, 2.0, 3.0]}
    store.append_new("labels", rows_of(LOOP, "labels", [label(1) | inputs, label(2)]))
    assert changed_sizes(store) == []
    changed = make_text_loop(inputs=INPUTS | {"pixels": {"type": "vector", "size": 4}})
    [sentence] = changed_sizes(LoopStore(changed, str(tmp_path)))
    assert sentence.startswith("inputs.pixels.size: got 4, but stored rows have vectors of 3 numbers")
