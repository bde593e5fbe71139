"""What a verdict teaches for the next cycle: one sentence for each thing that stands out, none if nothing does."""

from collections.abc import Sequence
from math import comb

import numpy as np

from include.foundation.config.promotion_sections import Gate
from include.foundation.decisions import DriftVerdict, Evaluation, GateVerdict
from include.foundation.decisions.challenger_evaluation import ClassScores, ConfidenceCalibration
from include.foundation.statistics.false_discovery import flagged_by_false_discovery
from include.stages.reports.corrections import Corrections
from include.stages.reports.label_quality import Annotator, LabelQuality

FEWEST_CORRECTIONS = 3
WIDE = 0.5
FALSE_DISCOVERIES = 0.05
MUCH_ASIDE = 0.1
MISCALIBRATED = 0.05


def lessons(
    rule: Gate,
    gate: GateVerdict,
    evaluation: Evaluation,
    drift: DriftVerdict | None,
    corrected: Corrections | None,
    quality: LabelQuality | None,
) -> list[str]:
    """Return what stands out, in sentences.

    Parameters
    ----------
    rule
        What the gate demands.
    gate, evaluation
        The verdict and what it rests on.
    drift
        The verdict on the cycle's interval, None if there is none.
    corrected
        Corrections among the new labels; None if they are not known.
    quality
        Agreement on the cycle's labels, None for the first model.
    """
    return [
        *_of_margin(rule, gate),
        *(_of_corrections(corrected) if corrected else []),
        *_of_classes(evaluation.per_class, gate.scores.challenger.value),
        *_of_calibration(evaluation.calibration),
        *_of_drift(drift),
        *(_of_annotators(quality) if quality else []),
    ]


def _of_margin(rule: Gate, gate: GateVerdict) -> list[str]:
    """Explain a challenger that was ahead and yet not promoted."""
    wins, losses = gate.wins, gate.losses
    if gate.outcome == "promote" or rule.rule != "superior" or rule.margin == 0 or wins <= losses:
        return []
    lead = f"It was right more often than the champion, {wins:g} times to {losses:g}, but a lead of more than {rule.margin:g}"
    return [f"{lead} over all rows is to be shown, and where the two agree there is no lead."]


def _of_corrections(corrected: Corrections) -> list[str]:
    if not corrected.pairs or corrected.pairs[0][2] < FEWEST_CORRECTIONS:
        return []
    predicted, label, times = corrected.pairs[0]
    times_in = f"{times} times in {corrected.new} new labels"
    return [f"The most frequent correction: the model said {predicted}, people {label}, {times_in}."]


def _of_classes(classes: dict[str, ClassScores], overall: float | None) -> list[str]:
    recalls = {name: scores.recall for name, scores in classes.items()}
    weak = {
        name: f"{name} ({recall.value:.2f}, at most {recall.high:.2f})"
        for name, recall in recalls.items()
        if overall is not None and recall.high is not None and recall.high < overall
    }
    unclear = [
        f"{name} ({recall.rows} held-out rows)"
        for name, recall in recalls.items()
        if name not in weak and (recall.high is None or recall.low is None or recall.high - recall.low > WIDE)
    ]
    sentences = []
    if weak:
        names = ", ".join(weak.values())
        sentences.append(
            f"Its recall is below its score, interval and all, on {names}: labels of such rows would help most."
        )
    if unclear:
        names = ", ".join(unclear)
        sentences.append(
            f"How well it knows {names} is hardly known yet: the interval of the recall is wider than {WIDE:g}."
        )
    return sentences


def _of_calibration(calibration: ConfidenceCalibration) -> list[str]:
    """Say whether confidence is too high or too low, if the error is more than chance would explain."""
    if calibration.low is None or calibration.low < MISCALIBRATED:
        return []
    rows = sum(point.rows for point in calibration.curve)
    excess = sum((point.confidence - point.right) * point.rows for point in calibration.curve) / rows
    way = "more often right than it thinks" if excess < 0 else "less often right than it thinks"
    off = f"{calibration.error:.2f} ({calibration.low:.2f} to {calibration.high:.2f})"
    return [f"Its confidence is off by {off}: it is {way}. Do not read its probabilities as chances."]


def _of_drift(drift: DriftVerdict | None) -> list[str]:
    if drift is None or not drift.flagged:
        return []
    if drift.route == "fix_data":
        return [
            "The drift looks like a fault in the data, not a change in the world: mend the source before training on it."
        ]
    return [
        "Traffic differed from ordinary days, so scores of this cycle and of earlier ones are not of the same mix of rows."
    ]


def _of_annotators(quality: LabelQuality) -> list[str]:
    sentences = [
        f"Annotator {annotator.name[:8]} gave the accepted label in {annotator.agreeing} of {annotator.labeled} answers, less "
        "often than chance explains beside the others: go through the instructions together."
        for annotator in _disagreeing(quality.annotators)
    ]
    aside = sum(quality.aside.values())
    if quality.answered and aside > MUCH_ASIDE * quality.answered:
        sentences.append(
            f"{aside} of {quality.answered} answered requests were set aside as doubtful: the classes may overlap."
        )
    return sentences


def _disagreeing(annotators: Sequence[Annotator]) -> list[Annotator]:
    """Return who gives the accepted label less often than if all annotators were alike, at a rate of false discoveries.

    The p-value is the probability that so few of the agreeing answers fall to an annotator if they are dealt at random.
    """
    answers, agreeing = (sum(getattr(each, name) for each in annotators) for name in ("labeled", "agreeing"))
    ways = (sum(_deals(each, answers, agreeing, own) for own in range(each.agreeing + 1)) for each in annotators)
    p_values = [few / comb(answers, each.labeled) for few, each in zip(ways, annotators, strict=True)]
    flagged = flagged_by_false_discovery(np.array(p_values), FALSE_DISCOVERIES)
    return [each for each, is_flagged in zip(annotators, flagged, strict=True) if is_flagged]


def _deals(annotator: Annotator, answers: int, agreeing: int, own: int) -> int:
    """Return in how many ways all answers can be dealt so that an annotator gets so many of the agreeing ones."""
    return comb(agreeing, own) * comb(answers - agreeing, annotator.labeled - own)
