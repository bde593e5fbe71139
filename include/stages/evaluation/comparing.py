"""Evaluate champion and challenger on the same rows."""

from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import Evaluation, record
from include.foundation.decisions.challenger_evaluation import Differences, DisagreementCensus, NoiseCorrection, Scores
from include.foundation.statistics.estimates import weighted_mean
from include.foundation.store.ledgers.labeled_draws import TRAIN
from include.foundation.store.loop_files import write_file
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.answered_contents import answered_contents
from include.stages.evaluation.calibration import calibration
from include.stages.evaluation.class_scores import as_given, per_class
from include.stages.evaluation.corrected_scores import Truth, truth_of
from include.stages.evaluation.disagreement_examples import disagreement_examples
from include.stages.evaluation.evaluation_page import evaluation_page, evaluation_page_path
from include.stages.evaluation.judged_rows import JudgedRows
from include.stages.evaluation.model_scores import informative, slice_scores
from include.stages.evaluation.noise_correction import noise_correction
from include.stages.evaluation.rows_at_hand import RowsAtHand, rows_at_hand
from include.stages.labels.datasets import Dataset

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel


def evaluate(
    store: LoopStore, dataset: Dataset, name: str, champion: "LoadedModel | None", challenger: "LoadedModel"
) -> Evaluation:
    """Measure both models on the holdout, weighted to the production distribution, and record the evaluation.

    Parameters
    ----------
    store
        Tables of the loop.
    dataset
        The newest labels. Both models are judged on its recent holdout, see `include.stages.evaluation.recent_holdout`, and on
        the rows that were requested for this challenger.
    name
        Name of the dataset.
    champion
        The model to compare with; None if the challenger is the first model: then what was served is.
    challenger
        The model to judge.

    Returns
    -------
    Evaluation
        Its subject is the challenger's key.

    Notes
    -----
    Production scores are estimated from rows drawn at random alone. The first model is held against what the logs say was
    served on them; while none has a label, it is judged on the seed labels in the holdout, beside nothing. Where accuracy was
    shown to have dropped lately, only rows since then count.
    These random rows are then no evidence: they told when the champion's luck was worst, so that any challenger looks better.
    """
    at_hand = rows_at_hand(store, dataset, champion, challenger)
    truth, corrected = _against_truth(store, at_hand, challenger)
    evaluation = _evaluation(store, name, at_hand, challenger, truth, corrected)
    path = evaluation_page_path(challenger.challenger_key, name)
    page = write_file(store, path, evaluation_page(store.loop, evaluation))
    return record(store, evaluation.model_copy(update={"picture": page}))


def _against_truth(
    store: LoopStore, at_hand: RowsAtHand, challenger: "LoadedModel"
) -> tuple[Truth | None, NoiseCorrection | None]:
    """Return what is true of the rows that judge models, and the accuracy of both against it; None where there is but one."""
    if not at_hand.rows.labels:
        return None, None
    champion, contents = at_hand.champion, answered_contents(store, at_hand.recent)
    truth = truth_of(contents, champion, challenger)
    if champion is None or store.loop.gate.score != "accuracy":
        return truth, None
    corrected = noise_correction(contents, champion, challenger)
    if corrected.champion.value is None and not corrected.set_aside and not corrected.unanswered:
        return truth, None  # nobody was asked: there is nothing to correct
    if truth is not None:
        difference = truth.scores(informative(at_hand.rows, at_hand.scores)).difference
        corrected = corrected.model_copy(update={"difference": difference})
    return truth, corrected


def _evaluation(
    store: LoopStore,
    name: str,
    at_hand: RowsAtHand,
    challenger: "LoadedModel",
    truth: Truth | None,
    corrected: NoiseCorrection | None,
) -> Evaluation:
    rows, scores, first, census = at_hand.rows, at_hand.scores, at_hand.first, at_hand.census
    caveat = "" if truth else as_given(rows)
    told = [str(corrected)] if corrected else []
    return Evaluation(
        subject=challenger.challenger_key,
        reasons=(*_reasons(rows, scores, census), *told, *([caveat] if caveat else [])),
        challenger_key=challenger.challenger_key,
        run_id=challenger.run_id,
        champion_version=None if at_hand.champion is None else at_hand.champion.version,
        dataset=name,
        scores=scores,
        population=population(store.loop, at_hand.recent, first=rows.champion_scores is None),
        longer=at_hand.longer,
        corrected=corrected,
        as_given=caveat,
        per_class=per_class(store.loop, rows, truth),
        slices=slice_scores(
            store.loop, rows, first or at_hand.of_window, at_hand.evidence, truth if corrected else None
        ),
        calibration=calibration(rows.confidence, rows.challenger_right, rows.inclusion_probabilities),
        score_unit=_score_unit(rows) if first is None else first.score_unit,
        differences=Differences(
            random=at_hand.of_window.scaled_differences() if first is None else first.differences.random,
            disagreement=at_hand.evidence.drawn_differences(census.largest_group, census.stands_for),
        ),
        window=census,
        examples=disagreement_examples((rows, at_hand.evidence)),
        files_digest=challenger.files_digest,
        class_weights=tuple(rows.class_weights.tolist()),
    )


def population(loop: Loop, rows: pa.Table, *, first: bool) -> str:
    """Return in words which rows a challenger is judged on.

    Parameters
    ----------
    loop
        Names the group.
    rows
        Those rows, of ``labels``.
    first
        Whether it is the first model.
    """
    strata = Counter(rows.column("stratum").to_pylist())
    if first:
        drawn = rows.num_rows - strata["seed"]
        return f"{strata['seed']} seed labels that are held out and {drawn} rows that were drawn at random"
    if not rows.num_rows:
        return "no row"
    days = [f"{moment:%Y-%m-%d}" for moment in rows.column("ts").to_pylist()]
    known = rows.column("split").to_pylist().count(TRAIN)
    apart = f", {known} of a {loop.split.group} that was trained on before" if loop.split.group else ""
    return f"{rows.num_rows} rows drawn at random from what was served on {min(days)} to {max(days)}{apart}"


def _score_unit(rows: JudgedRows) -> float:
    return weighted_mean(rows.perfect_scores, rows.inclusion_probabilities).value or 1.0


def _reasons(rows: JudgedRows, scores: Scores, census: DisagreementCensus) -> tuple[str, ...]:
    if rows.champion_scores is None:
        return (f"First model: {scores.challenger} on held-out labels.",)
    return (
        f"Champion {scores.champion}, challenger {scores.challenger}, difference {scores.difference}.",
        f"They disagree on {census.share:.1%} of {census.rows} logged rows.",
    )
