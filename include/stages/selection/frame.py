"""The rows that may be requested: one of each content, and none that was requested or labeled before as a class of today."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from include.foundation.digests import digest_of
from include.foundation.store.ledgers.outcomes import standing_requests
from include.foundation.store.ledgers.taxonomies import read_predictions
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.selection.content import content_keys


@dataclass(frozen=True)
class Candidates:
    """Predictions that may be requested, and the content key of each."""

    rows: pa.Table
    content_keys: list[str]


@dataclass(frozen=True)
class Frame(Candidates):
    """The sampling frame: the candidates in a seeded random order, one of each content.

    Every content is equally likely to come early in that order, however often it was logged. Taking the first n is therefore a
    uniform draw without replacement, whatever order the rows came in.

    Attributes
    ----------
    source_positions
        The position of each candidate among the rows that the frame was made of.
    left_out
        How many of those rows are not in the frame: further rows of a content, and what was requested or labeled before.
    """

    source_positions: list[int]
    left_out: int

    def extended(self, additions: Candidates) -> Candidates:
        """Return the candidates of the frame, followed by the additions whose content is not among them."""
        own = set(self.content_keys)
        new = [position for position, key in enumerate(additions.content_keys) if key not in own]
        rows = pa.concat_tables([self.rows, additions.rows.take(pa.array(new, pa.int64()))])
        return Candidates(rows, self.content_keys + [additions.content_keys[position] for position in new])


def sampling_frame(store: LoopStore, filters: Filter, seed: object, *, except_batch: str | None = None) -> Frame:
    """Return the frame of the stored predictions that meet some filters.

    Parameters
    ----------
    store
        Tables of the loop.
    filters
        Conditions on the columns of ``predictions``.
    seed, except_batch
        As in `frame_of`.
    """
    return frame_of(store, store.read("predictions", filters=filters), seed, except_batch=except_batch)


def frame_of(store: LoopStore, rows: pa.Table, seed: object, *, except_batch: str | None = None) -> Frame:
    """Return the frame of some predictions, in the seeded random order.

    Near duplicates share a `content_key`, and one of them, chosen by a hash that does not affect the order, represents them. A
    draw therefore never asks the same question twice, no content is in two splits, and a content that was logged more often is
    not more likely to be drawn.

    Parameters
    ----------
    store
        Tables of the loop.
    rows
        Rows of ``predictions``, sorted by trace id.
    seed
        Decides the order, together with the trace ids.
    except_batch
        A batch whose requests are disregarded, to get the frame that it was drawn from again.

    Returns
    -------
    Frame
        Empty if no row is a candidate.
    """
    keys = content_keys(store.loop, rows) if rows.num_rows else []
    ids = rows.column("trace_id").to_pylist()
    used_ids, used_keys = _requested_or_labeled(store, except_batch)
    positions: dict[str, list[int]] = {}
    for position, key in enumerate(keys):
        if ids[position] not in used_ids and key not in used_keys:
            positions.setdefault(key, []).append(position)
    # The first trace id of a content decides its place in the order; a hash decides which of its rows is requested.
    order = sorted(positions, key=lambda key: digest_of(seed, ids[positions[key][0]]))
    kept = [min(positions[key], key=lambda position: digest_of(seed, "representative", ids[position])) for key in order]
    taken = read_predictions(store, rows.take(pa.array(kept, pa.int64())))
    return Frame(taken, order, kept, len(ids) - len(kept))


def _requested_or_labeled(store: LoopStore, except_batch: str | None) -> tuple[set[str], set[str]]:
    """Return the trace ids and the content keys of all requests but those of one batch, and of all labels.

    What was labeled as a class that is retired now may be requested again.
    """
    requested = standing_requests(store, except_batch)
    labeled = Taxonomy.of(store.loop.task).without_retired(
        store.read("labels", columns=["trace_id", "content_key", "label"])
    )
    both = pa.concat_tables([requested, labeled.select(["trace_id", "content_key"])])
    return _values(both, "trace_id"), _values(both, "content_key")


def _values(rows: pa.Table, column: str) -> set[Any]:
    return set(rows.column(column).to_pylist())
