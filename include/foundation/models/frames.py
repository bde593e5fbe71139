"""Turn rows of the store into the frame that a model takes."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from include.foundation.config.loop_file import Loop

if TYPE_CHECKING:
    import pandas as pd


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
        As many rows, in the same order.
    """
    import pandas as pd

    columns: dict[str, object] = {}
    for name, item in loop.inputs.items():
        values = rows.column(f"input_{name}").to_pylist()
        if item.type == "vector":
            size = item.size or 0
            unknown = [np.nan] * size
            vectors = [unknown if value is None else value for value in values]
            matrix = np.array(vectors, dtype=np.float64).reshape(-1, size)
            columns |= {f"{name}_{place}": matrix[:, place] for place in range(size)}
        elif item.type == "numeric":
            columns[name] = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        else:
            columns[name] = pd.Series(["" if value is None else value for value in values], dtype=object)
    return pd.DataFrame(columns)
