"""Write models as files that MLflow serves and that are safe to read: in skops format, never pickled."""

import hashlib
import importlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from include.foundation.digests import digest_of
from include.foundation.errors import DeploymentError, TrainingError, short
from include.foundation.models.trusted_types import split_by_trust

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

MODEL_FILE = "model.skops"
ADDED_LATER = {"registered_model_meta"}  # by MLflow, to a folder that it downloads


def save_model(estimator: Any, place: Path, example: "pd.DataFrame", metadata: Mapping[str, Any] | None = None) -> None:
    """Write an MLflow model folder with a signature and an example.

    Parameters
    ----------
    estimator
        A fitted classifier.
    place
        The folder, which is made.
    example
        Features as `features_frame` makes them; the first two rows are kept.
    metadata
        What a server should know; ``classes``, the order of the columns of ``predict_proba``, is added to it.

    Raises
    ------
    TrainingError
        If the model has parts that skops does not trust: they could not be read back safely.
    """
    import mlflow.sklearn

    skops_io = _skops_io()
    try:
        trusted, unknown = split_by_trust(skops_io.get_untrusted_types(data=skops_io.dumps(estimator)))
    except Exception as error:  # skops raises whatever the types of the model do
        raise TrainingError(_NOT_WRITTEN.format(error)) from error
    if unknown:
        raise TrainingError(_NOT_WRITTEN.format("these types are not trusted"), unknown)
    try:
        mlflow.sklearn.save_model(
            estimator,
            str(place),
            serialization_format=mlflow.sklearn.SERIALIZATION_FORMAT_SKOPS,
            skops_trusted_types=trusted,
            signature=_signature(estimator, example),
            input_example=example.head(2),
            pip_requirements=["scikit-learn", "skops", "pandas"],
            metadata={**(metadata or {}), "classes": [str(name) for name in estimator.classes_]},
        )
    except Exception as error:
        raise TrainingError(_NOT_WRITTEN.format(error)) from error


def _skops_io() -> ModuleType:
    """Import skops, which looks for scipy's functions in every module: Airflow's warn of each, in a thousand lines of log."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return importlib.import_module("skops.io")


def load_model(place: Path) -> Any:
    """Read a model folder; only types that are known to be harmless are built.

    Raises
    ------
    DeploymentError
        If there is no skops model, it is damaged, it holds a type that is not trusted, or it is no fitted classifier.
    """
    skops_io = _skops_io()
    path = place / MODEL_FILE
    if not path.is_file():
        names = sorted(item.name for item in place.iterdir())
        raise DeploymentError(f"{place.name}: got {names}, expected {MODEL_FILE}: pickled models are not read")
    try:
        trusted, unknown = split_by_trust(skops_io.get_untrusted_types(file=path))
        model = None if unknown else skops_io.load(path, trusted=trusted)
    except Exception as error:  # a damaged archive raises anything
        raise DeploymentError(f"{place.name}: {MODEL_FILE} is not a skops model; it is not read: {error}") from error
    if unknown:
        raise DeploymentError("The model holds types that are not trusted; it is not read", unknown)
    if not (hasattr(model, "predict_proba") and hasattr(model, "classes_")):
        raise DeploymentError(
            f"{place.name}: {MODEL_FILE} holds {short(model)}, expected a fitted classifier with predict_proba"
        )
    return model


def columns_of(place: Path) -> dict[str, bool]:
    """Return the columns that the model in a folder takes, by its signature, and which of them are texts.

    Raises
    ------
    DeploymentError
        If its description cannot be read.
    """
    from mlflow.models import Model
    from mlflow.types.schema import DataType

    try:
        signature = Model.load(str(place)).signature
    except Exception as error:  # a damaged description raises anything
        raise DeploymentError(f"{place.name}: the description of the model cannot be read: {error}") from error
    inputs = signature.inputs.inputs if signature is not None and signature.inputs is not None else []
    return {str(column.name): column.type == DataType.string for column in inputs}


def digest_of_files(place: Path) -> str:
    """Return a digest over the names and bytes of a model folder's files: what is judged, deployed and loaded is the same."""
    files = sorted(path for path in place.rglob("*") if path.is_file() and path.name not in ADDED_LATER)
    return digest_of([[path.relative_to(place).as_posix(), _digest_of_file(path)] for path in files])


_NOT_WRITTEN = "The model cannot be written as skops; use scikit-learn's own building blocks: {}"


def _signature(estimator: Any, example: "pd.DataFrame") -> "ModelSignature":
    """Return what ``predict`` takes and returns. Numbers are of any type, since MLflow refuses integers for a ``double``."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, DataType, Schema

    numbers = set(example.select_dtypes("number").columns)
    inputs = [ColSpec(AnyType() if name in numbers else DataType.string, name) for name in example.columns]
    return ModelSignature(Schema(inputs), Schema([ColSpec(DataType.string)]))


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
