"""Which p-values of a window are discoveries, when everything that may flag it shares one false alarm rate."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from include.foundation.config.data_sections import Drift
from include.foundation.statistics.false_discovery import flagged_by_false_discovery

Family = Literal["columns", "segments", "estimated", "labels"]
# Accuracy on labels is not among them: it has a rate of its own, over a version's whole life.
SHARES: dict[Family, float] = {"columns": 5 / 8, "segments": 1 / 8, "estimated": 3 / 16, "labels": 1 / 16}


def discoveries(drift: Drift, family: Family, p_values: ArrayLike, part: float = 1.0) -> list[bool]:
    """Return which p-values of a family are discoveries (Benjamini & Hochberg 1995).

    Parameters
    ----------
    drift
        States ``false_alarm_rate``.
    family
        What is tested together: columns of all rows, columns of segments, estimated accuracy, or shares of labels. Each has
        its share of the rate, so that the window as a whole keeps it.
    p_values
        float64, (n,), each 0 to 1; may be empty.
    part
        Of the family's share, where the family is tested more than once.
    """
    rate = SHARES[family] * drift.false_alarm_rate * part
    flags: list[bool] = flagged_by_false_discovery(np.asarray(p_values, dtype=np.float64), rate).tolist()
    return flags
