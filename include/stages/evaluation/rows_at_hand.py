"""What a challenger's evaluation rests on: the rows that judge it, those of disagreement, and what was settled before."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.decisions import Evaluation
from include.foundation.decisions.challenger_evaluation import DisagreementCensus, Scores
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.evaluation.contested_rows import contested_rows, first_evaluation, fixed_weights, within
from include.stages.evaluation.disagreement_window import disagreement_window
from include.stages.evaluation.judged_rows import JudgedRows, judged_rows
from include.stages.evaluation.learnt_rows import asks_of, known_share
from include.stages.evaluation.model_scores import scores_of
from include.stages.evaluation.recent_holdout import (
    as_of_tomorrow,
    holdout_history,
    judging_rows,
    served_before,
    served_with,
)
from include.stages.labels.datasets import Dataset

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel


@dataclass(frozen=True)
class RowsAtHand:
    """Rows with labels, and what both models score on them.

    Attributes
    ----------
    recent
        Labeled rows of the recent holdout.
    rows, scores
        What the models score on them.
    longer
        What they score on the whole holdout; None where that is no longer.
    evidence
        Rows that were drawn because the two disagree on them.
    of_window
        Random rows that are evidence, if nothing was settled before.
    first
        The first evaluation of the challenger against this champion, which settled what is evidence.
    census
        The logged rows of the disagreement window.
    champion
        What was served, before the loop's first model; None if nothing is known of that.
    """

    recent: pa.Table
    rows: JudgedRows
    scores: Scores
    longer: Scores | None
    evidence: JudgedRows
    of_window: JudgedRows
    first: Evaluation | None
    census: DisagreementCensus
    champion: "LoadedModel | None"


def rows_at_hand(
    store: LoopStore, dataset: Dataset, champion: "LoadedModel | None", challenger: "LoadedModel"
) -> RowsAtHand:
    """Return what an evaluation rests on.

    Parameters
    ----------
    store, dataset, champion, challenger
        As in `include.stages.evaluation.comparing.evaluate`.
    """
    recent, history, champion = _judging(store, dataset, champion, challenger)
    first = first_evaluation(store, champion, challenger)
    window = disagreement_window(store, champion, challenger, first.window if first else None) if champion else None
    census = window.census if window else DisagreementCensus(rows=0, share=0.0, askable=0)
    if census.changed:
        recent = recent.filter(within(recent, census))
    served = served_with(store, recent) if champion is not None else None
    rows = judged_rows(store.loop, recent, champion, challenger, fixed_weights(store.loop, first), served)
    evidence = contested_rows(store, dataset, champion, challenger, window)
    longer = None
    if champion is not None and history.num_rows > recent.num_rows:
        longer = scores_of(judged_rows(store.loop, history, champion, challenger, rows.class_weights))
    return RowsAtHand(
        recent=recent,
        rows=rows,
        scores=scores_of(rows),
        longer=longer,
        evidence=judged_rows(store.loop, evidence, champion, challenger, rows.class_weights),
        of_window=rows.kept(within(recent, census) & (not census.changed)),
        first=first,
        census=census,
        champion=champion,
    )


def _judging(
    store: LoopStore, dataset: Dataset, champion: "LoadedModel | None", challenger: "LoadedModel"
) -> tuple[pa.Table, pa.Table, "LoadedModel | None"]:
    """Return recent rows and all of the holdout, as they stand for what is served tomorrow, and whom they were served by."""
    asks = asks_of(store, challenger.challenger_key)
    history = holdout_history(store.loop, dataset, asks)
    champion = champion or served_before(store.loop, history)
    recent = judging_rows(store.loop, dataset, first=champion is None, asks=asks)
    if champion is not None and recent.num_rows:
        known = known_share(store, asks, pc.min(recent.column("ts")).as_py())
        recent, history = (as_of_tomorrow(rows, asks, known) for rows in (recent, history))
    return Taxonomy.of(store.loop.task).read_labels(recent), history, champion
