"""The rows that may be asked about: each content once, and nothing that was asked or labeled before."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from include.foundation.digests import digest_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.selection.content import content_keys


@dataclass(frozen=True)
class Frame:
    """The sampling frame.

    ``rows`` are predictions in a seeded random order in which every content is as likely to be early as any other, however
    often it was logged; taking the first n of them is a uniform draw without replacement, whatever order the rows came in.
    """

    rows: pa.Table
    content: list[str]
    left_out: int

    def joined(self, other: "Frame") -> "Frame":
        """Return this frame followed by the rows of another whose content is not in it."""
        own = set(self.content)
        new = [place for place, key in enumerate(other.content) if key not in own]
        rows = pa.concat_tables([self.rows, other.rows.take(pa.array(new, pa.int64()))])
        return Frame(rows, self.content + [other.content[place] for place in new], self.left_out)


def sampling_frame(store: LoopStore, filters: Filter, seed: object, *, except_batch: str | None = None) -> Frame:
    """Return the frame of the predictions that meet ``filters``, in the seeded random order.

    Near duplicates share a `content_key` and one of them, by a hash that has no part in the order, represents them: a draw
    never asks the same twice, no content is in two splits, and repetition makes no content likelier to be drawn.

    Parameters
    ----------
    store
        Tables of the loop.
    filters
        Conditions on ``predictions``.
    seed
        What the order depends on, with the trace ids.
    except_batch
        A batch whose requests do not count as asked: the frame it was drawn from.
    """
    rows = store.read("predictions", filters=filters)
    keys = content_keys(store.loop, rows) if rows.num_rows else []
    ids = rows.column("trace_id").to_pylist()
    taken_ids, taken_content = _taken(store, except_batch)
    places: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        if ids[place] not in taken_ids and key not in taken_content:
            places.setdefault(key, []).append(place)
    # rows are sorted by trace id: the first of a content stands for it in the order, a hashed one in the request
    order = sorted(places, key=lambda key: digest_of(seed, ids[places[key][0]]))
    kept = [min(places[key], key=lambda place: digest_of(seed, "representative", ids[place])) for key in order]
    return Frame(rows.take(pa.array(kept, pa.int64())), order, len(ids) - len(kept))


def _taken(store: LoopStore, except_batch: str | None) -> tuple[set[str], set[str]]:
    others: Filter | None = None if except_batch is None else [("batch_id", "!=", except_batch)]
    asked = store.read("requests", columns=["trace_id", "content_key"], filters=others)
    labeled = store.read("labels", columns=["trace_id", "content_key"])
    both = pa.concat_tables([asked, labeled])
    return _values(both, "trace_id"), _values(both, "content_key")


def _values(rows: pa.Table, column: str) -> set[Any]:
    return set(rows.column(column).to_pylist())
