"""Rows of the store as a model takes them."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from include.foundation.config.loop_file import Loop

if TYPE_CHECKING:
    import pandas as pd


def features_frame(loop: Loop, rows: pa.Table) -> "pd.DataFrame":
    """Return one column an input: strings, float64, or for a vector one float64 column an element.

    Parameters
    ----------
    loop
        Names the inputs; a vector ``pixels`` becomes ``pixels_0``, ``pixels_1`` …
    rows
        Has ``input_<name>`` for each input; missing text is empty, a missing number NaN.

    Returns
    -------
    pandas.DataFrame
        One row a row, in order.
    """
    import pandas as pd

    columns: dict[str, object] = {}
    for name, item in loop.inputs.items():
        values = rows.column(f"input_{name}").to_pylist()
        if item.type == "vector":
            size = item.size or 0
            empty = [np.nan] * size
            matrix = np.array([empty if value is None else value for value in values], dtype=np.float64).reshape(
                -1, size
            )
            columns |= {f"{name}_{place}": matrix[:, place] for place in range(size)}
        elif item.type == "numeric":
            columns[name] = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        else:
            columns[name] = pd.Series(["" if value is None else value for value in values], dtype=object)
    return pd.DataFrame(columns)
