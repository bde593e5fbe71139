from typing import Any

import numpy as np
import pytest

from include.foundation.config.promotion_sections import Gate
from include.foundation.decisions import DriftVerdict, Evaluation, GateVerdict
from include.foundation.decisions.challenger_evaluation import ClassScores, ConfidenceCalibration, ReliabilityPoint
from include.foundation.statistics.estimates import Estimate
from include.stages.reports.corrections import Corrections
from include.stages.reports.label_quality import Annotator, LabelQuality
from include.stages.reports.lessons import lessons
from tests.decision_builders import make_drift_verdict, make_evaluation, make_gate_verdict

NOTHING = Corrections(0, 0, [], [])
ALIKE = [Annotator("ada", 50, 50, 46), Annotator("ben", 50, 50, 44)]
TRUE_CONFIDENCE = ConfidenceCalibration(
    verdict="measured", error=0.01, low=0.0, high=0.03, curve=(ReliabilityPoint(0.8, 0.8, 50.0),)
)


def recall(value: float | None, high: float | None = 1.0, rows: int = 20, width: float = 0.5) -> ClassScores:
    low = None if value is None or high is None else high - width
    return ClassScores(recall=Estimate(value, low, high, rows, float(rows)), precision=None, f1=None, rows=rows)


def verdict(outcome: str = "promote", **evidence: Any) -> GateVerdict:
    return make_gate_verdict(outcome=outcome, **evidence)


def evaluation(calibration: ConfidenceCalibration = TRUE_CONFIDENCE, **classes: Any) -> Evaluation:
    return make_evaluation(per_class=classes, calibration=calibration)


def quality(**overrides: Any) -> LabelQuality:
    whole: dict[str, Any] = {
        "asked": 100,
        "answered": 100,
        "accepted": 100,
        "aside": {},
        "unanimous": 90,
        "alpha": Estimate(0.9, 0.0, 1.0, 9, 9.0),
        "annotators": [],
    }
    return LabelQuality(**(whole | overrides))


def confidence_off_by(low: float, right: float = 0.7) -> ConfidenceCalibration:
    curve = (ReliabilityPoint(0.8, right, 50.0), ReliabilityPoint(0.9, 0.9, 1.0))
    return ConfidenceCalibration(verdict="measured", error=0.15, low=low, high=0.2, curve=curve)


def drift(route: str, *, flagged: bool = True) -> DriftVerdict:
    return make_drift_verdict("day", "drift", flagged=flagged, route=route)


def taught(**given: Any) -> list[str]:
    whole: dict[str, Any] = {"rule": Gate(), "gate": verdict(), "evaluation": evaluation(), "drift": None,
                             "corrected": NOTHING, "quality": quality()}  # fmt: skip
    return lessons(*(whole | given).values())


def test_lessons_when_nothing_stands_out_are_none() -> None:
    assert taught(drift=drift("none", flagged=False), evaluation=evaluation(earn=recall(0.8))) == []


