"""A loop whose contents repeat as Zipf's law says: its days are played by the product's own code, and people are asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.intervals import Interval
from include.foundation.models.loaded_model import LoadedModel
from include.foundation.statistics.estimates import Estimate, weighted_mean
from include.foundation.store.ledgers.labeled_draws import labeled_draws
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.datasets import read_dataset
from include.stages.selection.selecting import select_samples

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
CLASSES = ("no", "yes")
SHELVES = (0.8, 0.15, 0.05)
FREQUENT = 0.95  # contents above this quantile of frequency are the frequent ones
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Traffic:
    """What is served.

    Attributes
    ----------
    contents, rows, days
        Number of contents, of rows a day, and of days.
    frequent, rare
        Accuracy of the live model on frequent contents, and on the others.
    budget
        Labels asked for a day; a fifth of it is drawn at random.
    is_uneven
        Whether budgets and rows differ from day to day, threefold.
    reported
        Share of the wrong rows that users report.
    accepted
        Share of the pre-labels shown to annotators that they accept, right or wrong.
    quota
        Random rows a day of each of three shelves, on which contents are with the shares `SHELVES`; 0 for none.
    challenger_frequent, challenger_rare
        Share of the frequent contents, and of the others, that a challenger answers right where this is above 0 and wrong where
        it is below; it answers like the live model otherwise.
    by_heart
        Whether the challenger answers what it was trained on with the label that it was trained on.
    mislabeled
        Share of the answers that are wrong.
    """

    contents: int
    rows: int
    days: int
    frequent: float
    rare: float
    budget: int = 60
    is_uneven: bool = False
    reported: float = 0.0
    accepted: float = 0.0
    quota: int = 0
    challenger_frequent: float = 0.0
    challenger_rare: float = 0.0
    by_heart: bool = False
    mislabeled: float = 0.0


@dataclass
class AnswersOfColumn:
    """An estimator that answers what an input says, but for items whose class it has learnt by heart."""

    column: str
    learnt: Mapping[str, int] = field(default_factory=dict)
    classes_: tuple[str, ...] = CLASSES

    def predict_proba(self, frame: Any) -> Any:
        """Return 0.8 for the class of each row, (n, classes)."""
        says = zip(frame["item"], frame[self.column].astype(int), strict=True)
        answers = [self.learnt.get(item, answer) for item, answer in says]
        return np.where(np.eye(2)[answers] == 1, 0.8, 0.2)


class RepeatingLoop:
    """A loop that is played day by day; people answer what they are asked, and are right unless they accept a pre-label.

    Parameters
    ----------
    folder
        Of the store.
    traffic
        What is served.
    seed
        Of everything random.
    """

    def __init__(self, folder: Path, traffic: Traffic, seed: int) -> None:
        self.traffic, self._generator = traffic, np.random.default_rng([seed, traffic.days])
        self.store = LoopStore(_loop(traffic, seed), str(folder))
        chances = 1 / np.arange(1, traffic.contents + 1)
        self.chances = chances / chances.sum()
        self.is_frequent: Flags = self.chances > np.quantile(self.chances, FREQUENT)
        accuracy = np.where(self.is_frequent, traffic.frequent, traffic.rare)
        self.right: Flags = self._generator.random(traffic.contents) < accuracy
        change = np.where(self.is_frequent, traffic.challenger_frequent, traffic.challenger_rare)
        flipped = self._generator.random(traffic.contents) < np.abs(change)
        self.challenger_right: Flags = np.where(flipped, change > 0, self.right)
        self.truth: NDArray[np.int64] = self._generator.integers(0, 2, traffic.contents)
        self._unsure = self._generator.random(traffic.contents) / 4 + np.where(self.right, 0, 0.25)
        self._shelf = self._generator.choice(len(SHELVES), traffic.contents, p=SHELVES) if traffic.quota else None
        self._served: list[NDArray[np.int64]] = []
        self.learnt: dict[str, int] = {}

    def play(self) -> list[int]:
        """Log all days, select from each, answer, and return how many rows were drawn on each."""
        rows = [row for number in range(self.traffic.days) for row in self._logged(number)]
        self.store.append_new("predictions", rows_of(self.store.loop, "predictions", rows))
        self._report(rows)
        drawn = [self._select(number) for number in range(self.traffic.days)]
        self.answer()
        return drawn

    @property
    def served(self) -> NDArray[np.int64]:
        """The content of every row that was served."""
        return np.concatenate(self._served)

    def live_score(self, first: int, last: int) -> Estimate:
        """Return the accuracy of what was served on some days, without the last, as the product estimates it."""
        since, until = (FIRST + timedelta(days=number) for number in (first, last))
        draws = labeled_draws(self.store, since=since, until=until)
        right = [float(draw.label == draw.predicted) for draw in draws]
        return weighted_mean(right, [draw.inclusion_probability for draw in draws])

    def true_score(self, first: int, last: int) -> float:
        """Return the accuracy of every row that was served on some days, without the last."""
        return float(self.right[np.concatenate(self._served[first:last])].mean())

    def answer(self) -> None:
        """Store the true label of every request that has none."""
        known = set(self.store.read("labels", columns=["request_id"]).column("request_id").to_pylist())
        requests = [row for row in self.store.read("requests").to_pylist() if row["request_id"] not in known]
        self.store.append_new("labels", rows_of(self.store.loop, "labels", [self._label(row) for row in requests]))

    def models(self) -> tuple[LoadedModel, LoadedModel]:
        """Return champion and challenger, which is trained on what has a label now."""
        loop = self.store.loop
        if self.traffic.by_heart:
            rows = read_dataset(self.store, publish_dataset(self.store).subject).train
            pairs = zip(rows.column("input_item").to_pylist(), rows.column("label").to_pylist(), strict=True)
            self.learnt = {item: CLASSES.index(label) for item, label in pairs}
        return (
            LoadedModel(loop, "1", "run-1", "champion", AnswersOfColumn("champion")),
            LoadedModel(loop, None, "run-2", "challenger", AnswersOfColumn("challenger", self.learnt)),
        )

    def true_challenger_score(self) -> float:
        """Return the challenger's accuracy on the rows that were served or, if it learns, on those of tomorrow."""
        if not self.traffic.by_heart:
            return float(self.challenger_right[self.served].mean())
        said = (self.learnt.get(f"item {content}") for content in range(self.truth.size))
        pairs = zip(said, self.truth.tolist(), self.challenger_right.tolist(), strict=True)
        return float(self.chances @ [right if answer is None else answer == truth for answer, truth, right in pairs])

    def true_champion_score(self) -> float:
        """Return the champion's, on the same rows."""
        return float(self.chances @ self.right if self.traffic.by_heart else self.right[self.served].mean())

    def _logged(self, number: int) -> list[dict[str, Any]]:
        scale = self._generator.choice([0.3, 1.0]) if self.traffic.is_uneven else 1.0
        served = self._generator.choice(self.traffic.contents, int(self.traffic.rows * scale), p=self.chances)
        self._served.append(served)
        return [self._prediction(number, place, content) for place, content in enumerate(served.tolist())]

    def _select(self, number: int) -> int:
        start = FIRST + timedelta(days=number)
        budget = int(self._generator.choice([30, 100])) if self.traffic.is_uneven else self.traffic.budget
        return select_samples(self.store, Interval(start, start + timedelta(days=1)), budget).drawn

    def _report(self, rows: list[dict[str, Any]]) -> None:
        wrong = [row for row, right in zip(rows, self.right[self.served], strict=True) if not right]
        said = [
            {"feedback_id": row["trace_id"], "trace_id": row["trace_id"], "ts": row["ts"], "kind": "explicit",
             "signal": "report"}
            for row in wrong if self._generator.random() < self.traffic.reported
        ]  # fmt: skip
        if said:
            self.store.append_new("feedback", rows_of(self.store.loop, "feedback", said))

    def _inputs(self, content: int) -> dict[str, Any]:
        answers = [np.where(right, self.truth[content], 1 - self.truth[content])
                   for right in (self.right[content], self.challenger_right[content])]  # fmt: skip
        return {
            "input_item": f"item {content}",
            "input_champion": float(answers[0]),
            "input_challenger": float(answers[1]),
        } | ({} if self._shelf is None else {"segment_shelf": str(self._shelf[content])})

    def _prediction(self, number: int, place: int, content: int) -> dict[str, Any]:
        inputs, ts = self._inputs(content), FIRST + timedelta(days=number, seconds=place)
        said, largest = int(inputs["input_champion"]), float(1 - self._unsure[content])
        chances = [largest, 1 - largest] if said == 0 else [1 - largest, largest]
        return inputs | {
            "trace_id": f"{number}-{place}", "ts": ts, "day": ts.date().isoformat(), "model_version": "1",
            "predicted": CLASSES[said], "confidence": largest, "probabilities": chances, "taxonomy": None,
        }  # fmt: skip

    def _label(self, request: dict[str, Any]) -> dict[str, Any]:
        number, place = (int(part) for part in request["trace_id"].split("-"))
        content = int(self._served[number][place])
        copied = ("trace_id", "request_id", "split", "stratum", "inclusion_probability", "evidence_for", "content_key",
                  "near_key", "group_key", "ts", "hidden_prelabel")  # fmt: skip
        is_accepted = not request["hidden_prelabel"] and self._generator.random() < self.traffic.accepted
        is_wrong = self._generator.random() < self.traffic.mislabeled
        label = request["prelabel"] if is_accepted else CLASSES[int(self.truth[content]) ^ int(is_wrong)]
        return {name: request[name] for name in copied} | self._inputs(content) | {
            "label_id": f"l-{request['request_id']}", "label": label, "decided_by": "majority",
            "origin": "annotation", "predicted": request["prelabel"], "model_version": "1", "decided_at": request["asked_at"],
        }  # fmt: skip


def _loop(traffic: Traffic, seed: int) -> Loop:
    inputs = {"item": {"type": "categorical"}, "champion": {"type": "numeric"}, "challenger": {"type": "numeric"}}
    return Loop.model_validate({
        "name": "repeats", "owner": "benchmark", "description": "Contents that are served again and again.",
        "task": {"kind": "classification", "classes": list(CLASSES)}, "inputs": inputs, "logs": {"uri": "logs"},
        "training": {"factory": "include.factories:text_classifier"},
        "segments": ["shelf"] if traffic.quota else [],
        "selection": {"budget": traffic.budget, "diversify": "none", "seed": seed}
        | ({"quota": {"segment": "shelf", "rows": traffic.quota}} if traffic.quota else {}),
    })  # fmt: skip
