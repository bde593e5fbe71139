"""The content of rows: what is the same, what is nearly the same, and vectors whose distance says how different rows are."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import StandardScaler, normalize

from include.foundation.config.loop_file import Loop
from include.foundation.config.sections import Input
from include.foundation.digests import digest_of, point_of
from include.foundation.models.frames import vector_matrix

DIGITS = 6
FACE = r"[:;]['\u2019-]?[()\[\]{}/\\|]"
LATIN = r"_.,;:!?'\"`()\[\]{}/\\\u00a1\u00bf\u00ab\u00bb\u2010-\u2027\u2039\u203a-"
OTHER = r"\u060c\u061b\u061f\u0964\u0965\u3001-\u3011\uff01\uff0c\uff0e\uff1a\uff1b\uff1f"
MARKS = re.compile(rf"({FACE})|[{OTHER}{LATIN}]")
FEATURES = 2**12
WAVES = 256
TAIL, FAR = 10, 1000  # widths of the middle half from the median
LARGEST = 1e140  # squares of which can be added up


def content_key(loop: Loop, row: Mapping[str, Any]) -> str:
    """Return a key that only rows with the same inputs share: what is asked once, and is in one split.

    Texts and categories are compared in Unicode's normal form C, numbers as they are; a missing input is like no other value.

    Parameters
    ----------
    loop
        Names the inputs.
    row
        Has the key ``input_<name>`` for each input; a missing key counts as null.

    Returns
    -------
    str
        32 hex digits.

    Examples
    --------
    >>> from include.foundation.config.loading import loop_named
    >>> newswire = loop_named("newswire")
    >>> content_key(newswire, {"input_text": "zone 1"}) == content_key(newswire, {"input_text": "zone 2"})
    False
    """
    return digest_of(*(_exact(row.get(column)) for column in loop.input_columns.values()))[:32]


def near_key(loop: Loop, row: Mapping[str, Any]) -> str:
    """Return a key that trivial near duplicates share too: they are kept out of each other's way, but are not the same content.

    Texts are compared without case and marks of punctuation; symbols and faces such as ``:(`` count, and a text that has
    nothing but marks is compared as it is. Numbers are compared to six significant digits, categories as they are.

    Parameters
    ----------
    loop
        Names the inputs.
    row
        As in `content_key`.

    Returns
    -------
    str
        32 hex digits.

    Examples
    --------
    >>> from include.foundation.config.loading import loop_named
    >>> newswire = loop_named("newswire")
    >>> near_key(newswire, {"input_text": "Net 12 mln!"}) == near_key(newswire, {"input_text": "net 12  MLN"})
    True
    """
    values = {name: row.get(column) for name, column in loop.input_columns.items()}
    is_category = {name: item.type == "categorical" for name, item in loop.inputs.items()}
    return digest_of(*(_exact(value) if is_category[name] else _near(value) for name, value in values.items()))[:32]


def former_key(loop: Loop, row: Mapping[str, Any]) -> str:
    """Return what an earlier version kept as ``content_key``: it read categories as texts, and all digits as one.

    Parameters
    ----------
    loop
        Names the inputs.
    row
        As in `content_key`.
    """
    return digest_of(*(_near(row.get(column), digits="0") for column in loop.input_columns.values()))[:32]


def keys_of(loop: Loop, rows: pa.Table, key: Callable[[Loop, Mapping[str, Any]], str] = content_key) -> list[str]:
    """Return a key of each row.

    Parameters
    ----------
    loop
        Names the inputs.
    rows
        Has their columns.
    key
        `content_key`, `near_key` or `former_key`.
    """
    return [key(loop, row) for row in rows.select(list(loop.input_columns.values())).to_pylist()]


def group_key(loop: Loop, row: Mapping[str, Any]) -> str | None:
    """Return the key of a row's group, which is its value of ``split.group``; None without one."""
    value = None if loop.group_column is None else row.get(loop.group_column)
    return None if value is None else digest_of(loop.split.group, _exact(value))[:32]


def split_point(key: str) -> float:
    """Return where a group or a content is between 0 and 1, for good: its split must not depend on what was drawn."""
    return point_of("seed split", key)


def group_keys(loop: Loop, rows: pa.Table) -> list[str | None]:
    """Return the `group_key` of each row."""
    if loop.group_column is None:
        return [None] * rows.num_rows
    return [group_key(loop, row) for row in rows.select([loop.group_column]).to_pylist()]


def features(loop: Loop, rows: pa.Table) -> sparse.csr_matrix:
    """Return a unit vector for each row: the logged embedding if every row has one, else one made of the inputs.

    Parameters
    ----------
    loop
        Names the inputs. Texts become hashed word counts, categories are hashed, numbers and vectors are standardised. Numbers
        are then mapped to random Fourier features (Rahimi & Recht 2007), since the cosine of two numbers compares only signs.
    rows
        Rows of ``predictions`` or ``labels``, at least one. A missing number counts as the mean of its column.

    Returns
    -------
    scipy.sparse.csr_matrix
        float64, (rows, features); each row has length 1, or 0 if it has no content.
    """
    embeddings = rows.column("embedding").to_pylist() if "embedding" in rows.column_names else [None]
    if len({None if embedding is None else len(embedding) for embedding in embeddings}) == 1 and embeddings[0]:
        return sparse.csr_matrix(normalize(np.array(embeddings, dtype=np.float64)))
    values = {name: rows.column(column).to_pylist() for name, column in loop.input_columns.items()}
    blocks = [_block(name, item, values[name]) for name, item in loop.inputs.items() if item.type != "numeric"]
    numbers = [values[name] for name, item in loop.inputs.items() if item.type == "numeric"]
    if numbers:
        blocks.append(_fourier_features(_standardised(np.array(numbers, dtype=np.float64).T)))
    return sparse.csr_matrix(normalize(sparse.hstack(blocks)))


def _block(name: str, item: Input, values: list[Any]) -> Any:
    if item.type == "vector":
        return sparse.csr_matrix(normalize(_standardised(vector_matrix(name, item.size or 0, values))))
    texts = [value or "" for value in values]
    token = r"(?s).+" if item.type == "categorical" else r"(?u)\b\w\w+\b"
    return HashingVectorizer(n_features=FEATURES, alternate_sign=False, token_pattern=token).transform(texts)


def far_out(loop: Loop, rows: pa.Table) -> list[tuple[str, str]]:
    """Return trace id and input of each number so far from the middle that beside it all others would look alike."""
    found = []
    for name, item in loop.inputs.items():
        if item.type == "numeric" and rows.num_rows:
            values = rows.column(loop.input_columns[name]).to_numpy().astype(np.float64)[:, None]
            low, high = _range(values, FAR)
            is_far = ((values < low) | (values > high)).ravel()
            found += [(trace_id, name) for trace_id in rows.column("trace_id").filter(pa.array(is_far)).to_pylist()]
    return found


def _range(array: NDArray[np.float64], times: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the numbers that are so many times the width of a column's middle half away from its median, on either side."""
    known = np.where(np.isnan(array).all(axis=0), 0.0, np.clip(array, -LARGEST, LARGEST))
    first, middle, third = np.nanquantile(known, [0.25, 0.5, 0.75], axis=0)
    reach = times * np.where(third > first, third - first, np.maximum(np.abs(middle), 1.0))
    return middle - reach, middle + reach


def _standardised(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the columns with mean 0 and standard deviation 1; missing numbers count as the mean, tails are cut."""
    array = np.clip(array, *_range(array, TAIL))
    means = np.nan_to_num(np.nanmean(np.where(np.isnan(array).all(axis=0), 0.0, array), axis=0))
    return np.asarray(StandardScaler().fit_transform(np.where(np.isnan(array), means, array)))


def _fourier_features(scaled: NDArray[np.float64]) -> sparse.csr_matrix:
    """Return unit vectors whose cosine is about exp(-4 d), where d is the mean squared distance of two rows.

    The cosine is 0.95 where numbers differ by about a tenth of a standard deviation.
    """
    waves = scaled @ np.random.default_rng(0).normal(size=(scaled.shape[1], WAVES)) * np.sqrt(8 / scaled.shape[1])
    return sparse.csr_matrix(np.hstack([np.cos(waves), np.sin(waves)]) / np.sqrt(WAVES))


def _near(value: Any, digits: str | None = None) -> Any:
    if isinstance(value, str):
        text = _exact(_exact(value).casefold())
        kept = text if digits is None else re.sub(r"\d+", digits, text)
        words = MARKS.sub(lambda found: f" {found[1] or ''} ", kept).split()
        return " ".join(words or text.split())
    if isinstance(value, list):
        return [_near(item, digits) for item in value]
    return float(f"{value:.{DIGITS}g}") + 0.0 if isinstance(value, int | float) else value  # + 0.0: -0.0 is 0.0


def _exact(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return float(value) + 0.0 if isinstance(value, int | float) else value  # -0.0 is 0.0
