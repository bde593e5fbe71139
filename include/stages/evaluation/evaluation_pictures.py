"""The picture of an evaluation: scores with intervals, and the reliability of the challenger's confidence."""

from typing import Any

from include.foundation.decisions import Evaluation
from include.foundation.decisions.challenger_evaluation import ConfidenceCalibration, Scores
from include.foundation.pages import figures

# Above and below the line of a group.
SIDES = (("champion", 0.13, figures.CHAMPION), ("challenger", -0.13, figures.CHALLENGER))


def draw_comparison(evaluation: Evaluation) -> bytes:
    """Return a PNG of an evaluation: overall and by slice on the left, calibration on the right."""
    groups = [("all rows", evaluation.scores)]
    groups += [(f"{part.segment} = {part.value}", part.scores) for part in evaluation.slices]
    drawn = figures.figure(1.6 + 0.55 * max(len(groups), 4))
    left, right = drawn.subplots(1, 2, width_ratios=[3, 2])
    _scores(left, groups)
    _reliability(right, evaluation.calibration)
    return figures.png(drawn)


def _scores(axis: Any, groups: list[tuple[str, Scores]]) -> None:
    for place, (_, scores) in enumerate(groups):
        if scores.challenger.value is None:
            figures.note(axis, "no rows", (0.01, -place), points=0)
        for name, shift, colour in SIDES:
            score = scores.by_name()[name]
            if score.value is not None:
                label = name if place == 0 else None
                figures.interval(axis, score, shift - place, colour, horizontal=True, label=label)
    axis.set_yticks([-place for place in range(len(groups))], [name for name, _ in groups], parse_math=False)
    axis.set_xlim(0, 1.02)
    axis.set_ylim(0.5 - len(groups), 0.5)
    axis.set_xlabel("score on the production distribution, 95 % interval")
    figures.style(axis, "Champion and challenger on the same rows", grid="x")
    if axis.get_legend_handles_labels()[0]:
        figures.legend(axis, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)


def _reliability(axis: Any, calibration: ConfidenceCalibration) -> None:
    axis.plot([0, 1], [0, 1], color=figures.REFERENCE, linewidth=1)
    axis.set_xlabel("confidence")
    axis.set_ylabel("share right")
    figures.style(axis, "Is its confidence true?")
    if calibration.verdict == "inconclusive":
        axis.text(0.5, 0.5, "inconclusive:\ntoo few rows", ha="center", va="center", color=figures.SOFT)
        return
    points = calibration.curve
    axis.plot([point.confidence for point in points], [point.right for point in points], "o-", color=figures.CHALLENGER)
