"""The picture of an evaluation: scores with intervals, and the reliability of the challenger's confidence."""

import io
from typing import Any

from include.foundation.decisions import Evaluation
from include.foundation.decisions.challenger_evaluation import ConfidenceCalibration, Scores

CHAMPION, CHALLENGER = "#9aa5b1", "#1f5fa8"


def draw_comparison(evaluation: Evaluation) -> bytes:
    """Return a PNG of an evaluation: overall and by slice on the left, calibration on the right."""
    from matplotlib.figure import Figure

    groups = [("all rows", evaluation.scores)]
    groups += [(f"{part.segment} = {part.value}", part.scores) for part in evaluation.slices]
    figure = Figure(figsize=(11, 1.6 + 0.55 * max(len(groups), 4)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    _scores(left, groups)
    _reliability(right, evaluation.calibration)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110, metadata={"Software": None})
    return picture.getvalue()


def _scores(axis: Any, groups: list[tuple[str, Scores]]) -> None:
    for place, (_, scores) in enumerate(groups):
        if scores.challenger.value is None:
            axis.text(0.01, -place, "no rows", va="center", fontsize=8, color="#5f6b76")
        for name, shift, colour in (("champion", 0.13, CHAMPION), ("challenger", -0.13, CHALLENGER)):
            score = scores.by_name()[name]
            if score.value is None:
                continue
            axis.plot([score.low, score.high], [-place + shift] * 2, color=colour, linewidth=3, alpha=0.6)
            axis.plot(score.value, -place + shift, "o", color=colour, label=name if place == 0 else None)
    axis.set_yticks([-place for place in range(len(groups))], [name for name, _ in groups], parse_math=False)
    axis.set_xlim(0, 1.02)
    axis.set_ylim(0.5 - len(groups), 0.5)
    axis.set_xlabel("score on the production distribution, 95 % interval")
    axis.set_title("Champion and challenger on the same rows", loc="left", fontsize=11)
    axis.grid(axis="x", alpha=0.3)
    axis.spines[["top", "right", "left"]].set_visible(False)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)


def _reliability(axis: Any, calibration: ConfidenceCalibration) -> None:
    axis.plot([0, 1], [0, 1], color="#c5ccd3", linewidth=1)
    axis.set_title("Is its confidence true?", loc="left", fontsize=11)
    axis.set_xlabel("confidence")
    axis.set_ylabel("share right")
    axis.spines[["top", "right"]].set_visible(False)
    if calibration.verdict == "inconclusive":
        axis.text(0.5, 0.5, "inconclusive:\ntoo few rows", ha="center", va="center", color="#5f6b76")
        return
    points = calibration.curve
    axis.plot([point.confidence for point in points], [point.right for point in points], "o-", color=CHALLENGER)
