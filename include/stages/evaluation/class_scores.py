"""A challenger by class: recall, precision and F1."""

import numpy as np
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.decisions.challenger_evaluation import ClassScores
from include.foundation.statistics.class_recall import weighted_recall
from include.foundation.statistics.estimates import Estimate, design_weights, effective_rows, weighted_mean
from include.foundation.statistics.prediction_powered import LoggedConfidence
from include.stages.evaluation.corrected_scores import Truth
from include.stages.evaluation.judged_rows import JudgedRows


def per_class(loop: Loop, rows: JudgedRows, truth: Truth | None) -> dict[str, ClassScores]:
    """Return the challenger's recall with its interval, precision and F1 by class; they are None for a class without rows.

    Parameters
    ----------
    loop
        Names the classes.
    rows
        Labeled rows.
    truth
        What is true of them: the figures are then corrected for errors of annotators. If None, they are of labels.
    """
    labels = np.array(rows.labels, dtype=object)
    scores = {}
    for number, name in enumerate(loop.task.classes):
        of_class, predicted = labels == name, rows.challenger_predictions == name
        of_labels = _recall(loop, rows, name, of_class)
        recall, precision = of_labels, _share(of_class, predicted, rows)
        if truth is not None:
            plain = _share(predicted, of_class, rows)
            recall = truth.recall(number, *_beside_labels(rows.inclusion_probabilities[of_class], of_labels, plain))
            precision = truth.precision(number)
        scores[name] = ClassScores(
            recall=recall, precision=precision, f1=_f1(recall.value, precision), rows=int(of_class.sum()),
            of_labels=None if truth is None else of_labels,
        )  # fmt: skip
    return scores


def as_given(rows: JudgedRows) -> str:
    """Return what figures of labels as they are given leave open, in words; empty of no labels."""
    if not rows.labels:
        return ""
    weights, labels = design_weights(rows.inclusion_probabilities), np.array(rows.labels, dtype=object)
    shares = {name: float(weights[labels == name].sum() / weights.sum()) for name in sorted(set(rows.labels))}
    rarest = min(shares, key=lambda name: shares[name])
    return (
        "All figures are of labels as given: too few rows have two answers, or these agree too little, to tell how many labels "
        "are wrong. For each in a hundred that is, accuracy may be off by 1 point, and recall of "
        f"{rarest}, of which {shares[rarest]:.1%} of the rows are, by up to {min(100.0, 1 / shares[rarest]):.0f}."
    )


def _recall(loop: Loop, rows: JudgedRows, name: str, of_class: NDArray[np.bool_]) -> Estimate:
    predicted = (rows.challenger_predictions == name).astype(float)
    beside = _beside_class(loop, rows, name)
    return weighted_recall(predicted, of_class, rows.inclusion_probabilities, rows.groups, beside)


def _beside_labels(probabilities: NDArray[np.float64], recall: Estimate, plain: float | None) -> tuple[float, float]:
    """Return how much a row tells by groups and by confidence, and the luck that confidence tells of; as of labels."""
    if recall.value is None or plain is None:
        return 1.0, 0.0
    return recall.effective_rows / effective_rows(design_weights(probabilities)), plain - recall.value


def _share(counted: NDArray[np.bool_], of: NDArray[np.bool_], rows: JudgedRows) -> float | None:
    return weighted_mean(counted[of].astype(float), rows.inclusion_probabilities[of]).value


def _f1(recall: float | None, precision: float | None) -> float | None:
    if recall is None or precision is None:
        return None
    return 2 * recall * precision / ((recall + precision) or 1.0)


def _beside_class(loop: Loop, rows: JudgedRows, name: str) -> tuple[LoggedConfidence, int, NDArray[np.bool_]] | None:
    """Return how confidently rows were served as which class, the number of one, and where that was right."""
    if rows.served is None:
        return None
    right = np.array(
        [row.predicted == label for row, label in zip(rows.served.rows, rows.labels, strict=True)], dtype=bool
    )
    return rows.served.confidence(by_class=True), loop.task.classes.index(name), right
