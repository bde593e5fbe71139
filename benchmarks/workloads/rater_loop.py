"""A tabular loop that twenty noisy annotators label: its days are played by the product's own stages, from rows to verdicts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import Evaluation, GateVerdict
from include.foundation.intervals import Interval
from include.foundation.models.loaded_model import LoadedModel
from include.foundation.statistics.estimates import Estimate
from include.foundation.store.ledgers.deployments import Deployment, append_deployment
from include.foundation.store.ledgers.outcomes import resolved_requests
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.drift.profiling.profiles import profile_days
from include.stages.evaluation.comparing import evaluate
from include.stages.gate.evidence_rounds import request_evidence
from include.stages.gate.judging import judge
from include.stages.labels.dataset_publishing import publish_in_attempt
from include.stages.labels.datasets import read_dataset
from include.stages.labels.label_validation import validate_labels
from include.stages.reports.loop_history import cycles
from include.stages.selection.selecting import select_samples
from include.stages.training.deciding import decide_retrain
from include.stages.training.fitting import fit, fitted
from include.stages.training.recent_labels import training_dataset

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
CLASSES, DESKS = ("common", "usual", "rare"), ("eu", "us")
SHARES = (0.55, 0.3, 0.15)
MEANS = np.array([[0.0, 0.0, 0.0], [1.6, 0.3, 0.0], [0.5, 1.6, 1.2]])
HARDER = 0.8  # by how much rows of the second desk spread more
ERRORS, OFTEN_MISTAKEN = (0.05, 0.25), np.array([0.6, 1.0, 1.6])
ANNOTATORS, OVERLAP = 20, 3
ROWS, BUDGET = 1600, 320  # a cycle, which is a day
SERVED_AT_FIRST = 24  # rows that what serves at first has learnt from
TESTED = 20_000
Numbers = NDArray[np.int64]
Stated = tuple[str, Estimate, float]  # what it is of, what is said, and what is true


@dataclass(frozen=True)
class Rows:
    """Rows of traffic: features, (n, 3), the number of the desk and of the true class of each."""

    features: NDArray[np.float64]
    desk: Numbers
    truth: Numbers


class RaterLoop:
    """A loop in a folder.

    Parameters
    ----------
    folder
        Of the store.
    seed
        Of everything random.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._generator = np.random.default_rng([seed, ANNOTATORS])
        self.store = LoopStore(_loop(seed), str(folder))
        self._tested = self._rows(TESTED)
        self._table = rows_of(self.store.loop, "predictions", self._inputs(self._tested))
        self._truth: dict[str, int] = {}
        self._served: list[NDArray[np.bool_]] = []
        self._errors = np.linspace(*ERRORS, ANNOTATORS)
        self._serving = self._first_model()
        self._live: LoadedModel | None = None
        self.gains: list[float] = []

    def play(self, cycle: int) -> Iterator[Stated]:
        """Play the day of a cycle, counted from 0, and yield what is stated of the challenger that is then trained."""
        self._play_day(cycle)
        plan = decide_retrain(self.store)
        if plan.outcome != "train":
            return
        estimator = fit(self.store, training_dataset(self.store, plan.dataset, plan.train_since))
        challenger = LoadedModel(self.store.loop, None, f"run-{cycle}", plan.challenger_key, estimator)
        while True:
            evaluation, verdict = self._judged(challenger)
            if verdict.outcome != "label_more" or not self._request(verdict, challenger):
                break
        yield from self._of(evaluation, challenger)
        if verdict.outcome == "promote":
            self._promote(challenger, verdict, f"{cycle + 1}")

    def live_scores(self) -> Iterator[Stated]:
        """Yield what is stated of each cycle's live accuracy."""
        for number, cycle in enumerate(cycles(self.store)):
            yield "live accuracy by cycle", cycle.live_score, float(self._served[number].mean())

    def _judged(self, challenger: LoadedModel) -> tuple[Evaluation, GateVerdict]:
        name = publish_in_attempt(self.store, 2).subject
        evaluation = evaluate(self.store, read_dataset(self.store, name), name, self._live, challenger)
        return evaluation, judge(self.store, evaluation)

    def _request(self, verdict: GateVerdict, challenger: LoadedModel) -> bool:
        asked = request_evidence(self.store, verdict, self._live, challenger).requests
        self._answer()
        return bool(asked)

    def _promote(self, challenger: LoadedModel, verdict: GateVerdict, version: str) -> None:
        before = None if self._live is None else self._live.version
        append_deployment(
            self.store, Deployment(version, before, "deploy", "promoted", verdict.evidence_digest, promised=None)
        )
        self.gains.append(self._accuracy(challenger.estimator) - self._accuracy(self._serving))
        self._serving = challenger.estimator
        self._live = LoadedModel(
            self.store.loop, version, challenger.run_id, challenger.challenger_key, challenger.estimator
        )

    def _of(self, evaluation: Evaluation, challenger: LoadedModel) -> Iterator[Stated]:
        """Yield what an evaluation states, beside what is true of many more rows."""
        corrected, scores = evaluation.corrected, evaluation.scores
        right, before = self._right(challenger.estimator), self._right(self._serving)
        yield "score of the challenger, of labels", scores.challenger, float(right.mean())
        yield "score of the champion, of labels", scores.champion, float(before.mean())
        if corrected is not None:
            yield "score of the challenger", corrected.challenger, float(right.mean())
            yield "score of the champion", corrected.champion, float(before.mean())
        if corrected is not None and corrected.difference is not None:
            yield "difference", corrected.difference, float(right.mean() - before.mean())
        for number, name in enumerate(CLASSES):
            of_class = self._tested.truth == number
            recall = evaluation.per_class[name]
            yield "recall by class", recall.recall, float(right[of_class].mean())
            if recall.of_labels is not None:
                yield "recall by class, of labels", recall.of_labels, float(right[of_class].mean())
        for part in evaluation.slices:
            within = self._tested.desk == DESKS.index(part.value or "")
            yield "slices", part.best.challenger, float(right[within].mean())
            yield "slices, of labels", part.scores.challenger, float(right[within].mean())

    def _play_day(self, number: int) -> None:
        rows, start = self._rows(ROWS), FIRST + timedelta(days=number)
        interval, inputs = Interval(start, start + timedelta(days=1)), self._inputs(rows)
        said, chances = self._asked(self._serving, rows_of(self.store.loop, "predictions", inputs))
        self._served.append(said == np.array(CLASSES)[rows.truth])
        version = "0" if self._live is None else str(self._live.version)
        lines = [
            values | {
                "trace_id": f"{number}-{place}", "ts": start + timedelta(seconds=place), "day": f"{start:%Y-%m-%d}",
                "model_version": version, "predicted": str(said[place]), "confidence": float(chances[place].max()),
                "probabilities": chances[place].tolist(),
            } for place, values in enumerate(inputs)
        ]  # fmt: skip
        self._truth |= {line["trace_id"]: int(rows.truth[place]) for place, line in enumerate(lines)}
        self.store.append_new("predictions", rows_of(self.store.loop, "predictions", lines))
        profile_days(self.store, interval)
        select_samples(self.store, interval)
        self._answer()
        publish_in_attempt(self.store, 2)

    def _answer(self) -> None:
        """Let annotators answer what is open, then further readers what these leave open; a person decides nothing."""
        while True:
            done = resolved_requests(self.store)
            answered = set(self.store.read("annotations", columns=["request_id"]).column("request_id").to_pylist())
            rows = [row for row in self.store.read("requests").to_pylist() if row["request_id"] not in done | answered]
            if not rows:
                return
            said = [answer for row in rows for answer in self._answers(row)]
            self.store.append_new("annotations", rows_of(self.store.loop, "annotations", said))
            validate_labels(self.store)

    def _answers(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        truth = self._truth[request["trace_id"]]
        others = [number for number in range(len(CLASSES)) if number != truth]
        shares = np.array(SHARES)[others] / np.array(SHARES)[others].sum()
        count = self.store.loop.tier(request["tier"]).overlap
        for who in self._generator.choice(ANNOTATORS, count, replace=False).tolist():
            is_wrong = self._generator.random() < self._errors[who] * OFTEN_MISTAKEN[truth]
            label = CLASSES[int(self._generator.choice(others, p=shares)) if is_wrong else truth]
            yield {
                "annotation_id": f"{request['request_id']}-{who}", "request_id": request["request_id"], "annotator": f"a{who}",
                "trace_id": request["trace_id"], "label": label, "source": "answers", "created_at": request["asked_at"],
            }  # fmt: skip

    def _rows(self, count: int) -> Rows:
        truth = self._generator.choice(len(CLASSES), count, p=SHARES)
        desk = self._generator.choice(2, count, p=(0.7, 0.3))
        spread = 1 + HARDER * desk[:, None]
        return Rows(MEANS[truth] + spread * self._generator.normal(size=(count, 3)), desk, truth)

    def _inputs(self, rows: Rows) -> list[dict[str, Any]]:
        return [
            {f"input_{name}": float(value) for name, value in zip("xyz", features, strict=True)}
            | {"segment_desk": DESKS[desk]}
            for features, desk in zip(rows.features.tolist(), rows.desk.tolist(), strict=True)
        ]

    def _first_model(self) -> Any:
        rows = self._rows(SERVED_AT_FIRST)
        labels = {"label": [CLASSES[number] for number in rows.truth]}
        table = rows_of(self.store.loop, "predictions", self._inputs(rows))
        return fitted(self.store.loop, table.append_column("label", pa.array(labels["label"])))

    def _asked(self, estimator: Any, table: pa.Table) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
        return LoadedModel(self.store.loop, None, "", "", estimator).predict(table)

    def _right(self, estimator: Any) -> NDArray[np.float64]:
        right = self._asked(estimator, self._table)[0] == np.array(CLASSES)[self._tested.truth]
        return np.asarray(right, dtype=np.float64)

    def _accuracy(self, estimator: Any) -> float:
        return float(self._right(estimator).mean())


def _loop(seed: int) -> Loop:
    return Loop.model_validate({
        "name": "raters", "owner": "benchmark", "description": "Twenty annotators who err.",
        "task": {"kind": "classification", "classes": list(CLASSES)}, "inputs": {name: {"type": "numeric"} for name in "xyz"},
        "logs": {"uri": "logs"}, "training": {"factory": "include.factories:table_classifier", "seed": seed},
        "segments": ["desk"], "selection": {"budget": BUDGET, "random_share": 0.5, "diversify": "none", "seed": seed},
        "labeling": {"overlap": OVERLAP, "backend": "files", "uri": "labeling"}, "retrain": {"min_new_labels": 50},
        "gate": {"slices": ["desk"]},
    })  # fmt: skip
