"""What every model factory of the project keeps to; a factory of one's own is added to `CASES`."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from include.foundation.config.loop_file import Loop
from include.foundation.errors import TrainingError
from include.foundation.models.frames import features_frame
from include.foundation.models.model_files import load_model, save_model
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.labels.datasets import Dataset
from include.stages.training.fitting import fit
from tests.include.stages.training.challenger_builders import label_row, make_label_store, make_text_loop

VECTOR = {"pixels": {"type": "vector", "size": 4}}
TABLE = {
    "text": {"type": "text"},
    "price": {"type": "numeric"},
    "kind": {"type": "categorical"},
    "pixels": {"type": "vector", "size": 4},
}
CASES = {
    "text": ("include.factories:text_classifier", {"text": {"type": "text"}}),
    "vector": ("include.factories:vector_classifier", VECTOR),
    "table": ("include.factories:table_classifier", TABLE),
}


@pytest.fixture(params=sorted(CASES))
def loop(request: pytest.FixtureRequest) -> Loop:
    factory, inputs = CASES[request.param]
    return make_text_loop(inputs=inputs, training={"factory": factory})


@pytest.fixture
def store(tmp_path: Path, loop: Loop) -> LoopStore:
    return make_label_store(tmp_path, loop)


def values(loop: Loop, number: int) -> dict[str, Any]:
    """Inputs of a row, which tell its class apart."""
    inputs = {
        "input_text": label_row(number)["input_text"],
        "input_price": float(number % 3) + number / 1000,
        "input_kind": "abc"[number % 3],
        "input_pixels": [float(place == number % 3) + number / 1000 for place in range(4)],
    }
    return {column: inputs[column] for column in loop.input_columns.values()}


def no_values(loop: Loop) -> dict[str, Any]:
    return dict.fromkeys(loop.input_columns.values())


def dataset(loop: Loop, numbers: range = range(12), **overrides: Any) -> Dataset:
    own = [{name: cell for name, cell in label_row(number).items() if name != "input_text"} for number in numbers]
    made = [row | values(loop, number) | overrides for row, number in zip(own, numbers, strict=True)]
    train = rows_of(loop, "labels", made)
    return Dataset("digest", 0, train, train.slice(0, 0))


def probabilities(store: LoopStore, estimator: Any, rows: pa.Table) -> Any:
    return estimator.predict_proba(features_frame(store.loop, rows))


def test_factory_fitted_on_a_tiny_frame_tells_the_classes_apart(store: LoopStore) -> None:
    data = dataset(store.loop)
    estimator = fit(store, data)
    predicted = estimator.predict(features_frame(store.loop, data.train))
    assert list(predicted) == data.train.column("label").to_pylist()


def test_factory_probabilities_of_each_row_sum_to_one(store: LoopStore) -> None:
    data = dataset(store.loop)
    of_classes = probabilities(store, fit(store, data), data.train)
    assert of_classes.shape == (12, 3)
    np.testing.assert_allclose(of_classes.sum(axis=1), 1, rtol=0, atol=1e-12)


def test_factory_written_as_skops_and_read_answers_bit_for_bit_the_same(store: LoopStore, tmp_path: Path) -> None:
    data = dataset(store.loop)
    estimator = fit(store, data)
    save_model(estimator, tmp_path / "model", features_frame(store.loop, data.train))
    loaded = load_model(tmp_path / "model")
    unseen = dataset(store.loop, range(100, 140)).train
    assert probabilities(store, loaded, unseen).tobytes() == probabilities(store, estimator, unseen).tobytes()
    assert list(loaded.classes_) == list(estimator.classes_)


def test_factory_fitted_twice_answers_bit_for_bit_the_same(store: LoopStore) -> None:
    data = dataset(store.loop)
    first, second = (probabilities(store, fit(store, data), data.train) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_factory_on_one_class_raises_training_error(store: LoopStore) -> None:
    with pytest.raises(TrainingError, match="12 training labels of 1 classes, expected two or more"):
        fit(store, dataset(store.loop, label="crude"))


def test_factory_on_no_rows_raises_training_error(store: LoopStore) -> None:
    with pytest.raises(TrainingError, match="0 training labels of 0 classes"):
        fit(store, dataset(store.loop, range(0)))


def test_factory_asked_about_missing_inputs_still_answers(store: LoopStore) -> None:
    estimator = fit(store, dataset(store.loop))
    of_classes = probabilities(store, estimator, dataset(store.loop, range(2), **no_values(store.loop)).train)
    np.testing.assert_allclose(of_classes.sum(axis=1), 1, rtol=0, atol=1e-12)


def test_factory_trained_without_a_word_or_number_answers_or_says_that_it_cannot(store: LoopStore) -> None:
    data = dataset(store.loop, **no_values(store.loop))
    if "text" in store.loop.inputs:
        with pytest.raises(TrainingError, match="cannot be fitted on 12 rows: empty vocabulary"):
            fit(store, data)
    else:
        of_classes = probabilities(store, fit(store, data), data.train)
        np.testing.assert_allclose(of_classes.sum(axis=1), 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize("extremes", [(1.79e308,), (1.79e308, -1.79e308), (1e200,), (-1e155,)])
def test_factory_meets_extreme_numbers_in_training_and_afterwards(
    store: LoopStore, extremes: tuple[float, ...]
) -> None:
    """One such row would end every training (https://github.com/scikit-learn/scikit-learn/issues/13007)."""
    ordinary = dataset(store.loop)
    rows = ordinary.train.to_pylist()
    for row, value in zip(rows, extremes, strict=False):
        row |= {name: value for name in row if name == "input_price"}
        row |= {name: [value, 0.0, 0.0, -value] for name in row if name == "input_pixels"}
    extreme = rows_of(store.loop, "labels", rows)
    for trained_on in (ordinary, Dataset("digest", 0, extreme, extreme.slice(0, 0))):
        of_classes = probabilities(store, fit(store, trained_on), extreme)
        np.testing.assert_allclose(of_classes.sum(axis=1), 1, rtol=0, atol=1e-12)
