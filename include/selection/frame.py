"""The rows that may be asked about: each content once, and nothing that was asked or labeled before."""

from dataclasses import dataclass

import pyarrow as pa

from include.selection.content import content_keys
from include.store.digests import digest_of
from include.store.tables import Filter, LoopStore


@dataclass(frozen=True)
class Frame:
    """The sampling frame.

    ``rows`` are predictions in the order of ``draws``, a hash that is uniform and depends on seed and trace id only; taking
    the first n of them is a uniform draw without replacement, whatever order the rows came in.
    """

    rows: pa.Table
    content: list[str]
    left_out: int


def sampling_frame(store: LoopStore, filters: Filter, seed: object) -> Frame:
    """Return the frame of the predictions that meet ``filters``, in the seeded random order.

    Near duplicates share a `content_key` and only the first in that order represents them, so a draw never asks the same
    twice, and no content is in two splits.
    """
    rows = store.read("predictions", filters=filters)
    keys = content_keys(store.loop, rows) if rows.num_rows else []
    ids = rows.column("trace_id").to_pylist()
    taken_ids, taken_content = _taken(store)
    order = sorted(range(len(ids)), key=lambda place: digest_of(seed, ids[place]))
    kept: list[int] = []
    for place in order:
        if ids[place] not in taken_ids and keys[place] not in taken_content:
            taken_content.add(keys[place])
            kept.append(place)
    return Frame(rows.take(pa.array(kept, pa.int64())), [keys[place] for place in kept], len(ids) - len(kept))


def _taken(store: LoopStore) -> tuple[set[str], set[str]]:
    asked = store.read("requests", columns=["trace_id", "content_key"])
    labeled = store.read("labels", columns=["trace_id", "content_key"])
    both = pa.concat_tables([asked, labeled])
    return set(both.column("trace_id").to_pylist()), set(both.column("content_key").to_pylist())
