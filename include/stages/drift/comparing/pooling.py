"""What columns have in common: figures of single columns, which are noisy, drawn to their mean."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from include.stages.drift.comparing.column_line import ColumnLine

SHARED = {"location", "spread", "shape", "missing", "unseen", "rare", "estimate"}
Numbers = NDArray[np.float64]


def pooled(
    columns: Sequence[ColumnLine], figures: Sequence[Numbers], errors: Sequence[Numbers | float]
) -> list[Numbers]:
    """Return for each column's statistics, (k,), the mean of all columns, or its own less an error where that is more.

    Parameters
    ----------
    columns
        Of which only statistics that vary count; the shares of single categories count together.
    figures
        Of each column, (k,).
    errors
        Of the figures, (k,) or one for all.
    """
    groups: dict[str, list[float]] = {}
    for line, figure in zip(columns, figures, strict=True):
        for name, value, varies in zip(line.reference.names, figure, line.varies, strict=True):
            groups.setdefault(_group(name), []).extend([float(value)] if varies else [])
    means = {name: float(np.mean(values)) if values else 0.0 for name, values in groups.items()}
    return [
        np.maximum([means[_group(name)] for name in line.reference.names], figure - error)
        for line, figure, error in zip(columns, figures, errors, strict=True)
    ]


def _group(name: str) -> str:
    return name if name in SHARED else "category"
