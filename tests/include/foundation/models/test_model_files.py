import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from include.foundation.config.loading import ROOT
from include.foundation.errors import DeploymentError, TrainingError
from include.foundation.models.model_files import MODEL_FILE, digest_of_files, load_model, save_model
from include.foundation.models.trusted_types import is_trusted

FRAME = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
LABELS = ["no", "no", "yes", "yes"]


class Exploit:
    """Makes a folder when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


class Homemade(StandardScaler):
    pass


def fitted(*steps: Any) -> Any:
    return make_pipeline(*steps, LogisticRegression()).fit(FRAME, LABELS)


def test_save_model_writes_signature_and_example_and_nothing_pickled(tmp_path: Path) -> None:
    save_model(fitted(StandardScaler()), tmp_path / "model", FRAME)
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert {MODEL_FILE, "MLmodel", "input_example.json"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib", ".cloudpickle"))]
    text = (tmp_path / "model" / "MLmodel").read_text()
    assert "serialization_format: skops" in text
    assert "signature:" in text


def test_save_model_of_a_class_of_ones_own_raises_training_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="scikit-learn's own building blocks"):
        save_model(fitted(Homemade()), tmp_path / "model", FRAME)


def test_load_model_of_a_folder_with_a_pickle_refuses_and_runs_nothing(tmp_path: Path) -> None:
    place = tmp_path / "model"
    place.mkdir()
    (place / "model.pkl").write_bytes(pickle.dumps(Exploit(tmp_path / "trace")))
    with pytest.raises(
        DeploymentError, match=r"got \['model.pkl'\], expected model.skops: pickled models are not read"
    ):
        load_model(place)
    assert not (tmp_path / "trace").exists()


def test_load_model_of_a_pickle_called_skops_refuses_and_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / MODEL_FILE).write_bytes(pickle.dumps(Exploit(tmp_path / "trace")))
    with pytest.raises(DeploymentError, match="not a skops model"):
        load_model(tmp_path)
    assert not (tmp_path / "trace").exists()


def test_load_model_of_a_truncated_file_refuses(tmp_path: Path) -> None:
    skops.io.dump(fitted(), tmp_path / MODEL_FILE)
    whole = (tmp_path / MODEL_FILE).read_bytes()
    (tmp_path / MODEL_FILE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DeploymentError, match="not a skops model"):
        load_model(tmp_path)


def test_load_model_of_a_zip_without_a_schema_refuses(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / MODEL_FILE, "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(DeploymentError, match="not a skops model"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        pytest.param(FunctionTransformer(os.path.exists, validate=False), "genericpath.exists", id="function"),
        pytest.param(Homemade(), "Homemade", id="class"),
        pytest.param(TfidfVectorizer(tokenizer=os.system), "system", id="callback"),
    ],
)
def test_load_model_with_a_type_that_is_not_trusted_names_it_and_refuses(tmp_path: Path, step: Any, told: str) -> None:
    skops.io.dump(make_pipeline(step, LogisticRegression()), tmp_path / MODEL_FILE)
    with pytest.raises(DeploymentError, match="types that are not trusted") as caught:
        load_model(tmp_path)
    assert any(told in problem for problem in caught.value.problems)


TWO = [("forest", RandomForestClassifier(3)), ("line", LogisticRegression())]
ORDINARY = [
    RandomForestClassifier(3),
    ExtraTreesClassifier(3),
    GradientBoostingClassifier(n_estimators=3),
    HistGradientBoostingClassifier(max_iter=3),
    AdaBoostClassifier(n_estimators=3),
    BaggingClassifier(n_estimators=3),
    DecisionTreeClassifier(),
    CalibratedClassifierCV(RandomForestClassifier(3), method="isotonic", cv=2),
    CalibratedClassifierCV(SVC(), cv=2),
    VotingClassifier(TWO, voting="soft"),
    StackingClassifier(TWO, cv=2),
    MLPClassifier(max_iter=3),
    MLPClassifier(solver="sgd", max_iter=3),
    KNeighborsClassifier(2),
    GaussianProcessClassifier(),
    GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, cv=2, scoring="accuracy"),
    make_pipeline(SplineTransformer(), SelectKBest(k=1), LogisticRegression()),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", ORDINARY, ids=lambda estimator: type(estimator).__name__)
def test_ordinary_model_of_scikit_learn_is_read_as_it_was_written(tmp_path: Path, estimator: Any) -> None:
    frame = pd.concat([FRAME] * 5, ignore_index=True)
    written = estimator.fit(frame, LABELS * 5)
    save_model(written, tmp_path / "model", frame)
    read = load_model(tmp_path / "model")
    assert read.predict_proba(frame).tobytes() == written.predict_proba(frame).tobytes()


@pytest.mark.parametrize(
    "name",
    [
        "posix.system",
        "subprocess.Popen",
        "sklearn.tree._classes.np",
        "sklearn.ensemble._forest.Parallel",
        "sklearn.ensemble._forest.threading.Thread",
        "sklearn.datasets._base.load_files",
        "sklearn.externals._arff.load",
        "sklearn.utils._testing.raises",
        "sklearn.tree.tests.test_tree.assert_tree_equal",
        "sklearn.tree._tree.NotThere",
        "sklearn.not_there.Tree",
        "sklearn_of_a_stranger.tree._tree.Tree",
        "numpy.load",
        "numpy.memmap",
    ],
)
def test_name_that_is_not_of_a_part_of_scikit_learns_models_is_not_trusted(name: str) -> None:
    assert not is_trusted(name)


def served(tmp_path: Path) -> Any:
    import mlflow.pyfunc

    save_model(fitted(StandardScaler()), tmp_path / "model", FRAME, {"loop": "tiny"})
    return mlflow.pyfunc.load_model(str(tmp_path / "model"))


@pytest.mark.parametrize("kind", ["float64", "int64", "float32"])
def test_served_model_takes_numbers_of_any_kind_and_returns_what_its_signature_says(tmp_path: Path, kind: Any) -> None:
    model = served(tmp_path)
    answers = model.predict((FRAME * 2).astype(kind))
    assert set(answers) == {"no", "yes"}
    assert [str(item.type) for item in model.metadata.signature.outputs] == ["DataType.string"]
    assert model.metadata.signature.inputs.input_names() == ["a", "b"]


def test_served_model_names_its_classes_in_the_order_of_its_probabilities(tmp_path: Path) -> None:
    metadata = served(tmp_path).metadata.metadata
    assert metadata == {"loop": "tiny", "classes": list(load_model(tmp_path / "model").classes_)} == {
        "loop": "tiny", "classes": ["no", "yes"],
    }  # fmt: skip


def test_files_digest_is_of_every_byte_and_name_but_not_of_what_mlflow_adds(tmp_path: Path) -> None:
    save_model(fitted(), tmp_path / "model", FRAME)
    before = digest_of_files(tmp_path / "model")
    (tmp_path / "model" / "registered_model_meta").write_text("version: 1")
    assert digest_of_files(tmp_path / "model") == before
    requirements = tmp_path / "model" / "requirements.txt"
    requirements.write_text(requirements.read_text() + "evil\n")
    changed = digest_of_files(tmp_path / "model")
    requirements.rename(requirements.with_name("other.txt"))
    assert len({before, changed, digest_of_files(tmp_path / "model")}) == 3


def test_import_of_skops_warns_of_nothing_in_other_modules():
    code = """
import sys, types, warnings
from include.foundation.models import model_files
module = types.ModuleType("loud")
module.__getattr__ = lambda name: warnings.warn(f"loud {name}", FutureWarning)
sys.modules["loud"] = module
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    model_files._skops_io()
assert not [each for each in told if str(each.message).startswith("loud")]
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
