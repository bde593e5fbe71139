"""Champion and challenger on the same rows."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.decisions.chain import Decision, record
from include.foundation.statistics.estimates import UNKNOWN, Estimate, weighted_difference, weighted_mean
from include.foundation.store.loop_files import write_file
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.calibration import calibration
from include.stages.evaluation.disagreement import disagreement_window
from include.stages.evaluation.evaluation_pictures import draw_comparison
from include.stages.evaluation.judged_rows import JudgedRows, judged_rows
from include.stages.labels.datasets import Dataset

if TYPE_CHECKING:
    from include.foundation.models.registry import LoadedModel


def evaluate(
    store: LoopStore, dataset: Dataset, name: str, champion: "LoadedModel | None", challenger: "LoadedModel"
) -> Decision:
    """Measure both models on the holdout, weighted to the production distribution, and record the evidence.

    Parameters
    ----------
    store
        Tables of the loop.
    dataset
        The newest labels: its holdout judges; rows on which the two disagreed, asked for this challenger, are evidence.
    name
        Name of the dataset.
    champion
        The live model, or None for the first one.
    challenger
        The model to judge. None of the rows were in its training set.

    Returns
    -------
    Decision
        Kind ``evaluation``, subject the challenger's key, outcome ``measured``.

    Notes
    -----
    Production is estimated from the random stratum alone. The first model has no production labels yet: it is judged on the
    held-out seed labels.
    """
    held = _holdout(dataset, first=champion is None)
    rows = judged_rows(store.loop, held, champion, challenger)
    apart = _asked_for(dataset.train, challenger.challenger_key)
    evidence_rows = judged_rows(store.loop, apart, champion, challenger, rows.class_weights)
    evidence: dict[str, Any] = {
        "challenger_key": challenger.challenger_key,
        "run_id": challenger.run_id,
        "champion_version": None if champion is None else champion.version,
        "dataset": name,
        "scores": {key: value.to_json() for key, value in _scores(rows).items()},
        "per_class": per_class(store.loop, rows),
        "slices": _slices(store.loop, rows, evidence_rows),
        "calibration": calibration(rows.confidence, rows.challenger_right),
        "score_unit": weighted_mean(rows.perfect_scores, rows.probabilities).value or 1.0,
        "differences": {"random": rows.scaled_differences(), "disagreement": evidence_rows.scaled_differences()},
        "window": _window(store, champion, challenger),
    }
    picture = draw_comparison(evidence)
    path = f"evaluations/{challenger.challenger_key}-{name}.png"
    evidence["picture"] = write_file(store, path, picture)
    return record(
        store, Decision("evaluation", challenger.challenger_key, "measured", tuple(_reasons(rows, evidence)), evidence)
    )


def per_class(loop: Loop, rows: JudgedRows) -> dict[str, dict[str, Any]]:
    """Return recall with its interval, precision and F1 of the challenger by class; None where no row tells."""
    truth, said = np.array(rows.truth, dtype=object), rows.challenger_said
    found = {}
    for name in loop.task.classes:
        of_class, called = truth == name, said == name
        recall = weighted_mean(called[of_class].astype(float), rows.probabilities[of_class])
        precision = weighted_mean(of_class[called].astype(float), rows.probabilities[called])
        f1 = None
        if recall.value is not None and precision.value is not None:
            f1 = 2 * recall.value * precision.value / ((recall.value + precision.value) or 1.0)
        found[name] = {"recall": recall.to_json(), "precision": precision.value, "f1": f1, "rows": int(of_class.sum())}
    return found


def _holdout(dataset: Dataset, *, first: bool) -> pa.Table:
    strata = dataset.holdout.column("stratum").to_pylist()
    return dataset.holdout.filter(pa.array([first or stratum == "random" for stratum in strata], pa.bool_()))


def _asked_for(rows: pa.Table, challenger_key: str) -> pa.Table:
    keep = [key == challenger_key for key in rows.column("evidence_for").to_pylist()]
    return rows.filter(pa.array(keep, pa.bool_()))


def _scores(rows: JudgedRows) -> dict[str, Estimate]:
    challenger = weighted_mean(rows.challenger_scores, rows.probabilities)
    if rows.champion_scores is None:
        return {"champion": UNKNOWN, "challenger": challenger, "difference": UNKNOWN}
    return {
        "champion": weighted_mean(rows.champion_scores, rows.probabilities),
        "challenger": challenger,
        "difference": weighted_difference(rows.differences, rows.probabilities),
    }


def _slices(loop: Loop, rows: JudgedRows, evidence_rows: JudgedRows) -> list[dict[str, Any]]:
    """Return, for each value of each segment that the gate watches, both scores and the paired differences."""
    found = []
    for segment in loop.gate.slices:
        for value in sorted(set(rows.segments[segment]) | set(evidence_rows.segments[segment]), key=str):
            part, more = rows.where(segment, value), evidence_rows.where(segment, value)
            differences: Counter[float] = Counter()
            for difference, count, _ in part.scaled_differences() + more.scaled_differences():
                differences[difference] += int(count)
            scores = {key: estimate.to_json() for key, estimate in _scores(part).items()}
            multiset = sorted([found_difference, times] for found_difference, times in differences.items())
            found.append({"segment": segment, "value": value, "scores": scores, "differences": multiset})
    return found


def _window(store: LoopStore, champion: "LoadedModel | None", challenger: "LoadedModel") -> dict[str, Any]:
    if champion is None:
        return {"rows": 0, "share": 0.0, "askable": 0}
    window = disagreement_window(store, champion, challenger)
    return {"rows": window.rows, "share": window.share, "askable": len(window.askable)}


def _reasons(rows: JudgedRows, evidence: dict[str, Any]) -> list[str]:
    scores = {key: Estimate.from_json(value) for key, value in evidence["scores"].items()}
    if rows.champion_scores is None:
        return [f"First model: {scores['challenger']} on held-out labels."]
    window = evidence["window"]
    return [
        f"Champion {scores['champion']}, challenger {scores['challenger']}, difference {scores['difference']}.",
        f"They disagree on {window['share']:.1%} of {window['rows']} logged rows.",
    ]
