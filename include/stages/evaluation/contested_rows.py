"""What is evidence on two models from their first evaluation on: its random rows, and rows drawn where the two disagree."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import Evaluation, find
from include.foundation.decisions.challenger_evaluation import DisagreementCensus
from include.foundation.store.ledgers.labeled_draws import DRAWN_IN, joined
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.disagreement_window import DisagreementWindow
from include.stages.labels.datasets import Dataset
from include.stages.selection.evidence_requests import evidence_batches, free_draws

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel


def first_evaluation(store: LoopStore, champion: "LoadedModel | None", challenger: "LoadedModel") -> Evaluation | None:
    """Return the first evaluation of a challenger against this champion, which settles what is evidence on the two.

    Parameters
    ----------
    store
        Tables of the loop.
    champion, challenger
        The two models.

    Returns
    -------
    Evaluation or None
        None if there is none, or if an earlier version made it, which settled nothing.
    """
    if champion is None:
        return None
    evaluations = find(store, Evaluation, challenger.challenger_key)
    settled = (
        earlier for earlier in evaluations if earlier.champion_version == champion.version and earlier.class_weights
    )
    return next((earlier for earlier in settled if earlier.meets_a_model), None)


def contested_rows(
    store: LoopStore,
    dataset: Dataset,
    champion: "LoadedModel | None",
    challenger: "LoadedModel",
    window: DisagreementWindow | None,
) -> pa.Table:
    """Return the rows that were drawn where these two models disagree, each with the label of its content.

    Once no content is left that would have to be asked, no round can follow, and all other rows of disagreement count as well.

    Parameters
    ----------
    store
        Tables of the loop.
    dataset
        The labels.
    champion, challenger
        The two models. What was drawn for the challenger and another champion is left out.
    window
        Where they disagree; None without a champion.

    Returns
    -------
    pyarrow.Table
        Rows of ``labels``; a content that was drawn several times counts as often.
    """
    rows, labels = dataset.contested, pa.concat_tables([dataset.train, dataset.holdout])
    if rows is None:
        asked = labels.filter(pc.is_valid(labels.column("evidence_for")))
        rows = joined(store.schema("draws").empty_table(), asked, former=asked)
    key, version = challenger.challenger_key, champion.version if champion else None
    batches = evidence_batches(store, key, version)
    both = zip(rows.column(DRAWN_IN).to_pylist(), rows.column("evidence_for").to_pylist(), strict=True)
    # An earlier version noted no draws, and drew each row for the one champion that there was.
    keep = [batch in batches or (batch is None and judged == key) for batch, judged in both]
    rows = rows.filter(pa.array(keep, pa.bool_()))
    free = store.schema("draws").empty_table() if window is None else free_draws(store, window.undrawn)
    rows = pa.concat_tables([rows, joined(free, labels, former=labels.slice(0, 0))])
    return _standing_for(rows, 1.0 if window is None else window.census.stands_for)


def _standing_for(rows: pa.Table, others: float) -> pa.Table:
    """Return the rows, which were drawn alike, with the probability of what each stands for: see `DisagreementCensus`."""
    held_out = pc.equal(rows.column("split"), "holdout")
    place = rows.column_names.index("inclusion_probability")
    return rows.set_column(place, rows.schema.field(place), pc.if_else(held_out, 1 / others, 1.0))


def fixed_weights(loop: Loop, first: Evaluation | None) -> NDArray[np.float64] | None:
    """Return the class weights of the first evaluation; None if there was none, or the classes are others now."""
    weights = first.class_weights if first else None
    return np.array(weights) if weights and len(weights) == len(loop.task.classes) else None


def within(rows: pa.Table, census: DisagreementCensus) -> NDArray[np.bool_]:
    """Return which labeled rows were logged in the window of the evidence; all, if it has no bounds."""
    if census.since is None:
        return np.ones(rows.num_rows, dtype=bool)
    return np.array([moment > census.since for moment in rows.column("ts").to_pylist()], dtype=bool)
