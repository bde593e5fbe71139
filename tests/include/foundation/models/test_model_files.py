import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import skops.io
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from include.foundation.errors import DeploymentError, TrainingError
from include.foundation.models.model_files import MODEL_FILE, load_model, save_model

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
