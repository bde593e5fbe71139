"""What a row says, apart from its id: keys that near duplicates share, and features that tell rows apart."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import StandardScaler, normalize

from include.config.loop_file import Loop
from include.store.digests import digest_of

DIGITS = 6
FEATURES = 2**12


def content_key(loop: Loop, row: Mapping[str, Any]) -> str:
    """Return a key that is equal for trivially near duplicates.

    Texts are compared by their letters, with case, punctuation and the values of digits left out; numbers to six significant
    digits.

    Parameters
    ----------
    loop
        Names the inputs.
    row
        Has ``input_<name>`` for each input; a missing one counts as null.

    Returns
    -------
    str
        32 hex digits.

    Examples
    --------
    >>> from include.config.loading import loop_named
    >>> newswire = loop_named("newswire")
    >>> content_key(newswire, {"input_text": "Net 12 mln!"}) == content_key(newswire, {"input_text": "net 34  MLN"})
    True
    """
    return digest_of(*(_normal(row.get(column)) for column in loop.input_columns.values()))[:32]


def content_keys(loop: Loop, rows: pa.Table) -> list[str]:
    """Return the `content_key` of each row."""
    return [content_key(loop, row) for row in rows.select(list(loop.input_columns.values())).to_pylist()]


def features(loop: Loop, rows: pa.Table) -> sparse.csr_matrix:
    """Return unit vectors that tell rows apart: the logged embedding if every row has one, else made from the inputs.

    Parameters
    ----------
    loop
        Names the inputs: texts are hashed into word counts, numbers and vectors standardised, categories hashed.
    rows
        Rows of ``predictions``; must not be empty.

    Returns
    -------
    scipy.sparse.csr_matrix
        float64, (rows, features), rows of unit length (or zero).
    """
    if rows.column("embedding").null_count == 0:
        return sparse.csr_matrix(normalize(np.array(rows.column("embedding").to_pylist(), dtype=np.float64)))
    blocks = [_block(item.type, rows.column(f"input_{name}").to_pylist()) for name, item in loop.inputs.items()]
    return sparse.csr_matrix(normalize(sparse.hstack(blocks)))


def _block(kind: str, values: list[Any]) -> Any:
    if kind in {"text", "categorical"}:
        texts = [value or "" for value in values]
        return HashingVectorizer(n_features=FEATURES, alternate_sign=False).transform(texts)
    width = max((len(value) for value in values if isinstance(value, list)), default=1)
    array = np.array([value if isinstance(value, list) else [value] * width for value in values], dtype=np.float64)
    scaled = StandardScaler().fit_transform(np.nan_to_num(array))
    return sparse.csr_matrix(normalize(scaled))


def _normal(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub(r"[\W_]+", " ", re.sub(r"\d+", "0", value.casefold())).strip()
    if isinstance(value, list):
        return [_normal(item) for item in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
