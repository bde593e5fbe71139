"""What may be asked about: one row of each content, and none that was requested or labeled before as a class of today."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from include.foundation.digests import digest_of
from include.foundation.store.ledgers.taxonomies import read_predictions
from include.foundation.store.tables import LoopStore
from include.stages.selection.asked import Asked, Split, asked_before
from include.stages.selection.content import former_key, group_keys, keys_of, near_key
from include.stages.selection.row_keys import RowKeys


@dataclass(frozen=True)
class Candidates:
    """Predictions that may be requested.

    Attributes
    ----------
    rows
        Rows of ``predictions``.
    content_keys, near_keys, group_keys
        Of each row; it has no group key without ``split.group``.
    splits
        The split that each row is bound to, by its group or by a near duplicate in the holdout; None if it is free.
    repeats
        Whether each row's content was served more than once.
    """

    rows: pa.Table
    content_keys: list[str]
    near_keys: list[str]
    group_keys: list[str | None]
    splits: list[Split | None]
    repeats: list[bool]

    def at(self, positions: Iterable[int]) -> "Candidates":
        """Return the candidates at some positions, in their order."""
        places = list(positions)
        return Candidates(
            self.rows.take(pa.array(places, pa.int64())),
            [self.content_keys[place] for place in places],
            [self.near_keys[place] for place in places],
            [self.group_keys[place] for place in places],
            [self.splits[place] for place in places],
            [self.repeats[place] for place in places],
        )

    def extended(self, additions: "Candidates") -> "Candidates":
        """Return the candidates, followed by the additions whose content is not among them."""
        own = set(self.content_keys)
        new = additions.at(place for place, key in enumerate(additions.content_keys) if key not in own)
        return Candidates(
            pa.concat_tables([self.rows, new.rows.select(self.rows.column_names)]),
            self.content_keys + new.content_keys,
            self.near_keys + new.near_keys,
            self.group_keys + new.group_keys,
            self.splits + new.splits,
            self.repeats + new.repeats,
        )


def frame_of(store: LoopStore, rows: pa.Table, seed: object, asked: Asked | None = None) -> Candidates:
    """Return the frame of some predictions: the contents that were not asked yet, each represented by one of its rows.

    Rows with the same inputs share a `content_key`, and one of them, chosen by a hash that does not affect the order,
    represents them, so that nobody is asked the same question twice. Each content is equally likely to come early in the
    seeded random order.

    Parameters
    ----------
    store
        Tables of the loop.
    rows
        Rows of ``predictions``.
    seed
        Decides the order, together with the trace ids.
    asked
        What was asked before; read from the store if None.

    Returns
    -------
    Candidates
        Empty if no row is a candidate.
    """
    asked = asked_before(store) if asked is None else asked
    keys, ids = keys_of(store.loop, rows), rows.column("trace_id").to_pylist()
    former: list[str] | list[None] = keys_of(store.loop, rows, former_key) if asked.former_keys else [None] * len(ids)
    positions: dict[str, list[int]] = {}
    for position, key in enumerate(keys):
        if not asked.knows(ids[position], key, former[position]):
            positions.setdefault(key, []).append(position)
    # The first trace id of a content decides its place in the order; a hash decides which of its rows is requested.
    places = RowKeys(store.loop, seed).of(rows)[0]
    order = sorted(positions, key=lambda key: places[min(positions[key], key=ids.__getitem__)])
    kept = [_representative(seed, ids, positions[key]) for key in order]
    chosen = candidates_of(store, rows.take(pa.array(kept, pa.int64())), asked, order)
    return replace(chosen, repeats=[len(positions[key]) > 1 for key in order])


def _representative(seed: object, ids: Sequence[str], positions: Sequence[int]) -> int:
    if len(positions) == 1:
        return positions[0]
    return min(positions, key=lambda position: digest_of(seed, "representative", ids[position]))


def candidates_of(store: LoopStore, rows: pa.Table, asked: Asked, content_keys: list[str] | None = None) -> Candidates:
    """Return predictions as candidates, in today's classes.

    Parameters
    ----------
    store
        Tables of the loop.
    rows
        Rows of ``predictions``.
    asked
        What was asked before, which binds rows to a split.
    content_keys
        Of the rows; computed if None.
    """
    keys = keys_of(store.loop, rows) if content_keys is None else content_keys
    nears, groups = keys_of(store.loop, rows, near_key), group_keys(store.loop, rows)
    splits = [asked.split_of(*subject) for subject in zip(keys, nears, groups, strict=True)]
    return Candidates(read_predictions(store, rows), keys, nears, groups, splits, [False] * len(keys))
