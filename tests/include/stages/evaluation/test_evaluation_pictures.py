import warnings
from typing import Any

import numpy as np
import pytest

from include.foundation.decisions import Evaluation
from include.foundation.decisions.challenger_evaluation import ConfidenceCalibration, SliceScores
from include.foundation.statistics.estimates import UNKNOWN, Estimate, weighted_mean
from include.stages.evaluation.calibration import calibration
from include.stages.evaluation.evaluation_pictures import draw_comparison
from tests.decision_builders import make_evaluation, make_scores
from tests.drawn_figures import dots, drawn, notes

PNG = b"\x89PNG\r\n\x1a\n"
SCORE = weighted_mean([1, 1, 0, 1], [0.5] * 4)
UNCALIBRATED = calibration(np.zeros(0), np.zeros(0), [])


def evidence(
    champion: Estimate, challenger: Estimate, slices: Any = (), calibrated: ConfidenceCalibration = UNCALIBRATED
) -> Evaluation:
    scores = make_scores(champion, challenger)
    parts = tuple(SliceScores(segment="desk", value=value, scores=scores, differences=()) for value in slices)
    return make_evaluation(scores=scores, slices=parts, calibration=calibrated)


@pytest.mark.parametrize(
    "evaluation",
    [
        evidence(SCORE, SCORE, ["eu", "us", None, "a name that is far longer than a desk's ever was"]),
        evidence(UNKNOWN, SCORE),
        evidence(UNKNOWN, UNKNOWN, ["eu"]),
        evidence(SCORE, SCORE, [], calibration(np.linspace(0.4, 1, 100), np.tile([1.0, 0.0], 50), np.ones(100))),
    ],
    ids=["slices", "first model", "no rows", "calibrated"],
)
def test_draw_comparison_any_evidence_is_a_png_without_warnings(evaluation) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert draw_comparison(evaluation).startswith(PNG)


def labels_of(monkeypatch: pytest.MonkeyPatch, evaluation: Evaluation) -> list[list[str]]:
    """The words inside the left and the right part of the picture."""
    return [[text.get_text() for text in axis.texts] for axis in drawn(monkeypatch, draw_comparison, evaluation).axes]


def test_draw_comparison_puts_champion_above_challenger_on_a_line_for_each_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    figure = drawn(monkeypatch, draw_comparison, evidence(SCORE, SCORE, ["eu", "us", "asia", "africa"]))
    left = figure.axes[0]
    assert dots(left) == [(SCORE.value, side - group) for group in range(5) for side in (0.13, -0.13)]
    assert left.get_yticks().tolist() == [0, -1, -2, -3, -4]
    assert (left.get_xlim(), left.get_ylim()) == ((0, 1.02), (-4.5, 0.5))
    assert left.get_legend_handles_labels()[1] == ["champion", "challenger"]
    assert figure.get_figheight() == pytest.approx(1.6 + 0.55 * 5)


def test_draw_comparison_draws_the_curve_beside_the_line_of_true_confidence(monkeypatch: pytest.MonkeyPatch) -> None:
    calibrated = calibration(np.linspace(0.4, 1, 100), np.tile([1.0, 0.0], 50), np.ones(100))
    line, curve = drawn(monkeypatch, draw_comparison, evidence(SCORE, SCORE, [], calibrated)).axes[1].lines
    assert np.asarray(line.get_xydata()).tolist() == [[0, 0], [1, 1]]
    assert np.asarray(curve.get_xydata()).tolist() == [[point.confidence, point.right] for point in calibrated.curve]


def test_draw_comparison_notes_missing_rows_on_the_line_of_their_group(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = drawn(monkeypatch, draw_comparison, evidence(UNKNOWN, UNKNOWN, ["eu"]))
    assert notes(figure.axes[0]) == [("no rows", (0.01, 0), (0, 0)), ("no rows", (0.01, -1), (0, 0))]
    assert figure.axes[1].texts[0].get_position() == (0.5, 0.5)
    assert figure.get_figheight() == pytest.approx(1.6 + 0.55 * 4)


def test_draw_comparison_says_where_rows_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert labels_of(monkeypatch, evidence(UNKNOWN, UNKNOWN)) == [["no rows"], ["inconclusive:\ntoo few rows"]]


def test_draw_comparison_with_rows_draws_scores_and_calibration_without_excuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calibrated = calibration(np.linspace(0.4, 1, 100), np.tile([1.0, 0.0], 50), np.ones(100))
    assert labels_of(monkeypatch, evidence(SCORE, SCORE, [], calibrated)) == [[], []]


def test_draw_comparison_same_evidence_is_the_same_picture() -> None:
    assert draw_comparison(evidence(SCORE, SCORE)) == draw_comparison(evidence(SCORE, SCORE))
