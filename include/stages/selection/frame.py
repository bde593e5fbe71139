"""What may be asked about: one row of each content, and none that was requested or labeled before as a class of today."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pyarrow as pa

from include.foundation.digests import digest_of
from include.foundation.store.ledgers.taxonomies import read_predictions
from include.foundation.store.tables import LoopStore
from include.stages.selection.asked import Asked, Split, asked_before
from include.stages.selection.content import former_key, group_keys, keys_of, near_key


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
            pa.concat_tables([self.rows, new.rows]),
            self.content_keys + new.content_keys,
            self.near_keys + new.near_keys,
            self.group_keys + new.group_keys,
            self.splits + new.splits,
            self.repeats + new.repeats,
        )


@dataclass(frozen=True)
class Frame(Candidates):
    """The contents that were not asked yet, in a seeded random order, each represented by one of its rows.

    Attributes
    ----------
    left_out
        How many of the rows that it was made of are not in it: further rows of a content, and what was requested or labeled
        before.
    """

    left_out: int


def frame_of(
    store: LoopStore, rows: pa.Table, seed: object, *, except_batch: str | None = None, asked: Asked | None = None
) -> Frame:
    """Return the frame of some predictions, in the seeded random order.

    Rows with the same inputs share a `content_key`, and one of them, chosen by a hash that does not affect the order,
    represents them, so that nobody is asked the same question twice. Each content is equally likely to come early in it.

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
    asked
        What was asked before; read from the store if None.

    Returns
    -------
    Frame
        Empty if no row is a candidate.
    """
    asked = asked_before(store, except_batch) if asked is None else asked
    keys, ids = keys_of(store.loop, rows), rows.column("trace_id").to_pylist()
    former: list[str] | list[None] = keys_of(store.loop, rows, former_key) if asked.former_keys else [None] * len(ids)
    positions: dict[str, list[int]] = {}
    for position, key in enumerate(keys):
        if not asked.knows(ids[position], key, former[position]):
            positions.setdefault(key, []).append(position)
    # The first trace id of a content decides its place in the order; a hash decides which of its rows is requested.
    order = sorted(positions, key=lambda key: digest_of(seed, ids[positions[key][0]]))
    kept = [min(positions[key], key=lambda position: digest_of(seed, "representative", ids[position])) for key in order]
    chosen = candidates_of(store, rows.take(pa.array(kept, pa.int64())), asked)
    repeats = [len(positions[key]) > 1 for key in order]
    return Frame(**vars(replace(chosen, repeats=repeats)), left_out=len(ids) - len(kept))


def candidates_of(store: LoopStore, rows: pa.Table, asked: Asked) -> Candidates:
    """Return predictions as candidates, in today's classes.

    Parameters
    ----------
    store
        Tables of the loop.
    rows
        Rows of ``predictions``.
    asked
        What was asked before, which binds rows to a split.
    """
    keys, nears, groups = keys_of(store.loop, rows), keys_of(store.loop, rows, near_key), group_keys(store.loop, rows)
    splits = [asked.split_of(*found) for found in zip(keys, nears, groups, strict=True)]
    return Candidates(read_predictions(store, rows), keys, nears, groups, splits, [False] * len(keys))
