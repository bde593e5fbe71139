"""Draws of rows on which two models disagree, and requests for their labels: where a label decides between them."""

from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.decisions import GateVerdict, find
from include.foundation.digests import digest_of
from include.foundation.store.ledgers.labeled_draws import CONTESTED, RANDOM
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.selection.asked import asked_before, oldest_answer
from include.stages.selection.content import keys_of
from include.stages.selection.drawing import as_draws
from include.stages.selection.frame import candidates_of
from include.stages.selection.requests import Choice, request_rows


def evidence_batch(challenger_key: str, round_number: int) -> str:
    """Return the id of the batch of draws and requests that a round of evidence on a challenger makes.

    Examples
    --------
    >>> evidence_batch("4f00", 2)
    'evidence-4f00-2'
    """
    return f"evidence-{challenger_key}-{round_number}"


def evidence_batches(store: LoopStore, challenger_key: str, champion_version: str | None) -> list[str]:
    """Return the ids of the batches that were drawn to judge a challenger against one champion.

    Parameters
    ----------
    store
        Tables of the loop.
    challenger_key, champion_version
        Of the two models. Rows that were drawn where the challenger and another champion disagree are no evidence on these two.
    """
    return [
        evidence_batch(challenger_key, verdict.round)
        for verdict in find(store, GateVerdict, challenger_key)
        if (verdict.outcome, verdict.champion_version) == ("label_more", champion_version)
    ]


@dataclass(frozen=True)
class Undrawn:
    """Rows on which two models disagree and that were not drawn yet, in the seeded order in which they are.

    Attributes
    ----------
    rows
        Rows of ``predictions``.
    content_keys
        Of each row.
    answering
        The row that answers for each content which was asked before, by content key.
    """

    rows: pa.Table
    content_keys: list[str]
    answering: dict[str, str]

    @property
    def newest(self) -> datetime | None:
        """When the newest of them was logged: the moment of the draw, in log time."""
        return pc.max(self.rows.column("ts")).as_py() if self.rows.num_rows else None

    @property
    def askable(self) -> int:
        """How many contents would have to be asked to know all labels."""
        return len(set(self.content_keys) - self.answering.keys())

    def fewest_that_ask(self, n: int) -> int:
        """Return how many rows to draw until n contents have to be asked; all, if they are fewer."""
        new: set[str] = set()
        for place, key in enumerate(self.content_keys):
            if len(new) == n:
                return place
            if key not in self.answering:
                new.add(key)
        return len(self.content_keys)


def free_draws(store: LoopStore, undrawn: Undrawn) -> pa.Table:
    """Return all rows that are left as draws of no round, if no content of theirs would have to be asked; else none."""
    rows = [] if undrawn.askable else _drawn(store, undrawn, 1, "")
    return rows_of(store.loop, "draws", rows)


def undrawn_rows(
    store: LoopStore, disagreeing: pa.Table, models: tuple[str, str | None], batches: list[str]
) -> Undrawn:
    """Return the rows that the next round draws from.

    Every row is as likely to come early in their order, however often its content was served, so that all evidence weighs
    alike. A row that was itself asked before, or is in the holdout, is not drawn: the challenger may have trained on the one,
    and the other is evidence already. Further rows of a content that was asked are. An answer counts for them that the
    challenger cannot have learnt; where there is none, the content is asked again.

    Parameters
    ----------
    store
        Tables of the loop.
    disagreeing
        Rows of ``predictions`` on which the two models disagree.
    models
        Key of the challenger, and version of the champion; they decide the order, together with the trace ids.
    batches
        Those of the earlier rounds on the two models.
    """
    asked, loop = asked_before(store, evidence=models[0]), store.loop
    drawn = store.read("draws", columns=["trace_id", "batch_id", "stratum"]).to_pylist()
    taken = {
        row["trace_id"] for row in drawn if row["stratum"] == RANDOM or row["batch_id"] in batches
    } | asked.trace_ids
    ids = disagreeing.column("trace_id").to_pylist()
    free = [place for place, trace_id in enumerate(ids) if trace_id not in taken]
    rows = disagreeing.take(pa.array(sorted(free, key=lambda place: digest_of(models, ids[place])), pa.int64()))
    keys = keys_of(loop, rows)
    undrawn = Undrawn(rows, keys, {})
    if undrawn.newest is None:
        return undrawn
    return replace(undrawn, answering=asked.answering(keys, oldest_answer(loop, undrawn.newest)))


