from pathlib import Path
from typing import Any

import pytest
from sklearn.svm import LinearSVC

from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError, TrainingError
from include.foundation.models.building import MODULES_VARIABLE, build
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.datasets import read_dataset
from include.stages.training.fitting import fit
from tests.include.stages.training.challenger_builders import (
    add_labels,
    label_row,
    make_label_store,
    make_text_loop,
    publish_labels,
)

TEXT = "include.factories:text_classifier"


def loop_with(factory: str, **params: Any) -> Loop:
    return make_text_loop(training={"factory": factory, "params": params, "seed": 3})


def without_probabilities(inputs: Any, seed: int) -> LinearSVC:
    return LinearSVC(random_state=seed)


def no_model(inputs: Any, seed: int) -> None:
    return None


def fails(inputs: Any, seed: int) -> None:
    msg = "no licence"
    raise RuntimeError(msg)


def test_build_with_parameters_passes_them_and_the_seed() -> None:
    model = build(loop_with(TEXT, regularisation=2.5))[-1]
    assert (model.C, model.random_state) == (2.5, 3)


def test_build_takes_the_path_that_factories_had_before() -> None:
    assert repr(build(loop_with("include.training.factories:text_classifier"))) == repr(build(loop_with(TEXT)))


@pytest.mark.parametrize(
    ("factory", "told"),
    [
        pytest.param("include.factories.nowhere:text_classifier", "No module named", id="module"),
        pytest.param("include.factories:nothing", "has no attribute 'nothing'", id="function"),
    ],
)
def test_build_of_what_cannot_be_imported_names_the_key_and_the_cause(factory: str, told: str) -> None:
    with pytest.raises(ConfigError, match=r"training\.factory: got ") as caught:
        build(loop_with(factory))
    assert factory in str(caught.value)
    assert told in str(caught.value)


def test_build_with_an_unknown_parameter_names_it() -> None:
    with pytest.raises(ConfigError, match=r"training\.params: .*'colour'"):
        build(loop_with(TEXT, colour="red"))


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let loop files name the functions of this module."""
    monkeypatch.setenv(MODULES_VARIABLE, f"my.factories, {__name__}")


@pytest.mark.parametrize(
    "factory",
    [
        pytest.param("subprocess:run", id="standard library"),
        pytest.param("include.factories.linear:make_pipeline", id="imported by an allowed module"),
        pytest.param("include.factories_of_a_stranger:text_classifier", id="name that begins alike"),
        pytest.param(f"{__name__}:fails", id="module that nobody named"),
    ],
)
def test_build_of_a_module_that_is_not_allowed_calls_nothing(factory: str) -> None:
    with pytest.raises(ConfigError, match="put it into include/factories, or name its module in"):
        build(loop_with(factory))


@pytest.mark.usefixtures("allowed")
def test_build_of_a_factory_that_fails_says_how() -> None:
    with pytest.raises(ConfigError, match=r"training\.factory: .*fails with \{\}: RuntimeError\('no licence'\)"):
        build(loop_with(f"{__name__}:fails"))


@pytest.mark.usefixtures("allowed")
def test_build_of_what_is_no_function_says_so() -> None:
    with pytest.raises(ConfigError, match="expected a function that returns a classifier"):
        build(loop_with(f"{__name__}:TEXT"))


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("name", ["without_probabilities", "no_model"])
def test_build_of_what_gives_no_probabilities_is_refused_before_it_is_fitted(name: str) -> None:
    with pytest.raises(ConfigError, match=r"training\.factory: .*predict_proba"):
        build(loop_with(f"{__name__}:{name}"))


def test_fit_with_a_parameter_out_of_bounds_raises_training_error(tmp_path: Path) -> None:
    store = make_label_store(tmp_path, loop_with(TEXT, regularisation=-1.0))
    published = publish_labels(store, range(6))
    with pytest.raises(TrainingError, match="cannot be fitted on 6 rows"):
        fit(store, read_dataset(store, published.subject))


def test_fit_of_a_text_model_without_a_text_input_raises_training_error(tmp_path: Path) -> None:
    store = make_label_store(tmp_path, make_text_loop(inputs={"price": {"type": "numeric"}}))
    rows = [{**label_row(number), "input_price": 1.0} for number in range(6)]
    add_labels(store, [{name: cell for name, cell in row.items() if name != "input_text"} for row in rows])
    published = publish_dataset(store)
    with pytest.raises(TrainingError, match="text_classifier cannot be fitted on 6 rows"):
        fit(store, read_dataset(store, published.subject))
