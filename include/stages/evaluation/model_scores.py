"""Both models' scores and their paired difference, on all rows and by slice."""

from collections import Counter

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import Evaluation
from include.foundation.decisions.challenger_evaluation import Scores, SliceDifference, SliceScores
from include.foundation.statistics.estimates import (
    UNKNOWN,
    design_weights,
    effective_rows,
    weighted_difference,
    weighted_mean,
)
from include.stages.evaluation.corrected_scores import Truth
from include.stages.evaluation.judged_rows import JudgedRows

SegmentValue = tuple[str, str | None]


def scores_of(rows: JudgedRows) -> Scores:
    """Return both models' scores and their difference by labels; what concerns a champion is unknown if there is none."""
    probabilities, groups, beside = rows.inclusion_probabilities, rows.groups, rows.beside
    challenger = weighted_mean(rows.challenger_scores, probabilities, groups=groups, beside=beside)
    if rows.champion_scores is None:
        return Scores(champion=UNKNOWN, challenger=challenger, difference=UNKNOWN)
    return Scores(
        champion=weighted_mean(rows.champion_scores, probabilities, groups=groups, beside=beside),
        challenger=challenger,
        difference=weighted_difference(rows.differences, probabilities, groups=groups),
    )


def informative(rows: JudgedRows, scores: Scores) -> float:
    """Return how many rows that do not depend on each other tell as much as one of these, by groups alone."""
    of_labels = scores.challenger
    return of_labels.effective_rows / of_labels.gain / effective_rows(design_weights(rows.inclusion_probabilities))


def slice_scores(
    loop: Loop, rows: JudgedRows, first: Evaluation | JudgedRows, evidence: JudgedRows, truth: Truth | None
) -> tuple[SliceScores, ...]:
    """Return both scores and the paired differences on each value of the segments that the gate watches.

    Parameters
    ----------
    loop
        Names the segments.
    rows
        Labeled rows that were drawn at random.
    first
        What settles which random rows are evidence: the first evaluation, or those rows.
    evidence
        Rows that were drawn because the models disagree on them.
    truth
        What is true of the random rows; None where answers do not tell.
    """
    return tuple(
        _of_slice(rows.where(segment, value), (segment, value), first, evidence, truth)
        for segment in loop.gate.slices
        for value in sorted(set(rows.segments[segment]) | set(evidence.segments[segment]), key=str)
    )


def _of_slice(
    rows: JudgedRows, of: SegmentValue, first: Evaluation | JudgedRows, evidence: JudgedRows, truth: Truth | None
) -> SliceScores:
    scores = scores_of(rows)
    return SliceScores(
        segment=of[0],
        value=of[1],
        scores=scores,
        differences=_differences(_random(first, *of), evidence.where(*of)),
        corrected=truth.scores(informative(rows, scores), *of) if truth and rows.labels else None,
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