def test_lessons_of_the_first_model_need_no_labels_of_a_cycle() -> None:
    assert taught(quality=None) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(
            {"rule": Gate(margin=0.02), "gate": verdict("reject", wins=39, losses=7)},
            "39 times to 7",
            id="margin missed",
        ),
        pytest.param(
            {"corrected": Corrections(9, 4, [("earn", "ship", 3)], [])}, "said earn, people ship, 3 times", id="pair"
        ),
        pytest.param(
            {"evaluation": evaluation(ship=recall(0.3, high=0.7))}, "on ship (0.30, at most 0.70)", id="weak class"
        ),
        pytest.param(
            {"evaluation": evaluation(ship=recall(0.1, high=0.7, width=0.6))}, "at most 0.70", id="weak, few rows"
        ),
        pytest.param(
            {"evaluation": evaluation(ship=recall(0.9, width=0.6, rows=3))}, "ship (3 held-out rows)", id="few rows"
        ),
        pytest.param(
            {"evaluation": evaluation(ship=recall(None, None, rows=0))}, "ship (0 held-out rows)", id="no rows"
        ),
        pytest.param({"drift": drift("fix_data")}, "mend the source", id="data fault"),
        pytest.param({"drift": drift("retrain")}, "Traffic differed", id="drift"),
        pytest.param(
            {"quality": quality(annotators=[*ALIKE, Annotator("cleo", 50, 50, 30)])}, "30 of 50 answers", id="sloppy"
        ),
        pytest.param({"quality": quality(aside={"ambiguous": 11})}, "11 of 100 answered", id="many set aside"),
    ],
)
def test_lessons_of_what_stands_out_are_one_sentence_each(given: dict[str, Any], said: str) -> None:
    (sentence,) = taught(**given)
    assert said in sentence


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"rule": Gate(margin=0.02), "gate": verdict("promote", wins=39, losses=7)}, id="promoted"),
        pytest.param({"rule": Gate(margin=0.02), "gate": verdict("reject", wins=7, losses=39)}, id="not ahead"),
        pytest.param({"rule": Gate(margin=0.02), "gate": verdict("reject", wins=7, losses=7)}, id="as often"),
        pytest.param(
            {"rule": Gate(rule="non_inferior", margin=0.02), "gate": verdict("reject", wins=39, losses=7)},
            id="no lead asked for",
        ),
        pytest.param({"gate": verdict("reject", wins=39, losses=7)}, id="no margin"),
        pytest.param({"evaluation": evaluation(confidence_off_by(0.049))}, id="nearly calibrated"),
        pytest.param({"corrected": Corrections(9, 2, [("earn", "ship", 2)], [])}, id="rare correction"),
        pytest.param({"evaluation": evaluation(ship=recall(0.3, high=0.8))}, id="interval reaches the score"),
        pytest.param({"quality": quality(annotators=[*ALIKE, Annotator("cleo", 3, 3, 2)])}, id="few answers"),
        pytest.param({"quality": quality(annotators=[Annotator("cleo", 50, 50, 10)])}, id="only annotator"),
        pytest.param({"quality": quality(annotators=[*ALIKE, Annotator("cleo", 9, 0, 0)])}, id="no labels"),
        pytest.param({"quality": quality(aside={"ambiguous": 10})}, id="some set aside"),
    ],
)
def test_lessons_of_what_does_not_stand_out_are_none(given: dict[str, Any]) -> None:
    assert taught(**given) == []


@pytest.mark.parametrize(
    ("right", "said"),
    [
        pytest.param(0.95, "is off by 0.15 (0.05 to 0.20): it is more often right", id="modest"),
        pytest.param(0.6, "is off by 0.15 (0.05 to 0.20): it is less often right", id="bold"),
    ],
)
def test_lessons_of_confidence_say_which_way_it_is_wrong(right: float, said: str) -> None:
    (sentence,) = taught(evaluation=evaluation(confidence_off_by(0.05, right)))
    assert said in sentence


@pytest.mark.parametrize("right", [0.6, 0.8, 0.97])
def test_lessons_of_annotators_who_are_all_alike_are_rare(right: float) -> None:
    """Twenty people with the same reliability: some have less luck than others."""
    generator, flagged = np.random.default_rng(0), 0
    for _ in range(40):
        agreeing = generator.binomial(60, right, 20).tolist()
        people = [Annotator(f"p{number}", 60, 60, times) for number, times in enumerate(agreeing)]
        flagged += bool(taught(quality=quality(annotators=people)))
    assert flagged <= 5  # a share of 0.05 is promised; 6 or more of 40 would happen in one of 90 tests


def test_lessons_name_the_two_of_twenty_who_are_worse() -> None:
    people = [Annotator(f"p{number}", 60, 60, 30 if number in {3, 7} else 50) for number in range(20)]
    assert [sentence.split()[1] for sentence in taught(quality=quality(annotators=people))] == ["p3", "p7"]
