"""Evaluate champion and challenger on the same rows."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import Evaluation, record
from include.foundation.decisions.challenger_evaluation import (
    ClassScores,
    Differences,
    DisagreementCensus,
    Scores,
    SliceDifference,
    SliceScores,
)
from include.foundation.statistics.estimates import UNKNOWN, weighted_difference, weighted_mean
from include.foundation.store.loop_files import write_file
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.calibration import calibration
from include.stages.evaluation.disagreement_window import disagreement_window
from include.stages.evaluation.evaluation_pictures import draw_comparison
from include.stages.evaluation.judged_rows import JudgedRows, judged_rows
from include.stages.evaluation.noise_correction import noise_correction
from include.stages.evaluation.recent_holdout import holdout_history, judging_rows
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
        The model to compare with; None if the challenger is the first model.
    challenger
        The model to judge.

    Returns
    -------
    Evaluation
        Its subject is the challenger's key.

    Notes
    -----
    Production scores are estimated from rows drawn at random alone. For the first model there are no production labels yet, so
    it is judged on the seed labels in the holdout.
    """
    history = holdout_history(store.loop, dataset)
    recent = judging_rows(store.loop, dataset, first=champion is None)
    rows = judged_rows(store.loop, recent, champion, challenger)
    evidence = _evidence_for(challenger.challenger_key, pa.concat_tables([dataset.train, dataset.holdout]))
    evidence_rows = judged_rows(store.loop, evidence, champion, challenger, rows.class_weights)
    scores, census = _scores(rows), _census(store, champion, challenger)
    longer = None
    if champion is not None and history.num_rows > recent.num_rows:
        longer = _scores(judged_rows(store.loop, history, champion, challenger, rows.class_weights))
    corrected = noise_correction(store, recent, champion, challenger)
    evaluation = Evaluation(
        subject=challenger.challenger_key,
        reasons=(*_reasons(rows, scores, census), *([str(corrected)] if corrected else [])),
        challenger_key=challenger.challenger_key,
        run_id=challenger.run_id,
        champion_version=None if champion is None else champion.version,
        dataset=name,
        scores=scores,
        longer=longer,
        corrected=corrected,
        per_class=per_class(store.loop, rows),
        slices=_slices(store.loop, rows, evidence_rows),
        calibration=calibration(rows.confidence, rows.challenger_right, rows.inclusion_probabilities),
        score_unit=weighted_mean(rows.perfect_scores, rows.inclusion_probabilities).value or 1.0,
        differences=Differences(random=rows.scaled_differences(), disagreement=evidence_rows.scaled_differences()),
        window=census,
        files_digest=challenger.files_digest,
    )
    picture = write_file(store, picture_path(challenger.challenger_key, name), draw_comparison(evaluation))
    return record(store, evaluation.model_copy(update={"picture": picture}))


def picture_path(challenger_key: str, dataset: str) -> str:
    """Return where the picture of an evaluation is among the loop's files."""
    return f"evaluations/{challenger_key}-{dataset}.png"


def per_class(loop: Loop, rows: JudgedRows) -> dict[str, ClassScores]:
    """Return the challenger's recall with its interval, precision and F1 by class; they are None for a class without rows."""
    labels, predictions = np.array(rows.labels, dtype=object), rows.challenger_predictions
    scores = {}
    for name in loop.task.classes:
        of_class, predicted = labels == name, predictions == name
        groups = [group for group, is_of in zip(rows.groups, of_class, strict=True) if is_of]
        probabilities = rows.inclusion_probabilities[of_class]
        recall = weighted_mean(predicted[of_class].astype(float), probabilities, groups=groups)
        precision = weighted_mean(of_class[predicted].astype(float), rows.inclusion_probabilities[predicted]).value
        f1 = None
        if recall.value is not None and precision is not None:
            f1 = 2 * recall.value * precision / ((recall.value + precision) or 1.0)
        scores[name] = ClassScores(recall=recall, precision=precision, f1=f1, rows=int(of_class.sum()))
    return scores


def _evidence_for(challenger_key: str, labels: pa.Table) -> pa.Table:
    keep = [key == challenger_key for key in labels.column("evidence_for").to_pylist()]
    return labels.filter(pa.array(keep, pa.bool_()))


def _scores(rows: JudgedRows) -> Scores:
    probabilities, groups = rows.inclusion_probabilities, rows.groups
    challenger = weighted_mean(rows.challenger_scores, probabilities, groups=groups)
    if rows.champion_scores is None:
        return Scores(champion=UNKNOWN, challenger=challenger, difference=UNKNOWN)
    return Scores(
        champion=weighted_mean(rows.champion_scores, probabilities, groups=groups),
        challenger=challenger,
        difference=weighted_difference(rows.differences, probabilities, groups=groups),
    )


def _slices(loop: Loop, rows: JudgedRows, evidence_rows: JudgedRows) -> tuple[SliceScores, ...]:
    """Return both scores and the paired differences on each value of the segments that the gate watches."""
    return tuple(
        SliceScores(
            segment=segment, value=value, scores=_scores(on_slice), differences=_differences(on_slice, evidence)
        )
        for segment in loop.gate.slices
        for value in sorted(set(rows.segments[segment]) | set(evidence_rows.segments[segment]), key=str)
        for on_slice, evidence in [(rows.where(segment, value), evidence_rows.where(segment, value))]
    )


def _differences(*groups: JudgedRows) -> tuple[SliceDifference, ...]:
    times: Counter[float] = Counter()
    for rows in groups:
        for difference in rows.scaled_differences():
            times[difference.value] += difference.times
    return tuple(SliceDifference(value, count) for value, count in sorted(times.items()))


def _census(store: LoopStore, champion: "LoadedModel | None", challenger: "LoadedModel") -> DisagreementCensus:
    if champion is None:
        return DisagreementCensus(rows=0, share=0.0, askable=0)
    window = disagreement_window(store, champion, challenger)
    return DisagreementCensus(rows=window.rows, share=window.share, askable=len(window.candidates))


def _reasons(rows: JudgedRows, scores: Scores, census: DisagreementCensus) -> tuple[str, ...]:
    if rows.champion_scores is None:
        return (f"First model: {scores.challenger} on held-out labels.",)
    return (
        f"Champion {scores.champion}, challenger {scores.challenger}, difference {scores.difference}.",
        f"They disagree on {census.share:.1%} of {census.rows} logged rows.",
    )
