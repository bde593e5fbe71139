"""Where two models disagree in the logs: the only rows on which a label can decide between them."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from include.foundation.decisions.challenger_evaluation import DisagreementCensus
from include.foundation.decisions.verdict_history import newest_drop
from include.foundation.store.bulk.day_batches import newest_moment
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.learnt_rows import CHOSEN, KNOWN, UNKNOWN, asks_of, kinds_of
from include.stages.selection.content import group_keys
from include.stages.selection.evidence_requests import Undrawn, evidence_batches, undrawn_rows

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel

UNREAD = (
    "embedding",
    "probabilities",
    "source",
    "context",
    "metadata",
    "error",
)  # large, and nobody looks at them here


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

    Where accuracy was shown to have dropped in these days, it is since the likely day of the drop.

    Parameters
    ----------
    store
        Tables of the loop.
    champion, challenger
        The two models. Their names are the seed of the order in which rows are drawn.
    first
        The census at their first evaluation: later rounds draw from the same rows, as those of one draw. None if this is it.
    """
    if first is None or first.since is None or first.until is None:
        bounds, changed = _bounds(store)
    else:
        bounds, changed = (first.since, first.until), first.changed
    apart, counted = _apart(store, champion, challenger, bounds)
    batches = evidence_batches(store, challenger.challenger_key, champion.version)
    undrawn = undrawn_rows(store, apart, (challenger.challenger_key, champion.version), batches)
    if bounds is not None:
        counted |= {"since": bounds[0], "until": bounds[1], "changed": changed}
    if first is not None and first.since is not None:
        counted |= first.model_dump(include={"rows", "share", "largest_group", "stands_for"})
    return DisagreementWindow(
        DisagreementCensus(**counted, askable=undrawn.askable, undrawn=undrawn.rows.num_rows), undrawn
    )


def _apart(
    store: LoopStore, champion: "LoadedModel", challenger: "LoadedModel", bounds: tuple[datetime, datetime] | None
) -> tuple[pa.Table, dict[str, Any]]:
    """Return the rows within the bounds on which the models disagree, and what a census says of them; days are read in turn.

    What the challenger knows because it was chosen from these very rows is left out, see `kinds_of`.
    """
    loop, asks, schema = store.loop, asks_of(store, challenger.challenger_key), store.schema("predictions")
    columns = [name for name in schema.names if name not in UNREAD]
    apart, served, differing = [schema.empty_table().select(columns)], Counter[str](), Counter[str]()
    for window in _days(*bounds) if bounds else ():
        of_day = store.read("predictions", columns=columns, filters=window)
        if not of_day.num_rows:
            continue
        differs = np.asarray(champion.predict(of_day)[0] != challenger.predict(of_day)[0], dtype=bool)
        # Of contents there are too many to tell of each row: where the models agree, none is taken for chosen.
        told = np.ones_like(differs) if loop.group_column else differs
        kinds = np.full(of_day.num_rows, UNKNOWN, dtype=object)
        kinds[told] = kinds_of(loop, of_day.filter(pa.array(told, pa.bool_())), asks)
        served.update(kinds.tolist())
        differing.update(kinds[differs].tolist())
        apart.append(of_day.filter(pa.array(differs & (kinds != CHOSEN), pa.bool_())))
    rows = pa.concat_tables(apart)
    largest = max(Counter(group for group in group_keys(loop, rows) if group is not None).values(), default=1)
    return rows, {"largest_group": largest, **_shares(served, differing, by_group=loop.group_column is not None)}


def _shares(served: Counter[str], differing: Counter[str], *, by_group: bool) -> dict[str, Any]:
    """Return how many rows were served, on which share of what they stand for the models differ, and for how many one does."""
    rows, stands_for = served.total(), 1.0
    if by_group and served[UNKNOWN]:
        stands_for = (served[UNKNOWN] + served[CHOSEN]) / served[UNKNOWN]
    of = rows if by_group else rows - served[CHOSEN]
    apart = stands_for * differing[UNKNOWN] + differing[KNOWN]
    return {"rows": rows, "share": min(1.0, apart / of) if of else 0.0, "stands_for": stands_for}


def _days(since: datetime, until: datetime) -> list[Filter]:
    """Return what the rows of each day between the bounds meet."""
    days = (since + timedelta(days=place) for place in range((until.date() - since.date()).days + 1))
    return [[("day", "=", f"{day:%Y-%m-%d}"), ("ts", ">", since), ("ts", "<=", until)] for day in days]


def _bounds(store: LoopStore) -> tuple[tuple[datetime, datetime] | None, bool]:
    """Return the bounds, and whether they begin with a drop of accuracy: what was right before it may be wrong today."""
    newest = newest_moment(store, "predictions")
    if newest is None:
        return None, False
    since = newest - timedelta(days=store.loop.gate.evidence_days)
    drop = newest_drop(store, since)
    return (drop or since, newest), drop is not None
