"""A small loop that lives, judged by the code of the stages: it serves, asks and is answered; its models say what rows say."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import DriftVerdict, GateVerdict, record
from include.foundation.intervals import Interval
from include.foundation.models.loaded_model import LoadedModel
from include.foundation.store.ledgers.deployments import Deployment, Promise, append_deployment
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.comparing import evaluate
from include.stages.gate.judging import judge
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.datasets import read_dataset
from include.stages.training.deciding import decide_retrain
from tests.builders import make_tiny_loop
from tests.decision_builders import make_column_finding, make_drift_verdict

DAY = datetime(2026, 11, 1, tzinfo=UTC)
CLASSES = ("earn", "ship", "trade")
PEOPLE = ("ada", "ben", "cleo")
BETTER, WORSE, UNCLEAR = "aba*20 aaa*10", "aab*20 aaa*10", "aba*2 aab aaa*10"


def make_report_loop(classes: Sequence[str] = CLASSES, **sections: Any) -> Loop:
    own: dict[str, Any] = {
        "inputs": {"text": {"type": "text"}, "champion": {"type": "numeric"}, "challenger": {"type": "numeric"}},
        "segments": ["desk"],
        "retrain": {"min_new_labels": 1, "cooldown_hours": 0},
        "gate": {"slices": ["desk"]},
    }
    return make_tiny_loop(classes, **own | sections)


def day_interval(day: int, days: int = 1) -> Interval:
    return Interval(DAY + timedelta(days=day), DAY + timedelta(days=day + days))


@dataclass
class AnswersOfInput:
    """An estimator that answers what one of the inputs says."""

    column: str
    classes_: Sequence[str] = field(default=CLASSES)

    def predict_proba(self, frame: Any) -> Any:
        said = frame[self.column].to_numpy().astype(int)
        return np.where(np.eye(len(self.classes_))[said] == 1, 0.8, 0.2 / (len(self.classes_) - 1))


@dataclass
class TinyWorld:
    """The loop's production, its annotators and its operator.

    A row is a word: truth, champion's and challenger's answer, each a class by place (``a`` is the first); ``*20`` repeats it.
    """

    store: LoopStore

    def learn_seeds(self, answers: str = "aaa*4 bbb*4 ccc*4") -> None:
        """Label rows that nobody logged; every second is held out."""
        rows = []
        for place, word in enumerate(_words(answers)):
            split = "holdout" if place % 2 else "train"
            more = {"stratum": "seed", "split": split, "ts": datetime(1970, 1, 1, tzinfo=UTC), "predicted": None}
            rows.append(self._label(f"seed{place:04d}", word, {}) | more | {"origin": "seed", "request_id": None})
        self._append("labels", rows)

    def serve(self, day: int, answers: str, drawn: int, desks: Sequence[str | None] = ("eu", "us")) -> Interval:
        """Log rows a minute apart, ask for all, the first ``drawn`` at random, and let three people answer and agree."""
        interval, words = day_interval(day), _words(answers)
        logged, asked, said, labels = [], [], [], []
        for place, word in enumerate(words):
            trace_id, ts = f"d{day}-{place:04d}", interval.start + timedelta(minutes=place)
            own = {"ts": ts, "segment_desk": desks[place % len(desks)]}
            ask: dict[str, Any] = {"stratum": "certainty", "split": "train", "inclusion_probability": 1.0}
            if place < drawn:
                ask = {"stratum": "random", "split": "holdout", "inclusion_probability": drawn / len(words)}
            logged.append(self._logged(trace_id, word) | own | {"day": f"{ts:%Y-%m-%d}"})
            asked.append(_asked(trace_id) | ask | {"batch_id": interval.key})
            said += [_said(trace_id, person, self._class(word[0])) for person in PEOPLE]
            labels.append(self._label(trace_id, word, own | ask))
        for name, rows in (("predictions", logged), ("requests", asked), ("annotations", said), ("labels", labels)):
            self._append(name, rows)
        return interval

    def log_unasked(self, day: int, answers: str) -> None:
        """Log rows that nobody is asked about: the gate may ask for those on which the models disagree."""
        ts = DAY + timedelta(days=day, hours=12)
        own = {"ts": ts, "day": f"{ts:%Y-%m-%d}", "segment_desk": "eu"}
        rows = [self._logged(f"more{day}-{place:04d}", word) | own for place, word in enumerate(_words(answers))]
        self._append("predictions", rows)

    def ask(self, *trace_ids: str, **overrides: Any) -> None:
        self._append("requests", [_asked(trace_id) | overrides for trace_id in trace_ids])

    def say(self, person: str, label: str, *trace_ids: str, minute: int = 0, **overrides: Any) -> None:
        self._append("annotations", [_said(trace_id, person, label, minute) | overrides for trace_id in trace_ids])

    def accept(self, word: str, *trace_ids: str, **overrides: Any) -> None:
        self._append("labels", [self._label(trace_id, word, {"ts": DAY} | overrides) for trace_id in trace_ids])

    def refuse(self, interval: Interval, count: int, stage: str = "logs") -> None:
        rows = [
            {"refusal_id": f"{stage}-{interval.key}-{place}", "stage": stage, "interval_start": interval.start, "reason": "bad",
             "interval_end": interval.end, "source": "file", "reason_code": "bad_json", "raw": "{"}
            for place in range(count)
        ]  # fmt: skip
        self._append("quarantine", rows)

    def set_aside(self, trace_id: str, code: str = "ambiguous") -> None:
        row = {"refusal_id": f"aside-{trace_id}", "stage": "labels", "source": f"r-{trace_id}", "trace_id": trace_id}
        self._append("quarantine", [row | {"reason_code": code, "reason": "doubtful", "raw": "{}"}])

    def judge(self, champion: str | None) -> GateVerdict:
        """Publish the labels, train on them (a model that says what the rows say), measure and judge it."""
        publish_dataset(self.store)
        plan = decide_retrain(self.store)
        name = plan.evaluation_dataset
        live = None if champion is None else self._model("champion", "live", champion)
        measured = evaluate(
            self.store, read_dataset(self.store, name), name, live, self._model("challenger", plan.subject, None)
        )
        return judge(self.store, measured)

    def deploy(self, gate: GateVerdict, version: str, previous: str | None = None) -> None:
        score = gate.scores.challenger
        promised = Promise.of(score.value, score.low, score.high)
        why = " ".join(gate.reasons)
        append_deployment(self.store, Deployment(version, previous, "deploy", why, gate.evidence_digest, promised))

    def drift(self, interval: Interval, outcome: str = "alarm", effect: float = 0.3) -> DriftVerdict:
        column = make_column_finding(statistic="unseen", effect=effect, flagged=outcome != "stable")
        route = {"alarm": "retrain", "drift": "watch"}.get(outcome, "none")
        verdict = make_drift_verdict(
            interval.key, outcome, reasons=(f"It is {outcome}.",), route=route, columns=[column]
        )
        return record(self.store, verdict)

    def _model(self, column: str, key: str, version: str | None) -> LoadedModel:
        return LoadedModel(
            self.store.loop, version, f"run-{key}", key, AnswersOfInput(column, self.store.loop.task.classes)
        )

    def _label(self, trace_id: str, word: str, overrides: dict[str, Any]) -> dict[str, Any]:
        return {
            "label_id": f"l-{trace_id}",
            "trace_id": trace_id,
            "request_id": f"r-{trace_id}",
            "label": self._class(word[0]),
            "decided_by": "majority",
            "agreement": 1.0,
            "origin": "annotation",
            "split": "train",
            "stratum": "certainty",
            "inclusion_probability": 1.0,
            "content_key": trace_id,
            "predicted": self._class(word[1]),
            "model_version": "1",
            "decided_at": DAY + timedelta(days=30),
            **self._inputs(trace_id, word),
            **overrides,
        }

    def _logged(self, trace_id: str, word: str) -> dict[str, Any]:
        row = {"trace_id": trace_id, "model_version": "1", "predicted": self._class(word[1])}
        return {**row, **self._inputs(trace_id, word)}

    def _inputs(self, trace_id: str, word: str) -> dict[str, Any]:
        text = "".join("abcdefghij"[int(sign)] if sign.isdigit() else sign for sign in trace_id)
        return {
            "input_text": text,
            "input_champion": float(_place(word[1])),
            "input_challenger": float(_place(word[2])),
        }

    def _class(self, letter: str) -> str:
        return self.store.loop.task.classes[_place(letter)]

    def _append(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        self.store.append_new(name, rows_of(self.store.loop, name, rows))


def make_world(folder: Path, **sections: Any) -> TinyWorld:
    return TinyWorld(LoopStore(make_report_loop(**sections), str(folder / "store")))


def _asked(trace_id: str) -> dict[str, Any]:
    return {
        "request_id": f"r-{trace_id}",
        "trace_id": trace_id,
        "tier": 1,
        "stratum": "certainty",
        "split": "train",
        "inclusion_probability": 1.0,
        "reasons": ["because"],
        "hidden_prelabel": False,
        "content_key": trace_id,
        "asked_at": DAY,
    }


def _said(trace_id: str, person: str, label: str, minute: int = 0) -> dict[str, Any]:
    return {
        "annotation_id": f"{trace_id}-{person}-{minute}",
        "request_id": f"r-{trace_id}",
        "trace_id": trace_id,
        "annotator": person,
        "label": label,
        "created_at": DAY + timedelta(days=30, minutes=minute),
        "source": "answers",
    }


def _words(answers: str) -> list[str]:
    words: list[str] = []
    for part in answers.split():
        word, _, times = part.partition("*")
        words += [word] * int(times or 1)
    return words


def _place(letter: str) -> int:
    return "abcdefghij".index(letter)
