"""Linear classifiers: logistic regression on texts, on vectors and numbers, or on inputs of every type."""

from collections.abc import Mapping

from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from include.foundation.config.sections import Input


def text_classifier(
    inputs: Mapping[str, Input], seed: int, *, regularisation: float = 10.0, min_count: int = 1
) -> Pipeline:
    """Return logistic regression on TF-IDF of every text input.

    Parameters
    ----------
    inputs
        Inputs of the loop; only texts are used.
    seed
        Seed of the solver.
    regularisation
        Inverse of the strength of regularisation, above 0.
    min_count
        In how many documents a word must occur to count.
    """
    texts = [name for name, item in inputs.items() if item.type == "text"]
    words = [(name, TfidfVectorizer(sublinear_tf=True, min_df=min_count), name) for name in texts]
    return make_pipeline(ColumnTransformer(words), _logistic(seed, regularisation))


def vector_classifier(inputs: Mapping[str, Input], seed: int, *, regularisation: float = 1.0) -> Pipeline:
    """Return logistic regression on the standardised elements of every vector and number.

    Parameters
    ----------
    inputs
        Inputs of the loop; only vectors and numbers are used.
    seed
        Seed of the solver.
    regularisation
        Inverse of the strength of regularisation, above 0.
    """
    return make_pipeline(_numbers(inputs), _logistic(seed, regularisation))


def table_classifier(inputs: Mapping[str, Input], seed: int, *, regularisation: float = 1.0) -> Pipeline:
    """Return logistic regression on numbers (imputed, standardised), categories (one-hot) and texts (TF-IDF).

    Parameters
    ----------
    inputs
        Inputs of the loop, of any type.
    seed
        Seed of the solver.
    regularisation
        Inverse of the strength of regularisation, above 0.
    """
    numbers = _numbers(inputs).transformers
    categories = [name for name, item in inputs.items() if item.type == "categorical"]
    parts = [*numbers, ("categories", OneHotEncoder(handle_unknown="ignore"), categories)]
    parts += [(name, TfidfVectorizer(sublinear_tf=True), name) for name, item in inputs.items() if item.type == "text"]
    return make_pipeline(ColumnTransformer(parts), _logistic(seed, regularisation))


def _numbers(inputs: Mapping[str, Input]) -> ColumnTransformer:
    names = [name for name, item in inputs.items() if item.type == "numeric"]
    names += [
        f"{name}_{element}"
        for name, item in inputs.items()
        if item.type == "vector"
        for element in range(item.size or 0)
    ]
    scaled = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    return ColumnTransformer([("numbers", scaled, names)])


def _logistic(seed: int, regularisation: float) -> LogisticRegression:
    return LogisticRegression(C=regularisation, max_iter=1000, random_state=seed)
