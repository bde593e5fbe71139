"""Write models as files that MLflow serves and that are safe to read: in skops format, never pickled."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from include.foundation.errors import DeploymentError, TrainingError

if TYPE_CHECKING:
    import pandas as pd

MODEL_FILE = "model.skops"
# Parts of scikit-learn's own models that skops does not list as safe; they only hold attributes.
TRUSTED = ("numpy.dtype", "scipy.sparse._csr.csr_matrix", "sklearn.linear_model._logistic.LogisticRegression")


def save_model(estimator: Any, place: Path, example: "pd.DataFrame") -> None:
    """Write an MLflow model folder with a signature and an example.

    Parameters
    ----------
    estimator
        A fitted classifier.
    place
        The folder, which is made.
    example
        Features as `features_frame` makes them; the first two rows are kept.

    Raises
    ------
    TrainingError
        If the model has parts that skops does not trust: they could not be read back safely.
    """
    import mlflow.sklearn
    from mlflow.models import infer_signature

    signature = infer_signature(example, estimator.predict_proba(example))
    try:
        mlflow.sklearn.save_model(
            estimator,
            str(place),
            serialization_format=mlflow.sklearn.SERIALIZATION_FORMAT_SKOPS,
            skops_trusted_types=list(TRUSTED),
            signature=signature,
            input_example=example.head(2),
            pip_requirements=["scikit-learn", "skops", "pandas"],
        )
    except Exception as error:
        raise TrainingError(
            f"The model cannot be written as skops; use scikit-learn's own building blocks: {error}"
        ) from error


def load_model(place: Path) -> Any:
    """Read a model folder; only types that are known to be harmless are built.

    Raises
    ------
    DeploymentError
        If there is no skops model, it is damaged, or it holds a type that is not trusted.
    """
    import skops.io

    path = place / MODEL_FILE
    if not path.is_file():
        names = sorted(item.name for item in place.iterdir())
        raise DeploymentError(f"{place.name}: got {names}, expected {MODEL_FILE}: pickled models are not read")
    try:
        unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED))
    except (
        BadZipFile,
        KeyError,
        TypeError,
        ValueError,
    ) as error:  # only the archive's schema was read: nothing is built yet
        raise DeploymentError(f"{place.name}: {MODEL_FILE} is not a skops model; it is not read: {error}") from error
    if unknown:
        raise DeploymentError("The model holds types that are not trusted; it is not read", unknown)
    return skops.io.load(path, trusted=list(TRUSTED))
