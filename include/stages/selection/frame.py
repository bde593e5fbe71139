"""The rows that may be asked about: each content once, and nothing that was asked or labeled before."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from include.foundation.digests import digest_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.selection.content import content_keys


@dataclass(frozen=True)
class Candidates:
    """Predictions that may be asked about, and the content key of each."""

    rows: pa.Table
    content: list[str]


@dataclass(frozen=True)
class Frame(Candidates):
    """The sampling frame: candidates in a seeded random order, each content once.

    In that order every content is as likely to be early as any other, however often it was logged: taking the first n is a
    uniform draw without replacement, whatever order the rows came in.

    Attributes
    ----------
    places
        Where each candidate was among the rows that the frame was made of.
    left_out
        How many of those rows are not in it: repeats of a content, and what was asked about or labeled before.
    """

    places: list[int]
    left_out: int

    def extended(self, other: Candidates) -> Candidates:
        """Return these candidates, followed by those of others whose content is not among them."""
        own = set(self.content)
        new = [place for place, key in enumerate(other.content) if key not in own]
        rows = pa.concat_tables([self.rows, other.rows.take(pa.array(new, pa.int64()))])
        return Candidates(rows, self.content + [other.content[place] for place in new])


def sampling_frame(store: LoopStore, filters: Filter, seed: object, *, except_batch: str | None = None) -> Frame:
    """Return the frame of the predictions that meet ``filters``; parameters as in `frame_of`."""
    return frame_of(store, store.read("predictions", filters=filters), seed, except_batch=except_batch)


def frame_of(store: LoopStore, rows: pa.Table, seed: object, *, except_batch: str | None = None) -> Frame:
    """Return the frame of some predictions, in the seeded random order.

    Near duplicates share a `content_key`, and one of them, by a hash that has no part in the order, represents them: a draw
    never asks the same twice, no content is in two splits, and repetition makes no content likelier to be drawn.

    Parameters
    ----------
    store
        Tables of the loop.
    rows
        Rows of ``predictions``, sorted by trace id.
    seed
        What the order depends on, with the trace ids.
    except_batch
        A batch whose requests do not count as asked: the frame it was drawn from.
    """
    keys = content_keys(store.loop, rows) if rows.num_rows else []
    ids = rows.column("trace_id").to_pylist()
    taken_ids, taken_content = _taken(store, except_batch)
    places: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        if ids[place] not in taken_ids and key not in taken_content:
            places.setdefault(key, []).append(place)
    # The first of a content by trace id stands for it in the order, a hashed one in the request.
    order = sorted(places, key=lambda key: digest_of(seed, ids[places[key][0]]))
    kept = [min(places[key], key=lambda place: digest_of(seed, "representative", ids[place])) for key in order]
    return Frame(rows.take(pa.array(kept, pa.int64())), order, kept, len(ids) - len(kept))


def _taken(store: LoopStore, except_batch: str | None) -> tuple[set[str], set[str]]:
    others: Filter | None = None if except_batch is None else [("batch_id", "!=", except_batch)]
    asked = store.read("requests", columns=["trace_id", "content_key"], filters=others)
    labeled = store.read("labels", columns=["trace_id", "content_key"])
    both = pa.concat_tables([asked, labeled])
    return _values(both, "trace_id"), _values(both, "content_key")


def _values(rows: pa.Table, column: str) -> set[Any]:
    return set(rows.column(column).to_pylist())
