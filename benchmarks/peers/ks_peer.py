"""Kolmogorov-Smirnov for numbers and chi-squared for categories by hand: a frame drifted if any p-value is below 0.05."""

from collections.abc import Iterator, Sequence
from typing import Any

from scipy import stats

from benchmarks.peers import frames

LEVEL = 0.05


def judge(reference: Any, windows: Sequence[Any], columns: frames.Columns, _variant: str) -> list[bool]:
    """Test every column of every window.

    Parameters
    ----------
    reference, windows, columns, _variant
        As `benchmarks.peers.frames.main` says.
    """
    return [min(_p_values(reference, window, columns)) < LEVEL for window in windows]


def _p_values(reference: Any, window: Any, columns: frames.Columns) -> Iterator[float]:
    for name in columns.numeric:
        yield stats.ks_2samp(reference[name].to_numpy(), window[name].to_numpy()).pvalue
    for name in columns.categorical:
        counts = [frame[name].value_counts() for frame in (reference, window)]
        table = counts[0].to_frame("reference").join(counts[1].rename("window"), how="outer").fillna(0)
        yield stats.chi2_contingency(table.to_numpy().T).pvalue


if __name__ == "__main__":
    frames.main(judge)
