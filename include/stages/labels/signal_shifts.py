"""How weak signals shift what is thought of a requested row: by what they were shown to be worth, and no more."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from include.foundation.intervals import moved
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.labels.user_voices import may_count, users_count
from include.stages.selection.signal_worth import ANSWERS, SignalWorth, keys_of_signals, signal_worths

COLUMNS = ("request_id", "trace_id", "ts", "asked_at", "stratum", "split", "tier", "hidden_prelabel", "prelabel")
LEAST = 0.01  # share of wrong rows that any signal is taken to leave, and of right ones

Floats = NDArray[np.float64]
Row = Mapping[str, Any]


def signal_shifts(store: LoopStore, requests: Sequence[str]) -> Floats | None:
    """Return by how much signals raise the logarithm of the probability of each class, (requests, classes); None if none does.

    Parameters
    ----------
    store
        Tables of the loop.
    requests
        Their ids.

    Notes
    -----
    A signal says how probable it is that the model was wrong: *w* in rows with it, *b* in all. That divides the odds that the
    model was right by ``w / (1 - w) · (1 - b) / b``, whatever else is known of the row. Signals depend on each other, so of
    several the one that says most counts. Only those count whose interval is on one side of *b*, and only in labels in which
    users' corrections may.
    """
    if not users_count(store.loop) or store.version("feedback") is None:
        return None
    ledger = store.read("requests", columns=list(COLUMNS), filters=[("request_id", "in", list(requests))]).to_pylist()
    rows = {row["trace_id"]: row for row in sorted(ledger, key=lambda row: row["asked_at"]) if may_count(row)}
    strongest = _strongest(store, rows) if rows else {}
    if not strongest:
        return None
    taxonomy, places = Taxonomy.of(store.loop.task), {name: place for place, name in enumerate(requests)}
    shifts = np.zeros((len(requests), len(taxonomy.classes)))
    for trace_id, worth in strongest.items():
        predicted = taxonomy.current(rows[trace_id]["prelabel"] or "")
        if predicted is not None:
            wrong, overall = np.clip([worth.expected, worth.overall], LEAST, 1 - LEAST)
            shift = shifts[places[rows[trace_id]["request_id"]]]
            shift[:] = np.log(wrong / overall)
            shift[taxonomy.classes.index(predicted)] = np.log((1 - wrong) / (1 - overall))
    return shifts


def _strongest(store: LoopStore, rows: Mapping[str, Row]) -> dict[str, SignalWorth]:
    """Return what the signal that says most is worth, by trace id."""
    filters: Filter = [("trace_id", "in", sorted(rows)), ("signal", "!=", ANSWERS)]
    signals = [row for row in store.read("feedback", filters=filters).to_pylist() if row["held_back"] is None]
    newest = max(row["asked_at"] for row in rows.values())
    worths = {
        (each.signal, each.kind): each
        for each in (signal_worths(store, newest) if signals else [])  # without signals, nothing need be measured
        if each.tells_errors or each.tells_right
    }
    reuse, best = timedelta(days=store.loop.logs.repeat_days), dict[str, SignalWorth]()
    for signal, key in zip(signals, keys_of_signals(signals, worths), strict=True):
        meant = rows[signal["trace_id"]]["ts"]
        if key in worths and (meant is None or signal["ts"] >= moved(meant, -reuse)):
            known = best.setdefault(signal["trace_id"], worths[key])
            best[signal["trace_id"]] = max(known, worths[key], key=_says)
    return best


def _says(worth: SignalWorth) -> tuple[float, str, str]:
    """Return how much a signal says; of equal ones, the name decides."""
    wrong, overall = np.clip([worth.expected, worth.overall], LEAST, 1 - LEAST)
    said = float(abs(np.log(wrong / (1 - wrong)) - np.log(overall / (1 - overall))))
    return said, worth.signal, worth.kind
