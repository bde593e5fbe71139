"""The random stratum: logged rows drawn uniformly, as they were served, each with the row that is asked for its content."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.intervals import Interval
from include.foundation.store.ledgers.labeled_draws import RANDOM
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.selection.asked import Ask, Asked, asked_before, oldest_answer
from include.stages.selection.content import former_key, group_keys, keys_of
from include.stages.selection.quotas import drawn_places
from include.stages.selection.shortlists import FirstRows

COPIED = ("trace_id", "ts", "model_version", "predicted", "confidence")


def draw_rows(store: LoopStore, interval: Interval, first: FirstRows) -> pa.Table:
    """Draw rows of an interval and return them, also if an earlier run drew them. Each interval is drawn from only once.

    Every row (with ``selection.quota`` every row of a segment value) is drawn with the same probability, however often its
    content was served or asked, so that the drawn rows speak of production as it was. A content is asked once in
    ``split.answer_days``: what was asked since then, without a pre-label, answers for the row.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Its key is the batch.
    first
        Its rows of ``predictions`` that come first in the random order, as many as are drawn; all, if there are no more.

    Returns
    -------
    pyarrow.Table
        Rows of ``draws``; a row that is asked itself has its own trace id as ``asked_trace_id``.
    """

    def draw(ledger: pa.Table) -> pa.Table:
        is_drawn = interval.key in ledger.column("batch_id").to_pylist()
        return rows_of(store.loop, "draws", [] if is_drawn else _drawn(store, interval, first))

    store.append_computed("draws", draw, columns=["batch_id"])
    return store.read("draws", filters=[("batch_id", "=", interval.key)])


def _drawn(store: LoopStore, interval: Interval, first: FirstRows) -> list[dict[str, object]]:
    quota, rows = store.loop.selection.quota, first.rows
    values = [None] * rows.num_rows if first.segment is None else rows.column(first.segment).to_pylist()
    places, chances = drawn_places(values, first.sizes, first.n, quota.rows if quota else 1)
    rows = rows.take(pa.array(places, pa.int64()))
    keys, former = keys_of(store.loop, rows), keys_of(store.loop, rows, former_key)
    answering = _answering(store, interval, keys, former)
    own = {"batch_id": interval.key, "stratum": RANDOM, "drawn_at": interval.end}
    drawn = as_draws(store.loop, rows, keys, answering, own)
    return [draw | {"inclusion_probability": chance} for draw, chance in zip(drawn, chances, strict=True)]


def as_draws(
    loop: Loop, rows: pa.Table, keys: Sequence[str], answering: Mapping[str, str], own: Mapping[str, object]
) -> list[dict[str, object]]:
    """Return drawn rows as rows of ``draws``, each with the row that is asked for its content.

    Parameters
    ----------
    loop
        Names the segments and the group.
    rows
        Rows of ``predictions``, as they were drawn.
    keys
        The content key of each.
    answering
        The row that answers for each content that was asked before, by content key; of any other, the first drawn row is asked.
    own
        What all of them have: batch, stratum, inclusion probability, and when they were drawn.
    """
    asked, groups = dict(answering), group_keys(loop, rows)
    drawn = []
    for place, row in enumerate(rows.select([*COPIED, *loop.segment_columns.values()]).to_pylist()):
        asks = asked.setdefault(keys[place], row["trace_id"])
        drawn.append(row | own | {"content_key": keys[place], "group_key": groups[place], "asked_trace_id": asks})
    return drawn


def _answering(store: LoopStore, interval: Interval, keys: Sequence[str], former: Sequence[str]) -> dict[str, str]:
    """Return the row that answers for each content, see `Asked.answering`; an earlier version's answers count as well."""
    asked = asked_before(store, except_batch=interval.key)
    asked = replace(asked, contents=_asked_formerly(store, set(former) & asked.former_keys) | asked.contents)
    return asked.answering(keys, oldest_answer(store.loop, interval.start))


def _asked_formerly(store: LoopStore, former: Set[str]) -> dict[str, Ask]:
    """Return the contents that an earlier version labeled, by content key: its own keys were of near duplicates."""
    filters: Filter = [("content_key", "in", sorted(former))]
    rows = current_labels(store.read("labels", filters=filters))
    labeled, place = Asked(), rows.column_names.index("content_key")
    labeled.note(rows.set_column(place, "content_key", pa.array(keys_of(store.loop, rows), pa.string())))
    return labeled.contents
