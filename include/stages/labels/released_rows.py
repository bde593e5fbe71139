"""Held-out rows that are too old to judge: a share of their contents, which a hash says, is trained on from then on."""

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.config.sections import Split
from include.foundation.digests import point_of
from include.foundation.store.ledgers.labeled_draws import RANDOM
from include.stages.labels.newest_rows import newest_rows


@dataclass(frozen=True)
class Release:
    """Which held-out rows are trained on.

    Attributes
    ----------
    share
        Of the contents, those whose hash is below it.
    days, rows
        What judges, and is not released: rows of so many days before the newest drawn one, and at least so many rows.
    since
        Rows that were served from then on have judged a pending challenger, and are not released either; None without one.
    """

    share: float = 0.0
    days: int = 0
    rows: int = 0
    since: datetime | None = None

    @classmethod
    def of(cls, split: Split) -> "Release":
        """Return what the section ``split`` of a loop file says."""
        return cls(split.release_share, split.holdout_days, split.holdout_rows) if split.release_share else cls()

    def contents(self, drawn: pa.Table, holdout: pa.Table, draws: pa.Table) -> pa.Array:
        """Return the keys of the contents that are released.

        Rows of groups stay held out, since a hash of the group says so; so do contents that told two models apart, which may
        judge these for longer, and near duplicates of rows that stay.

        Parameters
        ----------
        drawn
            Rows that were drawn at random, with labels.
        holdout
            Labels that are held out.
        draws
            All rows of ``draws``.
        """
        if not self.share:
            return pa.array([], pa.string())
        told_apart = draws.filter(pc.not_equal(draws.column("stratum"), RANDOM)).column("content_key").to_pylist()
        newest = self._judging(drawn).column("content_key").to_pylist()
        judging = pa.array([*newest, *told_apart], pa.string())
        is_old = pc.invert(pc.is_in(holdout.column("content_key"), value_set=judging))
        is_drawn = pc.and_(pc.equal(holdout.column("stratum"), RANDOM), pc.is_null(holdout.column("group_key")))
        is_due = [self._is_due(key) for key in holdout.column("content_key").to_pylist()]
        may = pc.and_(pc.and_(is_old, is_drawn), pa.array(is_due, pa.bool_()))
        staying = holdout.filter(pc.invert(may)).select(["near_key", "content_key"])
        apart = [
            pc.invert(pc.is_in(holdout.column(name), value_set=staying.column(name).drop_null().combine_chunks()))
            for name in staying.column_names
        ]
        return holdout.filter(pc.and_(may, pc.and_(*apart))).column("content_key").unique()

    def thinned(self, drawn: pa.Table, released: pa.Array) -> pa.Table:
        """Return the drawn rows that may judge: those that are left of older ones stand for the released ones.

        Parameters
        ----------
        drawn
            Rows that were drawn at random, with labels.
        released
            What `contents` returned.
        """
        if not len(released):
            return drawn
        judging = self._judging(drawn).column("trace_id").combine_chunks()
        is_left = pc.invert(pc.is_in(drawn.column("trace_id"), value_set=judging))
        stays = [not self._is_due(key) for key in drawn.column("content_key").to_pylist()]
        for condition in (pc.equal(drawn.column("split"), "holdout"), pc.is_null(drawn.column("group_key"))):
            is_left = pc.and_(is_left, condition)
        is_left = pc.and_(is_left, pa.array(stays, pa.bool_()))
        chances = drawn.column("inclusion_probability")
        place = drawn.column_names.index("inclusion_probability")
        rows = drawn.set_column(
            place, drawn.schema.field(place), pc.if_else(is_left, pc.multiply(chances, 1 - self.share), chances)
        )
        return rows.filter(pc.invert(pc.is_in(drawn.column("content_key"), value_set=released)))

    def _judging(self, drawn: pa.Table) -> pa.Table:
        """Return the drawn rows that judge, or have judged a pending challenger."""
        newest = newest_rows(drawn, self.days, self.rows)
        if self.since is None:
            return newest
        is_newest = pc.is_in(drawn.column("trace_id"), value_set=newest.column("trace_id").combine_chunks())
        return drawn.filter(pc.or_(is_newest, pc.greater_equal(drawn.column("ts"), self.since)))

    def _is_due(self, content_key: str) -> bool:
        return point_of("released", content_key) < self.share
