"""What scoring a batch costs, learned while it is served, and whether waiting for one more row would pay."""

from collections import deque
from statistics import median

MEMORY = 0.98  # weight of what was learned before, at each batch
GAPS = 16  # newest gaps between arrivals that say when the next one comes


class BatchCost:
    """Duration of a batch of n rows as ``a·n + b`` seconds, by least squares in which old batches fade.

    Examples
    --------
    >>> cost = BatchCost()
    >>> for rows in (1, 8, 2, 16):
    ...     cost.learn(rows, 0.005 + 0.0001 * rows)
    >>> round(cost.per_row, 6), round(cost.per_batch, 6), round(cost.seconds(10), 6)
    (0.0001, 0.005, 0.006)
    """

    def __init__(self) -> None:
        self.per_row, self.per_batch = 0.0, 0.0
        self._weight = self._rows = self._squares = self._seconds = self._products = 0.0

    def learn(self, rows: int, seconds: float) -> None:
        """Take in how long a batch took.

        Parameters
        ----------
        rows
            Of the batch, at least 1.
        seconds
            What scoring it took.
        """
        self._weight = MEMORY * self._weight + 1
        self._rows = MEMORY * self._rows + rows
        self._squares = MEMORY * self._squares + rows * rows
        self._seconds = MEMORY * self._seconds + seconds
        self._products = MEMORY * self._products + rows * seconds
        spread = self._weight * self._squares - self._rows**2
        if spread > 1e-9 * self._weight * self._squares:  # else every batch was as large, and only the sum is known
            slope = (self._weight * self._products - self._rows * self._seconds) / spread
            self.per_row = min(max(slope, 0.0), self._seconds / self._rows)
        self.per_batch = max((self._seconds - self.per_row * self._rows) / self._weight, 0.0)

    def seconds(self, rows: int) -> float:
        """Return how long a batch of so many rows takes; 0 before anything was learned."""
        return self.per_row * rows + self.per_batch


class Arrivals:
    """When the next request may be expected: the median of the newest gaps, so that pauses between bursts do not count.

    Examples
    --------
    >>> arrivals = Arrivals()
    >>> for moment in (0.0, 0.001, 0.002, 0.5, 0.501):
    ...     arrivals.note(moment)
    >>> round(arrivals.gap, 6)
    0.001
    """

    def __init__(self) -> None:
        self.gap = float("inf")
        self._last: float | None = None
        self._gaps: deque[float] = deque(maxlen=GAPS)

    def note(self, moment: float) -> None:
        """Take in the moment of an arrival, in seconds of a clock that never goes back."""
        if self._last is not None:
            self._gaps.append(moment - self._last)
            self.gap = median(self._gaps)
        self._last = moment


def worth_waiting(cost: BatchCost, gap: float, rows: int) -> float:
    """Return the seconds for which waiting for one more row pays; 0 if it does not.

    A row that joins saves the fixed cost of a batch of its own. Each row that is there already, and the new one, are
    answered later by the gap, and those that are there by the cost of one more row. Waiting pays if what it saves is more.

    Parameters
    ----------
    cost
        Of batches.
    gap
        Seconds until the next row is expected.
    rows
        That wait already, at least 1.

    Examples
    --------
    >>> cost = BatchCost()
    >>> for rows in (1, 8):
    ...     cost.learn(rows, 0.005 + 0.0001 * rows)
    >>> worth_waiting(cost, 0.0002, rows=4) > 0, worth_waiting(cost, 0.02, rows=1)
    (True, 0.0)
    """
    pays = gap * (rows + 1) + cost.per_row * rows < cost.per_batch
    return 2 * gap if pays else 0.0
