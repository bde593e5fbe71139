"""What retraining would meet after labels are paid for is met before, on invented rows."""

from collections import Counter
from typing import Any, ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from include.foundation.errors import ConfigError, FeedbackLoopError, TrainingError
from include.foundation.models.building import MODULES_VARIABLE
from include.stages.training.rehearsal import rehearse
from tests.builders import make_tiny_loop

EVERY_INPUT = {
    "text": {"type": "text"},
    "note": {"type": "text", "required": False},
    "price": {"type": "numeric", "required": False, "minimum": -3, "maximum": 3},
    "free": {"type": "numeric"},
    "open": {"type": "numeric", "minimum": 1e6},
    "below": {"type": "numeric", "maximum": -1e6},
    "kind": {"type": "categorical", "required": False},
    "pixels": {"type": "vector", "size": 3, "required": False, "minimum": 0, "maximum": 16},
}
NUMBERS = {"price": {"type": "numeric"}, "size": {"type": "numeric"}}


@pytest.fixture(autouse=True)
def _own_factories(monkeypatch):
    monkeypatch.setenv(MODULES_VARIABLE, __name__)


def loop_of(factory, inputs=NUMBERS, classes=("a", "b", "c"), **params):
    name = factory if isinstance(factory, str) else f"{__name__}:{factory.__name__}"
    return make_tiny_loop(classes, inputs=inputs, training={"factory": name, "params": params})


def forest(inputs, seed):
    return RandomForestClassifier(n_estimators=3, random_state=seed)


def calibrated(inputs, seed):
    return CalibratedClassifierCV(LogisticRegression(), cv=10)


def without_probabilities(inputs, seed):
    return LogisticRegression(penalty="l3")


class Own(ClassifierMixin, BaseEstimator):
    """A type that skops does not know."""

    def fit(self, features, labels):
        self.classes_ = np.unique(labels)
        return self

    def predict_proba(self, features):
        return np.full((len(features), len(self.classes_)), 1 / len(self.classes_))


def own_type(inputs, seed):
    return Own()


class Witness(Own):
    """Keeps what it is fitted on."""

    seen: ClassVar[list[Any]] = []

    def fit(self, features, labels):
        self.seen.append((features, labels))
        return super().fit(features, labels)


def witness(inputs, seed):
    return Witness()


class Nan(LogisticRegression):
    """A model whose probabilities are none."""

    def predict_proba(self, features):
        return super().predict_proba(features) * np.nan


def no_numbers(inputs, seed):
    return Nan()


@pytest.mark.parametrize(
    "loop",
    [
        pytest.param(loop_of("include.factories:table_classifier", EVERY_INPUT), id="every-input"),
        pytest.param(
            loop_of("include.factories:text_classifier", {"text": {"type": "text"}}, ["x" * 200, "b"]), id="long-class"
        ),
        pytest.param(
            loop_of("include.factories:table_classifier", NUMBERS, [str(n) for n in range(300)]), id="many-classes"
        ),
        pytest.param(loop_of(forest), id="forest"),
        pytest.param(loop_of(calibrated), id="calibrated"),
    ],
)
def test_model_that_works_passes(loop):
    rehearse(loop)


@pytest.mark.parametrize(
    ("loop", "said"),
    [
        pytest.param(loop_of("include.factories:nothing"), "can be imported", id="no-factory"),
        pytest.param(loop_of("subprocess:run"), "expected a function of", id="not-allowed"),
        pytest.param(loop_of("include.factories:table_classifier", C=1), "does not take", id="parameter"),
        pytest.param(
            loop_of("include.factories:table_classifier", regularisation="much"), "cannot be fitted", id="value"
        ),
        pytest.param(loop_of("include.factories:text_classifier"), "cannot be fitted", id="no-text"),
        pytest.param(
            loop_of("include.factories:text_classifier", {"text": {"type": "text"}}, min_count=500),
            "cannot be",
            id="count",
        ),
        pytest.param(loop_of(without_probabilities), "cannot be fitted", id="fails"),
        pytest.param(loop_of(own_type), "not trusted", id="own-type"),
    ],
)
def test_what_retraining_would_meet_is_met_before(loop, said):
    with pytest.raises(FeedbackLoopError) as caught:
        rehearse(loop)
    assert said in str(caught.value)


def test_model_is_fitted_on_twelve_rows_of_each_class_within_the_bounds_of_its_inputs():
    with pytest.raises(TrainingError, match="not trusted"):
        rehearse(loop_of(witness, EVERY_INPUT, [f"class {n:02}" for n in range(60)]))
    features, labels = Witness.seen.pop()
    assert Counter(labels) == {f"class {n:02}": 12 for n in range(50)}
    missing = np.arange(len(labels)) // 50 % 5 == 4  # two of the twelve, of each class
    for name in ("price", "pixels_0", "pixels_2"):
        assert features[name].isna().tolist() == missing.tolist()
    assert (features["note"] == "").tolist() == (features["kind"] == "").tolist() == missing.tolist()
    spread = {"price": (-3, 3), "free": (0, 1), "open": (1e6, 1e6 + 1), "below": (-1e6 - 1, -1e6), "pixels_1": (0, 16)}
    for name, (low, high) in spread.items():
        assert (features[name].min(), features[name].max()) == pytest.approx((low, high), abs=0.1 * (high - low))
        assert features[name].dropna().between(low, high).all()
    words = {(label, text.split()[0]) for label, text in zip(labels, features["text"], strict=True)}
    assert words == {(f"class {n:02}", f"word{n}") for n in range(50)}
    assert features["text"].nunique() > 200
    kinds = {(label, kind) for label, kind in zip(labels[~missing], features["kind"][~missing], strict=True)}
    assert kinds == {(f"class {n:02}", f"kind {(n + more) % 7}") for n in range(50) for more in (0, 1)}


def test_numbers_that_are_no_probabilities_are_refused(monkeypatch):
    monkeypatch.setattr("include.stages.training.rehearsal.save_model", lambda *_: None)
    monkeypatch.setattr("include.stages.training.rehearsal.load_model", lambda _: None)
    with pytest.raises(TrainingError, match="no probabilities"):
        rehearse(loop_of(no_numbers))


def test_model_that_comes_back_otherwise_is_refused(monkeypatch):
    other = LogisticRegression().fit([[0, 0], [1, 0], [5, 5]], ["a", "b", "c"])
    monkeypatch.setattr("include.stages.training.rehearsal.load_model", lambda _: other)
    with pytest.raises(TrainingError, match="answers otherwise after it was written and read back"):
        rehearse(loop_of(forest))


def test_factory_of_a_module_that_is_not_there_is_a_configuration_error():
    with pytest.raises(ConfigError, match="nowhere"):
        rehearse(loop_of("include.factories.nowhere:model"))
