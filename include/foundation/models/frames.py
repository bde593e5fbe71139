"""Turn rows of the store into the frame that a model takes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop

if TYPE_CHECKING:
    import pandas as pd

LARGEST = float(np.finfo(np.float32).max)  # squares and sums of it are finite, and trees take single precision


def features_frame(loop: Loop, rows: pa.Table) -> "pd.DataFrame":
    """Return a column for each input, of strings or float64; for a vector, a float64 column for each element.

    Parameters
    ----------
    loop
        Names the inputs; a vector ``pixels`` becomes ``pixels_0``, ``pixels_1`` …
    rows
        Have ``input_<name>`` for each input. A missing text becomes empty, a missing number NaN.

    Returns
    -------
    pandas.DataFrame
        As many rows, in the same order. Numbers beyond ±3.4e38 are that, since few models take larger ones: a single row would
        end every training, or whatever asks a model about it.
    """
    import pandas as pd

    columns: dict[str, object] = {}
    for name, item in loop.inputs.items():
        values = rows.column(f"input_{name}").to_pylist()
        if item.type == "vector":
            size = item.size or 0
            unknown = [np.nan] * size
            vectors = [unknown if value is None else value for value in values]
            matrix = _numbers(vectors).reshape(-1, size)
            columns |= {f"{name}_{place}": matrix[:, place] for place in range(size)}
        elif item.type == "numeric":
            columns[name] = _numbers([np.nan if value is None else value for value in values])
        else:
            columns[name] = pd.Series(["" if value is None else value for value in values], dtype=object)
    return pd.DataFrame(columns)


def _numbers(values: Sequence[object]) -> NDArray[np.float64]:
    return np.clip(np.array(values, dtype=np.float64), -LARGEST, LARGEST)
