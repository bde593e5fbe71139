"""What a peer's script is given: files or arrays of a reference and of windows. Runs in the peers' environments."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Columns:
    """Columns of a frame by how they are compared."""

    numeric: list[str]
    categorical: list[str]

    @property
    def names(self) -> list[str]:
        """Every column."""
        return [*self.numeric, *self.categorical]


Judge = Callable[[Any, Sequence[Any], Columns, str], Sequence[bool]]


def main(judge: Judge) -> None:
    """Run what the command line asks for: ``flags ARRAYS…`` or ``compare FRAMES [VARIANT]``; the last line printed is JSON.

    Parameters
    ----------
    judge
        Takes a reference and windows as data frames, their columns and a variant of the tool (``""`` is the usual one); returns
        of each window whether it drifted.

    Notes
    -----
    FRAMES is a JSON object: ``reference`` a list of Parquet files, ``current`` such a list or ``windows`` a list of such lists,
    ``numeric`` and ``categorical`` names of columns.
    """
    what, path, *others = sys.argv[1:]
    if what == "flags":
        found = [flag for arrays in (path, *others) for flag in judge(*_arrays(arrays), "")]
    else:
        found = list(judge(*_frames(json.loads(Path(path).read_text())), others[0] if others else ""))
    print(json.dumps([bool(one) for one in found]))


def _arrays(path: str) -> tuple[Any, list[Any], Columns]:
    import pandas as pd

    with np.load(path) as arrays:
        names = [f"x{place}" for place in range(arrays["reference"].shape[1])]
        reference = pd.DataFrame(arrays["reference"], columns=names)
        return reference, [pd.DataFrame(window, columns=names) for window in arrays["windows"]], Columns(names, [])


def _frames(told: dict[str, Any]) -> tuple[Any, list[Any], Columns]:
    columns = Columns(told["numeric"], told["categorical"])
    windows = told.get("windows") or [told["current"]]
    return _read(told["reference"], columns.names), [_read(files, columns.names) for files in windows], columns


def _read(files: list[str], columns: list[str]) -> Any:
    import pyarrow.dataset

    return pyarrow.dataset.dataset(files, format="parquet").to_table(columns=columns).to_pandas()
