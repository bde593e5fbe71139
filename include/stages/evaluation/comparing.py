"""Evaluate champion and challenger on the same rows."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

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
from include.foundation.statistics.estimates import UNKNOWN, weighted_difference, weighted_mean, weighted_recall
from include.foundation.statistics.prediction_powered import LoggedConfidence
from include.foundation.store.ledgers.labeled_draws import TRAIN
from include.foundation.store.loop_files import write_file
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.evaluation.calibration import calibration
from include.stages.evaluation.contested_rows import contested_rows, first_evaluation, fixed_weights, within
from include.stages.evaluation.disagreement_window import disagreement_window
from include.stages.evaluation.evaluation_page import evaluation_page, evaluation_page_path
from include.stages.evaluation.judged_rows import JudgedRows, judged_rows
from include.stages.evaluation.learnt_rows import asks_of, known_share
from include.stages.evaluation.noise_correction import noise_correction
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
    asks = asks_of(store, challenger.challenger_key)
    history = holdout_history(store.loop, dataset, asks)
    registered, champion = champion, champion or served_before(store.loop, history)
    drawn = judging_rows(store.loop, dataset, first=champion is None, asks=asks)
    if champion is not None and drawn.num_rows:
        known = known_share(store, asks, pc.min(drawn.column("ts")).as_py())
        drawn, history = (as_of_tomorrow(rows, asks, known) for rows in (drawn, history))
    recent = Taxonomy.of(store.loop.task).read_labels(drawn)
    first = first_evaluation(store, champion, challenger)
    window = disagreement_window(store, champion, challenger, first.window if first else None) if champion else None
    census = window.census if window else DisagreementCensus(rows=0, share=0.0, askable=0)
    if census.changed:
        recent = recent.filter(within(recent, census))
    served = served_with(store, recent) if champion is not None else None
    rows = judged_rows(store.loop, recent, champion, challenger, fixed_weights(store.loop, first), served)
    evidence = contested_rows(store, dataset, champion, challenger, window)
    evidence_rows = judged_rows(store.loop, evidence, champion, challenger, rows.class_weights)
    of_window = rows.kept(within(recent, census) & (not census.changed))
    scores = _scores(rows)
    longer = None
    if champion is not None and history.num_rows > recent.num_rows:
        longer = _scores(judged_rows(store.loop, history, champion, challenger, rows.class_weights))
    corrected = noise_correction(store, recent, registered, challenger)
    evaluation = Evaluation(
        subject=challenger.challenger_key,
        reasons=(*_reasons(rows, scores, census), *([str(corrected)] if corrected else [])),
        challenger_key=challenger.challenger_key,
        run_id=challenger.run_id,
        champion_version=None if champion is None else champion.version,
        dataset=name,
        scores=scores,
        population=population(store.loop, recent, first=champion is None),
        longer=longer,
        corrected=corrected,
        per_class=per_class(store.loop, rows),
        slices=_slices(store.loop, rows, first or of_window, evidence_rows),
        calibration=calibration(rows.confidence, rows.challenger_right, rows.inclusion_probabilities),
        score_unit=_score_unit(rows) if first is None else first.score_unit,
        differences=Differences(
            random=of_window.scaled_differences() if first is None else first.differences.random,
            disagreement=evidence_rows.drawn_differences(census.largest_group, census.stands_for),
        ),
        window=census,
        files_digest=challenger.files_digest,
        class_weights=tuple(rows.class_weights.tolist()),
    )
    path = evaluation_page_path(challenger.challenger_key, name)
    page = write_file(store, path, evaluation_page(store.loop, evaluation))
    return record(store, evaluation.model_copy(update={"picture": page}))


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


def per_class(loop: Loop, rows: JudgedRows) -> dict[str, ClassScores]:
    """Return the challenger's recall with its interval, precision and F1 by class; they are None for a class without rows."""
    labels, predictions = np.array(rows.labels, dtype=object), rows.challenger_predictions
    scores = {}
    for name in loop.task.classes:
        of_class, predicted = labels == name, predictions == name
        recall = weighted_recall(
            predicted.astype(float),
            of_class,
            rows.inclusion_probabilities,
            rows.groups,
            _beside_class(loop, rows, name),
        )
        precision = weighted_mean(of_class[predicted].astype(float), rows.inclusion_probabilities[predicted]).value
        f1 = None
        if recall.value is not None and precision is not None:
            f1 = 2 * recall.value * precision / ((recall.value + precision) or 1.0)
        scores[name] = ClassScores(recall=recall, precision=precision, f1=f1, rows=int(of_class.sum()))
    return scores


def _beside_class(loop: Loop, rows: JudgedRows, name: str) -> tuple[LoggedConfidence, int, NDArray[np.bool_]] | None:
    """Return how confidently rows were served as which class, the number of one, and where that was right."""
    if rows.served is None:
        return None
    right = np.array(
        [row.predicted == label for row, label in zip(rows.served.rows, rows.labels, strict=True)], dtype=bool
    )
    return rows.served.confidence(by_class=True), loop.task.classes.index(name), right


def _score_unit(rows: JudgedRows) -> float:
    return weighted_mean(rows.perfect_scores, rows.inclusion_probabilities).value or 1.0


def _scores(rows: JudgedRows) -> Scores:
    probabilities, groups, beside = rows.inclusion_probabilities, rows.groups, rows.beside
    challenger = weighted_mean(rows.challenger_scores, probabilities, groups=groups, beside=beside)
    if rows.champion_scores is None:
        return Scores(champion=UNKNOWN, challenger=challenger, difference=UNKNOWN)
    return Scores(
        champion=weighted_mean(rows.champion_scores, probabilities, groups=groups, beside=beside),
        challenger=challenger,
        difference=weighted_difference(rows.differences, probabilities, groups=groups),
    )


def _slices(
    loop: Loop, rows: JudgedRows, first: Evaluation | JudgedRows, evidence_rows: JudgedRows
) -> tuple[SliceScores, ...]:
    """Return both scores and the paired differences on each value of the segments that the gate watches."""
    return tuple(
        SliceScores(
            segment=segment,
            value=value,
            scores=_scores(rows.where(segment, value)),
            differences=_differences(_random(first, segment, value), evidence_rows.where(segment, value)),
        )
        for segment in loop.gate.slices
        for value in sorted(set(rows.segments[segment]) | set(evidence_rows.segments[segment]), key=str)
    )


def _random(first: Evaluation | JudgedRows, segment: str, value: str | None) -> tuple[SliceDifference, ...]:
    """Return the differences of random rows on a slice: those of the first evaluation, when no other row was drawn yet."""
    if isinstance(first, Evaluation):
        return next((part.differences for part in first.slices if (part.segment, part.value) == (segment, value)), ())
    times: Counter[float] = Counter()
    for row in first.where(segment, value).scaled_differences():
        times[row.value] += row.times
    return tuple(SliceDifference(*row) for row in times.items())


def _differences(random: tuple[SliceDifference, ...], evidence: JudgedRows) -> tuple[SliceDifference, ...]:
    times = Counter({row.value: row.times for row in random})
    for row in evidence.drawn_differences():
        times[row.value] += row.times
    return tuple(SliceDifference(value, count) for value, count in sorted(times.items()))


def _reasons(rows: JudgedRows, scores: Scores, census: DisagreementCensus) -> tuple[str, ...]:
    if rows.champion_scores is None:
        return (f"First model: {scores.challenger} on held-out labels.",)
    return (
        f"Champion {scores.champion}, challenger {scores.challenger}, difference {scores.difference}.",
        f"They disagree on {census.share:.1%} of {census.rows} logged rows.",
    )
