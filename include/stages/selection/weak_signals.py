"""Signals that say nothing of what is right, but were shown to tell of errors: they nominate rows, and label none."""

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.intervals import Interval, moved
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.selection.requests import BY_SIGNAL, WEAK
from include.stages.selection.signal_worth import SignalWorth, keys_of_signals, signal_worths

NOMINATING = ("report", "correction")  # explicit ones nominate whatever they are worth


def telling(worths: list[SignalWorth]) -> list[SignalWorth]:
    """Return the weak signals that tell of errors, those that tell most first."""
    weak = [each for each in worths if each.tells_errors and _is_weak(each.signal.split("=")[0], each.kind)]
    return sorted(weak, key=lambda each: (-each.expected, each.signal, each.kind))


def _is_weak(signal: str, kind: str) -> bool:
    return not (kind == "explicit" and signal in NOMINATING)


def weak_signals(store: LoopStore, interval: Interval) -> list[dict[str, Any]]:
    """Return the signals of an interval and its look-back that tell of errors, each with the reason to label its row.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Its rows are chosen from.

    Returns
    -------
    list of dict
        Rows of ``feedback`` with a ``reason``; those that tell most come last.
    """
    since = moved(interval.start, -timedelta(hours=store.loop.logs.look_back_hours))
    lately = store.read("feedback", columns=["signal", "kind"], filters=[("ts", ">=", since)])
    if not any(_is_weak(**each) for each in lately.group_by(["signal", "kind"]).aggregate([]).to_pylist()):
        return []  # so that nothing need be measured
    worths = signal_worths(store, interval.end)
    strong = {(each.signal, each.kind): each for each in telling(worths)}
    if not strong:
        return []
    names = sorted({name for signal, _ in strong for name in (signal, signal.split("=")[0])})
    filters: Filter = [("ts", ">=", since), ("signal", "in", names)]
    rows = [row for row in store.read("feedback", filters=filters).to_pylist() if row["held_back"] is None]
    known = [(each.signal, each.kind) for each in worths]
    nominated = [
        (strong[key].expected, row | {"reason": f"{WEAK}: {strong[key].says}"})
        for row, key in zip(rows, keys_of_signals(rows, known), strict=True)
        if key in strong
    ]
    return [row for _, row in sorted(nominated, key=lambda each: (each[0], each[1]["ts"], each[1]["feedback_id"]))]


def told_by_signals(batch: pa.Table) -> tuple[str, ...]:
    """Return how many requests of a batch weak signals nominated, and what these are worth; nothing if none."""
    told = batch.filter(pc.equal(batch.column("cause"), BY_SIGNAL)).column("reasons").to_pylist()
    reasons = [reasons[0] for reasons in told]
    worths = sorted({reason.split(": ", 1)[1] for reason in reasons if ": " in reason})
    return (f"{len(reasons)} of them have {WEAK}{''.join(f'; {worth}' for worth in worths)}.",) if reasons else ()
