"""What users' and sensors' signals are worth: how often the model was wrong in drawn rows that have one."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from include.foundation.intervals import moved
from include.foundation.statistics.estimates import Estimate, weighted_mean
from include.foundation.store.ledgers.labeled_draws import LabeledDraw, labeled_draws
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore

MEASURED = timedelta(days=90)  # that drawn rows are looked at
MOST_VALUES = 12  # of a signal that is told apart by what it says, such as a rating
ANSWERS = "correction"  # whatever class it names, it is the same signal
BASE_ROWS = 2.0  # with which a share is drawn to the one of all rows
DOUBT = 0.05  # that any signal is taken to tell something that tells nothing

LARGEST = 1e6  # number that is a value of few
WORD = re.compile(r"[\w-]{1,20}")

Key = tuple[str, str]  # signal, with its value where values are told apart, and kind


@dataclass(frozen=True)
class SignalWorth:
    """How often the model was wrong in rows with a signal.

    Attributes
    ----------
    signal, kind
        As ``feedback`` has them; ``rating=1`` is a rating whose value is 1.
    wrong
        Share of the drawn and labeled rows with the signal, as they were served, in which the model was wrong.
    overall
        The same of all drawn rows.
    """

    signal: str
    kind: str
    wrong: Estimate
    overall: float

    @property
    def expected(self) -> float:
        """What share of further rows with the signal is expected to be wrong: the one found, drawn to the one of all rows."""
        rows = self.wrong.effective_rows
        return ((self.wrong.value or 0.0) * rows + self.overall * BASE_ROWS) / (rows + BASE_ROWS)

    @property
    def tells_errors(self) -> bool:
        """Whether it is shown that the model is wrong more often than elsewhere."""
        return self.wrong.low is not None and self.wrong.low > self.overall

    @property
    def tells_right(self) -> bool:
        """Whether it is shown that the model is wrong less often than elsewhere."""
        return self.wrong.high is not None and self.wrong.high < self.overall

    @property
    def meaning(self) -> str:
        """What is shown of it."""
        if self.tells_errors:
            return "tells of errors"
        return "tells of right answers" if self.tells_right else "not shown to tell anything"

    @property
    def says(self) -> str:
        """What it is worth, in words that annotators may read."""
        share = f"wrong in {self.wrong.value:.0%} of {self.wrong.rows} rows, and in {self.overall:.0%} of all"
        return f"{self.signal} ({self.kind}): {share}"


def signal_worths(store: LoopStore, until: datetime) -> list[SignalWorth]:
    """Return what each signal was worth in the drawn rows of the 90 days before a moment, the most frequent first.

    Parameters
    ----------
    store
        Tables of the loop.
    until
        Rows from then on do not count.

    Notes
    -----
    Only drawn rows: what was chosen for its score, or because a user said something, tells nothing of other rows. Their labels
    are of annotators who saw neither the prediction nor the signal. All intervals together hold with 95 % (Bonferroni).
    """
    if store.version("feedback") is None:
        return []
    since = moved(until, -MEASURED)
    draws = labeled_draws(store, since=since, until=until)
    by_trace_id = {draw.trace_id: draw for draw in draws}
    filters: Filter = [("ts", ">=", since), ("trace_id", "in", sorted(by_trace_id))]
    columns = ["trace_id", "kind", "signal", "value", "held_back"]
    rows = store.read("feedback", columns=columns, filters=filters).to_pylist() if draws else []
    signals = [row for row in rows if row["held_back"] is None]
    groups: dict[Key, set[str]] = {}
    for row, key in zip(signals, keys_of_signals(signals), strict=True):
        groups.setdefault(key, set()).add(row["trace_id"])
    level, overall = 1 - DOUBT / max(len(groups), 1), _wrong(draws, 1 - DOUBT).value or 0.0
    worths = [
        SignalWorth(*key, _wrong([by_trace_id[name] for name in sorted(names)], level), overall)
        for key, names in groups.items()
    ]
    return sorted(worths, key=lambda worth: (-worth.wrong.rows, worth.signal, worth.kind))


def keys_of_signals(rows: Sequence[Mapping[str, Any]], known: Iterable[Key] | None = None) -> list[Key]:
    """Return what each signal is counted as: its name and kind, with its value where a signal has few values.

    Parameters
    ----------
    rows
        Signals with ``signal``, ``kind`` and ``value``.
    known
        What others were counted as: a signal is then told apart by its value if one of these was. If None, the rows say it.
    """
    values = [None if row["signal"] == ANSWERS else _value(row["value"]) for row in rows]
    named = [(f"{row['signal']}={value}", row["kind"]) for row, value in zip(rows, values, strict=True)]
    plain = [(row["signal"], row["kind"]) for row in rows]
    told_apart: dict[Key, set[Key]] = {}
    for key, name, value in zip(plain, named, values, strict=True):
        told_apart.setdefault(key, set()).update([name] if value is not None else [])
    apart = {name for names in told_apart.values() if len(names) <= MOST_VALUES for name in names}
    apart = apart if known is None else set(known)
    return [
        name if value is not None and name in apart else key
        for key, name, value in zip(plain, named, values, strict=True)
    ]


def _value(value: str | None) -> str | None:
    """Return a number, a truth value or a short word; None of anything else, such as what a user wrote, and of nothing."""
    said = None if value is None else json.loads(value)
    if isinstance(said, bool):
        return str(said).lower()
    if isinstance(said, int | float):
        return f"{said:g}" if abs(said) <= LARGEST else None
    return said if isinstance(said, str) and WORD.fullmatch(said) else None


def _wrong(draws: Sequence[LabeledDraw], level: float) -> Estimate:
    return weighted_mean(
        [float(draw.label != draw.predicted) for draw in draws],
        [draw.inclusion_probability for draw in draws],
        level,
        [draw.group_key for draw in draws],
    )
