from typing import Any

import numpy as np
import pytest

from include.foundation.decisions import Evaluation
from include.foundation.decisions.challenger_evaluation import ConfidenceCalibration, SliceScores
from include.foundation.statistics.estimates import UNKNOWN, Estimate, weighted_mean
from include.stages.evaluation.calibration import calibration
from include.stages.evaluation.evaluation_page import comparison, evaluation_page, reliability_chart
from tests.builders import make_loop
from tests.decision_builders import make_evaluation, make_scores
from tests.include.stages.reports.page_reader import Page

SCORE = weighted_mean([1, 1, 0, 1], [0.5] * 4)
UNCALIBRATED = calibration(np.zeros(0), np.zeros(0), [])
CALIBRATED = calibration(np.linspace(0.4, 1, 100), np.tile([1.0, 0.0], 50), np.ones(100))


def evidence(
    champion: Estimate, challenger: Estimate, slices: Any = (), calibrated: ConfidenceCalibration = UNCALIBRATED
) -> Evaluation:
    scores = make_scores(champion, challenger)
    parts = tuple(SliceScores(segment="desk", value=value, scores=scores, differences=()) for value in slices)
    return make_evaluation(scores=scores, slices=parts, calibration=calibrated)


@pytest.mark.parametrize(
    ("evaluation", "said"),
    [
        (evidence(SCORE, SCORE, ["eu", None, "a name that is far longer than a desk's ever was", "<b>"]), "desk = <b>"),
        (evidence(UNKNOWN, SCORE), "unknown 0.750"),
        (evidence(UNKNOWN, UNKNOWN, ["eu"]), "desk = eu unknown unknown unknown 0"),
        (evidence(SCORE, SCORE, [], CALIBRATED), "Is the challenger's confidence true?"),
        (evidence(SCORE, SCORE), "Inconclusive: too few rows."),
    ],
    ids=["slices", "first model", "no rows", "calibrated", "not calibrated"],
)
def test_page_of_any_evidence_says_what_is_known(tmp_path, evaluation: Evaluation, said: str) -> None:
    page = evaluation_page(make_loop(tmp_path), evaluation)
    assert said in Page(page).text
    assert page == evaluation_page(make_loop(tmp_path), evaluation)
    assert page.count('class="span t-') == sum(
        score.value is not None
        for scores in (evaluation.scores, *(part.scores for part in evaluation.slices))
        for score in (scores.champion, scores.challenger)
    ) + sum(one.recall.value is not None for one in evaluation.per_class.values())


def test_slices_are_not_judged_without_a_verdict() -> None:
    (part,) = comparison(evidence(SCORE, SCORE, ["eu"]))["slices"]
    assert (part["name"], part["verdict"], part["apart"]) == ("desk = eu", "not judged", None)


def test_chart_has_the_curve_beside_the_line_of_true_confidence() -> None:
    chart = reliability_chart(CALIBRATED)
    assert chart is not None
    assert [path.is_dashed for path in chart.paths] == [True, False]
    assert [dot.words for dot in chart.dots] == [
        f"confidence {point.confidence:.1%}: {point.right:.1%} right" for point in CALIBRATED.curve
    ]
    assert len(chart.rows) == len(CALIBRATED.curve)
    assert reliability_chart(UNCALIBRATED) is None
