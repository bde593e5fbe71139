"""alibi-detect: ``TabularDrift`` on one array with the categories as integers; p < 0.05 after Bonferroni, its default."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from alibi_detect.cd import TabularDrift  # type: ignore[import-not-found]  # in its own environment

from benchmarks.peers import frames


def judge(reference: Any, windows: Sequence[Any], columns: frames.Columns, _variant: str) -> list[bool]:
    """Test every window.

    Parameters
    ----------
    reference, windows, columns, _variant
        As `benchmarks.peers.frames.main` says.
    """
    first = len(columns.numeric)
    categories = {first + place: None for place in range(len(columns.categorical))}
    known = {name: np.unique(reference[name].to_numpy().astype(str)) for name in columns.categorical}
    detector = TabularDrift(_array(reference, columns, known), categories_per_feature=categories or None)
    return [bool(detector.predict(_array(window, columns, known))["data"]["is_drift"]) for window in windows]


def _array(frame: Any, columns: frames.Columns, known: dict[str, Any]) -> Any:
    """Return numbers and codes, (rows, columns); a category that the reference lacks counts as its neighbour."""
    numbers = [frame[name].to_numpy() for name in columns.numeric]
    codes = [
        np.searchsorted(known[name], frame[name].to_numpy().astype(str)).clip(max=known[name].size - 1)
        for name in columns.categorical
    ]
    return np.column_stack([*numbers, *codes])


if __name__ == "__main__":
    frames.main(judge)
