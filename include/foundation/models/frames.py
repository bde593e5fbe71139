"""Turn rows of the store into the frame that a model takes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.errors import ContractError
from include.foundation.store.tables import LoopStore

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
            matrix = vector_matrix(name, item.size or 0, values)
            columns |= {f"{name}_{place}": matrix[:, place] for place in range(matrix.shape[1])}
        elif item.type == "numeric":
            columns[name] = _numbers([np.nan if value is None else value for value in values])
        else:
            columns[name] = pd.Series(["" if value is None else value for value in values], dtype=object)
    return pd.DataFrame(columns)


def with_columns(frame: "pd.DataFrame", columns: Mapping[str, bool]) -> "pd.DataFrame":
    """Return a frame with the columns that a model was fitted on, whatever inputs the loop file has named since.

    Parameters
    ----------
    frame
        As `features_frame` makes it.
    columns
        Names, and which of them are texts: one that the frame lacks is missing in every row, and others are left out.
    """
    import pandas as pd

    made = {
        name: frame[name] if name in frame else pd.Series([""] * len(frame), dtype=object) if is_text else np.nan
        for name, is_text in columns.items()
    }
    return pd.DataFrame(made, index=frame.index)


def vector_matrix(name: str, size: int, values: Sequence[list[float] | None]) -> NDArray[np.float64]:
    """Return the vectors of an input as a matrix, (rows, size); NaN where one is missing.

    Parameters
    ----------
    name, size
        Of the input.
    values
        Vectors, as the store has them.

    Raises
    ------
    ContractError
        If some have another size: the loop file gave the input another one when they were stored.

    Examples
    --------
    >>> vector_matrix("pixels", 2, [[1.0, 2.0], None])
    array([[ 1.,  2.],
           [nan, nan]])
    """
    if others := sorted({len(value) for value in values if value is not None} - {size}):
        raise ContractError(_other_size(name, size, others))
    unknown = [np.nan] * size
    return _numbers([unknown if value is None else value for value in values]).reshape(-1, size)


def changed_sizes(store: LoopStore) -> list[str]:
    """Return a sentence for each vector that labels have in another size than the loop file gives it."""
    sentences = []
    for name, item in store.loop.inputs.items():
        if item.type == "vector":
            vectors = store.read("labels", columns=[f"input_{name}"]).column(0)
            sizes = set(pc.unique(pc.list_value_length(vectors)).to_pylist()) - {None, item.size}
            sentences += [_other_size(name, item.size, sorted(sizes))] if sizes else []
    return sentences


def _other_size(name: str, size: int | None, others: Sequence[int]) -> str:
    sizes = ", ".join(map(str, others))
    return (
        f"inputs.{name}.size: got {size}, but stored rows have vectors of {sizes} numbers; give an input whose size changed "
        "another name"
    )


def _numbers(values: Sequence[object]) -> NDArray[np.float64]:
    return np.clip(np.array(values, dtype=np.float64), -LARGEST, LARGEST)
