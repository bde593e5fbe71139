"""How many labels people can give in time: what is open, and how fast they answered, bound what is asked."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.store.ledgers.annotations import annotators_answers
from include.foundation.store.ledgers.outcomes import resolved_requests
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore

WATCHED = timedelta(days=14)  # of answers say how fast people are
REMEMBERED = timedelta(days=60)  # for which nobody may answer until that is forgotten
SHORTEST = timedelta(days=1)
FEWEST = 20  # answers


@dataclass(frozen=True)
class Backlog:
    """What annotators have before them.

    Attributes
    ----------
    open
        Requests of the first tier that were made, are not resolved and have not passed their deadline.
    per_day
        Requests that people answered in full a day lately; None where less than a day, or 20 answers, say how many.
    days
        The deadline.
    """

    open: int
    per_day: float | None
    days: float

    @property
    def room(self) -> int | None:
        """How many further requests would be answered by the deadline; None where it is not known."""
        return None if self.per_day is None else max(0, int(self.per_day * self.days) - self.open)

    def bounded(self, budget: int, least: int, days: float) -> int:
        """Return how many labels to ask for: what would be answered by the deadline, or as many as are answered meanwhile.

        Parameters
        ----------
        budget
            How many are wanted.
        least
            How many are asked for in any case: measuring must not end where nobody answers.
        days
            Until labels are asked for again.

        Examples
        --------
        >>> Backlog(open=80, per_day=40, days=3).bounded(60, least=12, days=1)
        40
        >>> Backlog(open=200, per_day=5, days=3).bounded(60, least=12, days=1)
        12
        """
        if self.room is None or self.per_day is None:
            return budget
        return min(budget, max(self.room, int(self.per_day * days), least))

    def says(self, asked: int, budget: int) -> str:
        """Return in words why fewer labels are asked for than wanted."""
        return (
            f"Asked for {asked} labels instead of {budget}: {self.open} requests are open, and people answer "
            f"{self.per_day:.1f} a day, so that more would pass the deadline of {self.days:g} days."
        )


def backlog_of(store: LoopStore) -> Backlog:
    """Return what the annotators of the first tier have before them, and how fast they were."""
    loop = store.loop
    patience, oldest = loop.patience(FIRST_TIER), datetime.now(UTC) - loop.patience(FIRST_TIER)
    asked = store.read("requests", columns=["request_id", "pushed_at"], filters=[("tier", "=", FIRST_TIER)]).to_pylist()
    in_time = {row["request_id"] for row in asked if row["pushed_at"] is None or row["pushed_at"] > oldest}
    waiting = in_time - resolved_requests(store) if in_time else in_time
    return Backlog(len(waiting), _per_day(store), patience / timedelta(days=1))


def _per_day(store: LoopStore) -> float | None:
    """Return how many requests were answered in full a day, in the last days before the newest answer."""
    known: Filter = [("created_at", ">=", datetime.now(UTC) - REMEMBERED)]
    times = annotators_answers(store, ["created_at"], known).column("created_at")
    if len(times) < FEWEST:
        return None
    newest = pc.max(times).as_py()
    lately = times.filter(pc.greater(times, newest - WATCHED))
    span = newest - pc.min(lately).as_py()
    return None if span < SHORTEST else len(lately) / store.loop.labeling.overlap / (span / timedelta(days=1))
