"""Whether the columns of a window, all together, are further from ordinary than those of an ordinary day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from include.foundation.statistics.tails import two_sided_t
from include.stages.drift.comparing.column_line import ColumnLine
from include.stages.drift.comparing.held_days import Distances, Held, Numbers

WEIGHTS = {"location": 3}  # most shifts show there; the weight of any other statistic is 1
FURTHEST_STATISTIC = 3.0  # standard errors that one statistic counts for at most: one far column is no drift of all
FEWEST_COLUMNS = 3


@dataclass(frozen=True)
class SquaredDistance:
    """How far a column is from ordinary: the weighted mean of its statistics' squared distances in standard errors.

    Attributes
    ----------
    window
        Of the window, or of it and the windows before together.
    runs
        Of as many reference days in a row, by the ordinal of the first.
    length
        Days of a run.
    independent
        Share of its reference days that are independent, on average of its statistics, 0 to 1.
    """

    window: float
    runs: Mapping[int, float]
    length: int
    independent: float


def squared_distance(line: ColumnLine, held: Held, distances: Distances | None) -> SquaredDistance | None:
    """Return how far a column is from ordinary; None where its values do not vary or are not known.

    Parameters
    ----------
    line
        Of the column. Shares of missing, unseen and rare values do not count: they say what is wrong with single columns.
    held
        What is assumed of its statistics.
    distances
        How far they are from the line.
    """
    if distances is None:
        return None
    counts = (line.varies | np.isinf(distances.window)) & ~np.array(line.reference.are_rare)
    weights = np.array([WEIGHTS.get(name, 1) for name in line.reference.names]) * counts
    if not counts.any():
        return None
    window, *runs = (
        np.minimum(np.abs([distances.window, *distances.runs]), FURTHEST_STATISTIC) ** 2 @ weights / weights.sum()
    )
    by_day = dict(zip(distances.run_days.tolist(), map(float, runs), strict=True))
    independent = float(held.independent @ weights / weights.sum())
    return SquaredDistance(float(window), by_day, int((distances.weights > 0).sum()), min(1.0, independent))


@dataclass(frozen=True)
class JointTest:
    """All columns of a window together.

    Attributes
    ----------
    expected, current
        The mean of the columns' squared distances on ordinary days, and in the window.
    p_value, rarest
        Of the window, and the smallest that any run of reference days has when it is held against the others.
    """

    expected: float
    current: float
    p_value: float
    rarest: float


def joint_test(columns: Sequence[SquaredDistance]) -> JointTest | None:
    """Hold the mean of some columns' squared distances against that of each ordinary day.

    Returns
    -------
    JointTest or None
        None with fewer than three columns, or if the reference is shorter than three runs.

    Notes
    -----
    A sum of squares, or a gamma variable, is nearly normal as its cube root (Wilson & Hilferty 1931). So a t prediction
    interval holds, one-sided, whose standard deviation is that between ordinary days: however columns depend on each other,
    they do so on those as well. Runs overlap; as many are independent as fit beside each other, less where days depend on each
    other. A squared standard error is 1 on average, so runs are not taken for less: the line was fitted to these days.
    """
    length = max((one.length for one in columns), default=1)
    days = sorted({day for one in columns for day in one.runs})
    if len(columns) < FEWEST_COLUMNS or len(days) < 3 * length:
        return None
    means = np.array([np.mean([one.runs[day] for one in columns if day in one.runs]) for day in days])
    means *= max(1.0, 1 / max(float(means.mean()), 1e-9))
    current, roots = float(np.mean([one.window for one in columns])), np.cbrt(means)
    furthest = int(np.argmax(roots))
    independent = float(np.mean([one.independent for one in columns])) / length
    p_value = _upper_p_value(np.cbrt(current), roots, independent)
    rarest = _upper_p_value(float(roots[furthest]), np.delete(roots, furthest), independent)
    return JointTest(float(means.mean()), current, p_value, rarest)


def _upper_p_value(root: float, roots: Numbers, independent: float) -> float:
    """Return the chance of a value as large as this among others, of which a share is independent."""
    count = max(2.0, len(roots) * independent)
    variance = float(roots.var()) * count / (count - 1)
    if variance == 0:
        return float(root <= roots[0])
    t = (root - roots.mean()) / np.sqrt(variance * (1 + 1 / count))
    tail = float(two_sided_t(np.array([t]), count - 1)[0]) / 2
    return tail if t > 0 else 1 - tail
