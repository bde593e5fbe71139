"""The page of an evaluation: both models side by side, all rows, slices and classes, and the challenger's calibration."""

from pathlib import Path
from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import Evaluation, GateVerdict
from include.foundation.decisions.challenger_evaluation import ConfidenceCalibration
from include.foundation.pages import formats
from include.foundation.pages.charts import NARROW, Chart, Plane
from include.foundation.pages.rendering import render

TEMPLATES = Path(__file__).parent / "templates"
HEIGHT = 260.0


def evaluation_page_path(challenger_key: str, dataset: str) -> str:
    """Return where the page of an evaluation is among the loop's files."""
    return f"evaluations/{challenger_key}-{dataset}.html"


def evaluation_page(loop: Loop, evaluation: Evaluation, gate: GateVerdict | None = None) -> str:
    """Return the self-contained page of an evaluation.

    Parameters
    ----------
    loop
        The loop.
    evaluation
        What was measured.
    gate
        The verdict that rests on it; None while there is none.
    """
    facts = {"loop": loop, "evaluation": evaluation, **comparison(evaluation, gate)}
    return render(TEMPLATES, "evaluation.html", facts)


def comparison(evaluation: Evaluation, gate: GateVerdict | None = None) -> dict[str, Any]:
    """Return what ``comparison.html`` says of both models, each slice with the gate's verdict on it.

    Parameters
    ----------
    evaluation
        What was measured.
    gate
        The verdict that rests on it; without one no slice is judged.
    """
    slices = _slices(evaluation, gate)
    whole = {
        "name": "all rows",
        **evaluation.best.by_name(),
        "verdict": gate.outcome.replace("_", " ") if gate else "not judged",
        "apart": gate.wins + gate.losses if gate else None,
    }
    return {
        "groups": [whole, *slices],
        "slices": slices,
        "classes": [{**dict(scores), "name": name} for name, scores in evaluation.per_class.items()],
        "reliability": reliability_chart(evaluation.calibration),
        "calibration": evaluation.calibration,
        "is_corrected": evaluation.best is not evaluation.scores,
    }


def _slices(evaluation: Evaluation, gate: GateVerdict | None) -> list[dict[str, Any]]:
    judged = {(part.segment, part.value): part for part in gate.slices} if gate else {}
    rows = []
    for part in evaluation.slices:
        verdict = judged.get((part.segment, part.value))
        name = f"{part.segment} = {part.value if part.value is not None else 'not given'}"
        said = verdict.verdict if verdict else "not judged"
        apart = verdict.disagreements if verdict else None
        rows.append({"name": name, **part.best.by_name(), "verdict": said, "apart": apart})
    return rows


def reliability_chart(calibration: ConfidenceCalibration) -> Chart | None:
    """Return how often the challenger is right by how confident it is; None where too few rows tell."""
    if calibration.verdict == "inconclusive" or not calibration.curve:
        return None
    plane = Plane((0, 1), (0, 1), height=HEIGHT, width=NARROW)
    points = [(point.confidence, point.right) for point in calibration.curve]
    told = [
        (formats.share(point.confidence), formats.share(point.right), formats.large(point.rows))
        for point in calibration.curve
    ]
    return Chart(
        name="reliability",
        title="Is the challenger's confidence true?",
        says=f"Share right by confidence, in {len(points)} bands; on the dashed line confidence would be true.",
        height=HEIGHT,
        width=NARROW,
        across=plane.counts(),
        upwards=plane.levels(),
        unit="confidence",
        paths=(plane.path([(0, 0), (1, 1)], "reference", is_dashed=True), plane.path(points, "challenger")),
        dots=tuple(
            plane.dot(*point, "challenger", f"confidence {confidence}: {right} right")
            for point, (confidence, right, _) in zip(points, told, strict=True)
        ),
        key=(("challenger", "share right"), ("reference", "true confidence")),
        columns=("Confidence", "Right", "Stands for rows"),
        rows=tuple(told),
    )
