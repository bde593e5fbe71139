"""Champion and challenger on the same rows."""

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
from include.stages.labels.datasets import Dataset

if TYPE_CHECKING:
    from include.foundation.models.registry import LoadedModel


def evaluate(
    store: LoopStore, dataset: Dataset, name: str, champion: "LoadedModel | None", challenger: "LoadedModel"
) -> Evaluation:
    """Measure both models on the holdout, weighted to the production distribution, and record the evidence.

    Parameters
    ----------
    store
        Tables of the loop.
    dataset
        The newest labels: its holdout judges; rows on which the two disagreed, asked for this challenger, are evidence.
    name
        Name of the dataset.
    champion
        The live model, or None for the first one.
    challenger
        The model to judge. None of the rows were in its training set.

    Returns
    -------
    Evaluation
        Of the challenger.

    Notes
    -----
    Production is estimated from the random stratum alone. The first model has no production labels yet: it is judged on the
    held-out seed labels.
    """
    held = _holdout(dataset, first=champion is None)
    rows = judged_rows(store.loop, held, champion, challenger)
    apart = _asked_for(dataset.train, challenger.challenger_key)
    evidence_rows = judged_rows(store.loop, apart, champion, challenger, rows.class_weights)
    scores, census = _scores(rows), _census(store, champion, challenger)
    evaluation = Evaluation(
        subject=challenger.challenger_key,
        reasons=_reasons(rows, scores, census),
        challenger_key=challenger.challenger_key,
        run_id=challenger.run_id,
        champion_version=None if champion is None else champion.version,
        dataset=name,
        scores=scores,
        per_class=per_class(store.loop, rows),
        slices=_slices(store.loop, rows, evidence_rows),
        calibration=calibration(rows.confidence, rows.challenger_right),
        score_unit=weighted_mean(rows.perfect_scores, rows.probabilities).value or 1.0,
        differences=Differences(random=rows.scaled_differences(), disagreement=evidence_rows.scaled_differences()),
        window=census,
    )
    path = f"evaluations/{challenger.challenger_key}-{name}.png"
    picture = write_file(store, path, draw_comparison(evaluation))
    return record(store, evaluation.model_copy(update={"picture": picture}))


def per_class(loop: Loop, rows: JudgedRows) -> dict[str, ClassScores]:
    """Return recall with its interval, precision and F1 of the challenger by class; None where no row tells."""
    truth, predicted = np.array(rows.truth, dtype=object), rows.challenger_said
    scores = {}
    for name in loop.task.classes:
        of_class, called = truth == name, predicted == name
        recall = weighted_mean(called[of_class].astype(float), rows.probabilities[of_class])
        precision = weighted_mean(of_class[called].astype(float), rows.probabilities[called]).value
        f1 = None
        if recall.value is not None and precision is not None:
            f1 = 2 * recall.value * precision / ((recall.value + precision) or 1.0)
        scores[name] = ClassScores(recall=recall, precision=precision, f1=f1, rows=int(of_class.sum()))
    return scores


def _holdout(dataset: Dataset, *, first: bool) -> pa.Table:
    strata = dataset.holdout.column("stratum").to_pylist()
    return dataset.holdout.filter(pa.array([first or stratum == "random" for stratum in strata], pa.bool_()))


def _asked_for(rows: pa.Table, challenger_key: str) -> pa.Table:
    keep = [key == challenger_key for key in rows.column("evidence_for").to_pylist()]
    return rows.filter(pa.array(keep, pa.bool_()))


def _scores(rows: JudgedRows) -> Scores:
    challenger = weighted_mean(rows.challenger_scores, rows.probabilities)
    if rows.champion_scores is None:
        return Scores(champion=UNKNOWN, challenger=challenger, difference=UNKNOWN)
    return Scores(
        champion=weighted_mean(rows.champion_scores, rows.probabilities),
        challenger=challenger,
        difference=weighted_difference(rows.differences, rows.probabilities),
    )


def _slices(loop: Loop, rows: JudgedRows, evidence_rows: JudgedRows) -> tuple[SliceScores, ...]:
    """Return, for each value of each segment that the gate watches, both scores and the paired differences."""
    return tuple(
        SliceScores(segment=segment, value=value, scores=_scores(part), differences=_differences(part, more))
        for segment in loop.gate.slices
        for value in sorted(set(rows.segments[segment]) | set(evidence_rows.segments[segment]), key=str)
        for part, more in [(rows.where(segment, value), evidence_rows.where(segment, value))]
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
    return DisagreementCensus(rows=window.rows, share=window.share, askable=len(window.askable))


def _reasons(rows: JudgedRows, scores: Scores, census: DisagreementCensus) -> tuple[str, ...]:
    if rows.champion_scores is None:
        return (f"First model: {scores.challenger} on held-out labels.",)
    return (
        f"Champion {scores.champion}, challenger {scores.challenger}, difference {scores.difference}.",
        f"They disagree on {census.share:.1%} of {census.rows} logged rows.",
    )