def request_disagreements(
    store: LoopStore, undrawn: Undrawn, n: int, *, challenger_key: str, round_number: int
) -> pa.Table:
    """Draw rows on which champion and challenger disagree, and request labels until n contents have to be asked.

    Annotators see no pre-label, for they must not know which model predicted what. Later challengers may train on the labels;
    the challenger that they judge cannot have, since it was trained before they were requested.

    Parameters
    ----------
    store
        Tables of the loop.
    undrawn
        The rows to draw from.
    n
        How many labels to request, above 0.
    challenger_key
        Key of the challenger that the labels judge.
    round_number
        Number of the round. A round is drawn only once.

    Returns
    -------
    pyarrow.Table
        The requests of the round; empty if no row is left.
    """
    batch_id = evidence_batch(challenger_key, round_number)

    def draw(ledger: pa.Table) -> pa.Table:
        is_drawn = batch_id in ledger.column("batch_id").to_pylist()
        return rows_of(store.loop, "draws", [] if is_drawn else _drawn(store, undrawn, n, batch_id))

    def request(ledger: pa.Table) -> pa.Table:
        is_requested = batch_id in ledger.column("batch_id").to_pylist()
        return rows_of(store.loop, "requests", []) if is_requested else _requests(store, batch_id, challenger_key)

    store.append_computed("draws", draw, columns=["batch_id"])
    store.append_computed("requests", request, columns=["batch_id"])
    return store.read("requests", filters=[("batch_id", "=", batch_id)])


def _drawn(store: LoopStore, undrawn: Undrawn, n: int, batch_id: str) -> list[dict[str, object]]:
    rows = undrawn.rows.slice(0, undrawn.fewest_that_ask(n))
    probability = rows.num_rows / max(1, undrawn.rows.num_rows)
    own = {"batch_id": batch_id, "stratum": CONTESTED, "inclusion_probability": probability, "drawn_at": undrawn.newest}
    return as_draws(store.loop, rows, undrawn.content_keys, undrawn.answering, own)


def _requests(store: LoopStore, batch_id: str, challenger_key: str) -> pa.Table:
    """Return the requests for the drawn rows that are to answer for their content, unless somebody asked about it meanwhile."""
    draws, asked = (
        store.read("draws", filters=[("batch_id", "=", batch_id)]),
        asked_before(store, evidence=challenger_key),
    )
    own = draws.filter(pc.equal(draws.column("trace_id"), draws.column("asked_trace_id")))
    if not own.num_rows:
        return rows_of(store.loop, "requests", [])
    newest = pc.max(draws.column("drawn_at")).as_py()
    answering = asked.answering(own.column("content_key").to_pylist(), oldest_answer(store.loop, newest))
    asking = [row["trace_id"] for row in own.to_pylist() if row["content_key"] not in answering]
    days = sorted({f"{row['ts']:%Y-%m-%d}" for row in own.to_pylist()})
    rows = store.read("predictions", filters=[("day", "in", days), ("trace_id", "in", asking)])
    candidates = candidates_of(store, rows, asked)
    probability = own.column("inclusion_probability")[0].as_py()
    reason = f"evidence: {draws.num_rows} of {round(draws.num_rows / probability)} rows on which two models disagree"
    choices = [
        Choice(place, CONTESTED, "train", probability, reason, evidence_for=challenger_key)
        for place in range(candidates.rows.num_rows)
    ]
    return request_rows(store.loop, candidates, choices, batch_id=batch_id, asked_at=newest)
