"""NannyML: univariate drift with its default methods and thresholds; a window is one chunk and drifted if any column alerts.

Its default of ten chunks a frame makes every small window alert, so the size of a chunk is that of the window, unless the
variant is ``ten_chunks``; windows are then drifted if any of their chunks alerts.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from nannyml import UnivariateDriftCalculator  # type: ignore[import-not-found]  # in its own environment

from benchmarks.peers import frames


def judge(reference: Any, windows: Sequence[Any], columns: frames.Columns, variant: str) -> list[bool]:
    """Fit on the reference and calculate on the windows, which have equally many rows.

    Parameters
    ----------
    reference, windows, columns, variant
        As `benchmarks.peers.frames.main` says.
    """
    size = None if variant == "ten_chunks" else len(windows[0])
    calculator = UnivariateDriftCalculator(
        column_names=columns.names, treat_as_categorical=columns.categorical or None, chunk_size=size
    )
    calculator.fit(reference)
    if size is None:
        return [any(_alerts(calculator.calculate(window), columns)) for window in windows]
    return _alerts(calculator.calculate(pd.concat(windows, ignore_index=True)), columns)


def _alerts(found: Any, columns: frames.Columns) -> list[bool]:
    table = found.filter(period="analysis").to_df()
    alerts = [column for column in table.columns if column[-1] == "alert" and column[0] in columns.names]
    return [bool(one) for one in np.any(table.loc[:, alerts].to_numpy(dtype=bool), axis=1)]


if __name__ == "__main__":
    frames.main(judge)
