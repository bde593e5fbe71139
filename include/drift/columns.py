"""What is watched of a prediction log: columns of numbers and columns of categories."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.config.loop_file import Loop


@dataclass(frozen=True)
class Watched:
    """Values of the watched columns of some rows.

    ``numeric`` has float64 arrays with NaN for missing, ``categorical`` has lists with None for missing; all have one
    element a row.
    """

    numeric: dict[str, NDArray[np.float64]]
    categorical: dict[str, list[str | None]]


def watched(loop: Loop, rows: pa.Table) -> Watched:
    """Return the watched columns of predictions.

    A numeric input is watched as it is; a text by its length in characters and in words; a vector by its mean and its
    norm; a categorical input, the prediction and the segments by their categories; besides them the confidence.

    Parameters
    ----------
    loop
        Names the inputs and segments.
    rows
        Rows of the table ``predictions``.
    """
    numeric = {"confidence": _floats(rows, "confidence")}
    categorical = {"predicted": rows.column("predicted").to_pylist()}
    for segment in loop.segments:
        categorical[f"segment_{segment}"] = rows.column(f"segment_{segment}").to_pylist()
    for name, item in loop.inputs.items():
        column = f"input_{name}"
        if item.type == "numeric":
            numeric[column] = _floats(rows, column)
        elif item.type == "categorical":
            categorical[column] = rows.column(column).to_pylist()
        elif item.type == "text":
            texts = rows.column(column).to_pylist()
            numeric[f"{column}:characters"] = _measured(texts, len)
            numeric[f"{column}:words"] = _measured(texts, lambda text: len(text.split()))
        else:
            vectors = rows.column(column).to_pylist()
            numeric[f"{column}:mean"] = _measured(vectors, lambda vector: float(np.mean(vector)))
            numeric[f"{column}:norm"] = _measured(vectors, lambda vector: float(np.linalg.norm(vector)))
    return Watched(numeric, categorical)


def _floats(rows: pa.Table, column: str) -> NDArray[np.float64]:
    return np.array(rows.column(column).to_pandas().astype("float64"), dtype=np.float64)


def _measured(values: list, measure) -> NDArray[np.float64]:  # type: ignore[no-untyped-def, type-arg]
    return np.array([np.nan if value is None else measure(value) for value in values], dtype=np.float64)
