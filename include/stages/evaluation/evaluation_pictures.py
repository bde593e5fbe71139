"""The picture of an evaluation: scores with intervals, and the reliability of the challenger's confidence."""

from collections.abc import Mapping
from typing import Any

from include.foundation.pages import figures
from include.foundation.statistics.estimates import Estimate

# Above and below the line of a group.
SIDES = (("champion", 0.13, figures.CHAMPION), ("challenger", -0.13, figures.CHALLENGER))


def draw_comparison(evidence: Mapping[str, Any]) -> bytes:
    """Return a PNG of an evaluation's evidence: overall and by slice on the left, calibration on the right."""
    groups = [("all rows", evidence["scores"])]
    groups += [(f"{item['segment']} = {item['value']}", item["scores"]) for item in evidence["slices"]]
    drawn = figures.figure(1.6 + 0.55 * max(len(groups), 4))
    left, right = drawn.subplots(1, 2, width_ratios=[3, 2])
    _scores(left, groups)
    _reliability(right, evidence["calibration"])
    return figures.png(drawn)


def _scores(axis: Any, groups: list[tuple[str, Mapping[str, Any]]]) -> None:
    for place, (_, scores) in enumerate(groups):
        if scores["challenger"]["value"] is None:
            figures.note(axis, "no rows", (0.01, -place), points=0)
        for name, shift, colour in SIDES:
            score = Estimate.from_json(scores[name])
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


def _reliability(axis: Any, calibration: Mapping[str, Any]) -> None:
    axis.plot([0, 1], [0, 1], color=figures.REFERENCE, linewidth=1)
    axis.set_xlabel("confidence")
    axis.set_ylabel("share right")
    figures.style(axis, "Is its confidence true?")
    if calibration["verdict"] == "inconclusive":
        axis.text(0.5, 0.5, "inconclusive:\ntoo few rows", ha="center", va="center", color=figures.SOFT)
        return
    curve = calibration["curve"]
    axis.plot([point[0] for point in curve], [point[1] for point in curve], "o-", color=figures.CHALLENGER)
