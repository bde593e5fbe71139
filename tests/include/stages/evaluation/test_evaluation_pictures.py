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

PNG = b"\x89PNG\r\n\x1a\n"
SCORE = weighted_mean([1, 1, 0, 1], [0.5] * 4)
UNCLEAR = calibration(np.zeros(0), np.zeros(0))


def evidence(
    champion: Estimate, challenger: Estimate, slices: Any = (), calibrated: ConfidenceCalibration = UNCLEAR
) -> Evaluation:
    scores = make_scores(champion, challenger)
    parts = tuple(SliceScores(segment="desk", value=value, scores=scores, differences=()) for value in slices)
    return make_evaluation(scores=scores, slices=parts, calibration=calibrated)


@pytest.mark.parametrize(
    "shown",
    [
        evidence(SCORE, SCORE, ["eu", "us", None, "a name that is far longer than a desk's ever was"]),
        evidence(UNKNOWN, SCORE),
        evidence(UNKNOWN, UNKNOWN, ["eu"]),
        evidence(SCORE, SCORE, [], calibration(np.linspace(0.4, 1, 100), np.tile([1.0, 0.0], 50))),
    ],
    ids=["slices", "first model", "no rows", "calibrated"],
)
def test_draw_comparison_any_evidence_is_a_png_without_warnings(shown) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert draw_comparison(shown).startswith(PNG)


def test_draw_comparison_same_evidence_is_the_same_picture() -> None:
    assert draw_comparison(evidence(SCORE, SCORE)) == draw_comparison(evidence(SCORE, SCORE))
