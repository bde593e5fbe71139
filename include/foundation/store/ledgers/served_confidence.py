"""How confident versions were in all rows that they served, day by day, beside rows of which the label is known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from include.foundation.statistics.calibrated_confidence import BIN_CENTRES, confidence_bins
from include.foundation.statistics.label_noise import ServedItems
from include.foundation.statistics.prediction_powered import NO_CELL, LoggedConfidence
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy

KIND, SERVED = "served", "served@"
MOST_DAYS = 92  # the newest, beside which it is read what was logged: its cost does not grow with a version's life
DAY = timedelta(days=1)
Cell = tuple[str, str]


class Served(Protocol):
    """A labeled row, as it was served."""

    @property
    def trace_id(self) -> str:
        """Of its prediction."""

    @property
    def ts(self) -> datetime:
        """When it was served."""

    @property
    def model_version(self) -> str | None:
        """By which version."""

    @property
    def predicted(self) -> str:
        """As which class."""

    @property
    def confidence(self) -> float | None:
        """How confidently; None where no probabilities were logged."""

    @property
    def inclusion_probability(self) -> float:
        """With which probability it was drawn."""


class ServedRow(NamedTuple):
    """A drawn row, as it was served."""

    trace_id: str
    ts: datetime
    model_version: str | None
    predicted: str
    confidence: float | None
    inclusion_probability: float


@dataclass(frozen=True)
class ServedBeside:
    """Labeled rows, and what was served on their days.

    Attributes
    ----------
    rows
        The labeled rows.
    counts
        How many rows were served, by segment, by day and version, and by bin and class; see `category_of`.
    classes
        Of the loop.
    """

    rows: Sequence[Served]
    counts: dict[str, dict[Cell, dict[tuple[int, str], float]]]
    classes: Sequence[str]

    def at(self, keep: Sequence[bool] | NDArray[np.bool_]) -> "ServedBeside":
        """Return what is known of some of the rows, (n,) of whether each is one of them."""
        kept = [place for place, is_kept in enumerate(keep) if is_kept]
        return replace(self, rows=[self.rows[place] for place in kept])

    def behind(self, items: NDArray[np.int64]) -> ServedItems:
        """Return the rows as those that some items stand for, (n,) the number of the item of each."""
        weights = np.array([1 / row.inclusion_probability for row in self.rows], dtype=np.float64)
        return ServedItems(items, weights, self.confidence())

    def confidence(self, segment: str = "", *, by_class: bool = False) -> LoggedConfidence:
        """Return the confidence in the labeled rows and in all that were served beside them.

        Parameters
        ----------
        segment
            The segment value that all labeled rows have, as ``desk=eu``; none by default.
        by_class
            Whether the classes that were served are told apart, in the loop's order; of all rows alone.
        """
        counts = self.counts.get(segment, {})
        cells = {cell: place for place, cell in enumerate(counts)}
        numbers = {name: place for place, name in enumerate(self.classes)} if by_class else {}
        logged = np.zeros((len(cells), max(1, len(numbers)), BIN_CENTRES.size))
        for cell, place in cells.items():
            for (confidence, name), times in counts[cell].items():
                logged[place, numbers.get(name, 0), confidence] += times
        said = np.array([np.nan if row.confidence is None else row.confidence for row in self.rows], dtype=np.float64)
        own = [cells.get(_cell(row), NO_CELL) for row in self.rows]
        return LoggedConfidence(
            BIN_CENTRES, logged,
            cells=np.where(np.isnan(said), NO_CELL, np.array(own, dtype=np.int64)),
            classes=np.array([numbers.get(row.predicted, 0) for row in self.rows], dtype=np.int64),
            bins=np.asarray(confidence_bins(said), dtype=np.int64), names=[row.trace_id for row in self.rows],
        )  # fmt: skip


def served_beside(
    store: LoopStore,
    rows: Sequence[Served],
    since: datetime | None = None,
    until: datetime | None = None,
) -> ServedBeside:
    """Return labeled rows with what was served on their days, of the newest `MOST_DAYS` days of them.

    Counts were kept when the days were profiled, so no logged row is read again. Where a class was retired, days before that
    are left out: of their rows, those of the class have no label any more.

    Parameters
    ----------
    store
        Tables of the loop.
    rows
        All rows with a label that were drawn within the bounds.
    since, until
        Rows were drawn from what was logged after and before these moments: of days that are not wholly within, it is not known
        what was.
    """
    bounds = _since(store, since), until
    days = sorted({_day(row.ts) for row in rows if _is_within(row.ts, *bounds)})[-MOST_DAYS:]
    columns = ["day", "segment", "column", "counts", "categories"]
    profiles = (
        store.read("profiles", columns=columns, filters=[("day", "in", days), ("kind", "=", KIND)]) if days else None
    )
    taxonomy, counts = Taxonomy.of(store.loop.task), dict[str, dict[Cell, dict[tuple[int, str], float]]]()
    for row in profiles.to_pylist() if profiles is not None else []:
        cell = counts.setdefault(row["segment"], {}).setdefault((row["day"], row["column"].removeprefix(SERVED)), {})
        for category, times in zip(row["categories"], row["counts"], strict=True):
            confidence, name = _read(category)
            key = (confidence, taxonomy.shown(name) or "")
            cell[key] = cell.get(key, 0.0) + times
    return ServedBeside(rows, counts, store.loop.task.classes)


def _since(store: LoopStore, since: datetime | None) -> datetime | None:
    if not store.loop.task.retired:
        return since
    today = Taxonomy.of(store.loop.task).digest
    noted = store.read("taxonomies", filters=[("taxonomy", "=", today)]).column("since").to_pylist()
    return max([*noted, *([since] if since else [])], default=datetime.max.replace(tzinfo=UTC))


def category_of(confidence: int, name: str) -> str:
    """Return how a bin and the class that was served in it are stored; the class is empty where classes are not told apart.

    Examples
    --------
    >>> category_of(7, "earn"), _read("07 earn")
    ('07 earn', (7, 'earn'))
    """
    return f"{confidence:02d} {name}"


def _read(category: str) -> tuple[int, str]:
    confidence, _, name = category.partition(" ")
    return int(confidence), name


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


def _cell(row: Served) -> Cell:
    return _day(row.ts), row.model_version or ""


def _is_within(moment: datetime, since: datetime | None, until: datetime | None) -> bool:
    """Tell whether the whole day of a moment is within some bounds."""
    start = datetime.combine(moment.astimezone(UTC).date(), time(), UTC)
    return (since is None or since <= start) and (until is None or start + DAY <= until)
