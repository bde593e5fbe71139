"""Where two models disagree in the logs: the only rows on which a label can decide between them."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from include.foundation.decisions.challenger_evaluation import DisagreementCensus
from include.foundation.decisions.verdict_history import newest_drop
from include.foundation.store.bulk.day_batches import newest_moment
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.selection.content import group_keys
from include.stages.selection.evidence_requests import Undrawn, evidence_batches, undrawn_rows

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel

UNREAD = ("embedding", "probabilities", "source")  # large, and nobody looks at them here


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
    rows, apart = _apart(store, champion, challenger, bounds)
    batches = evidence_batches(store, challenger.challenger_key, champion.version)
    undrawn = undrawn_rows(store, apart, (challenger.challenger_key, champion.version), batches)
    groups = Counter(group for group in group_keys(store.loop, apart) if group is not None)
    counted = {
        "largest_group": max(groups.values(), default=1),
        "rows": rows,
        "share": apart.num_rows / rows if rows else 0.0,
    }
    if bounds is not None:
        counted |= {"since": bounds[0], "until": bounds[1], "changed": changed}
    if first is not None and first.since is not None:
        counted |= {"rows": first.rows, "share": first.share, "largest_group": first.largest_group}
    return DisagreementWindow(
        DisagreementCensus(**counted, askable=undrawn.askable, undrawn=undrawn.rows.num_rows), undrawn
    )


def _apart(
    store: LoopStore, champion: "LoadedModel", challenger: "LoadedModel", bounds: tuple[datetime, datetime] | None
) -> tuple[int, pa.Table]:
    """Return how many rows were logged within the bounds, and those on which the models disagree; days are read in turn."""
    schema = store.schema("predictions")
    columns = [name for name in schema.names if name not in UNREAD]
    rows, apart = 0, [schema.empty_table().select(columns)]
    for window in _days(*bounds) if bounds else ():
        of_day = store.read("predictions", columns=columns, filters=window)
        rows += of_day.num_rows
        if of_day.num_rows:
            differs = champion.predict(of_day)[0] != challenger.predict(of_day)[0]
            apart.append(of_day.filter(pa.array(differs, pa.bool_())))
    return rows, pa.concat_tables(apart)


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
