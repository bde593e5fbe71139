"""Where two models disagree in the logs: the only rows on which a label can decide between them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from include.foundation.decisions.challenger_evaluation import DisagreementCensus
from include.foundation.store.bulk.day_batches import newest_moment
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.selection.evidence_requests import Undrawn, evidence_batches, undrawn_rows

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel


@dataclass(frozen=True)
class DisagreementWindow:
    """Logged rows, as both models predict them.

    Attributes
    ----------
    census
        Its bounds, how many rows it has, and on which share of them the models disagree. That is counted, and needs no label.
    undrawn
        The rows on which they disagree and that no round on the two drew yet.
    """

    census: DisagreementCensus
    undrawn: Undrawn


def disagreement_window(
    store: LoopStore, champion: "LoadedModel", challenger: "LoadedModel", first: DisagreementCensus | None
) -> DisagreementWindow:
    """Return where champion and challenger disagree in the ``gate.evidence_days`` days before their first evaluation.

    Parameters
    ----------
    store
        Tables of the loop.
    champion, challenger
        The two models. Their names are the seed of the order in which rows are drawn.
    first
        The census at their first evaluation: later rounds draw from the same rows, as those of one draw. None if this is it.
    """
    bounds = (
        _bounds(store) if first is None or first.since is None or first.until is None else (first.since, first.until)
    )
    window: Filter = [("day", "=", "")]  # opens no partition
    if bounds is not None:
        since, until = bounds
        window = [("ts", ">", since), ("ts", "<=", until)]
        window += [("day", ">=", f"{since:%Y-%m-%d}"), ("day", "<=", f"{until:%Y-%m-%d}")]
    rows = store.read("predictions", filters=window)
    disagreeing = champion.predict(rows)[0] != challenger.predict(rows)[0]
    batches = evidence_batches(store, challenger.challenger_key, champion.version)
    apart = rows.filter(pa.array(disagreeing, pa.bool_()))
    undrawn = undrawn_rows(store, apart, (challenger.challenger_key, champion.version), batches)
    counted = {"rows": rows.num_rows, "share": float(disagreeing.mean()) if rows.num_rows else 0.0}
    if bounds is not None:
        counted |= {"since": bounds[0], "until": bounds[1]}
    if first is not None and first.since is not None:
        counted |= {"rows": first.rows, "share": first.share}
    return DisagreementWindow(
        DisagreementCensus(**counted, askable=undrawn.askable, undrawn=undrawn.rows.num_rows), undrawn
    )


def _bounds(store: LoopStore) -> tuple[datetime, datetime] | None:
    newest = newest_moment(store, "predictions")
    return None if newest is None else (newest - timedelta(days=store.loop.gate.evidence_days), newest)
