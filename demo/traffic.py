"""Simulated production: users ask the gateway about documents that are new to it, and some of them send feedback."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from demo.example_data import Example
from include.foundation.config.loading import resolve
from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of

Kind = Literal["ordinary", "shifted", "traded"]
SEGMENTS = ("eu", "us", "asia")
DAY_EFFECT = 0.15
REPORTED, RATED = 3, 2


class Server(Protocol):
    """What is asked, and what takes feedback."""

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return what is answered to each row."""

    def tell(self, signals: Sequence[Mapping[str, Any]]) -> None:
        """Take feedback."""


@dataclass
class Traffic:
    """A stream of documents, each of which is asked about once.

    Parameters
    ----------
    loop
        Names its inputs and segments, and where seed labels are.
    examples
        The documents.
    seed
        Equal seeds give equal traffic for equal models.

    Attributes
    ----------
    truth
        The true class of each trace id, which the simulated annotators know and the loop does not.
    """

    loop: Loop
    examples: Sequence[Example]
    seed: int = 0
    truth: dict[str, str] = field(default_factory=dict)
    _served: set[int] = field(default_factory=set)

    @property
    def trades(self) -> dict[str, str]:
        """What each class counts as on traded days: the two most frequent ones trade places, and so on in pairs."""
        classes = [name for name, _ in Counter(example.label for example in self.examples).most_common()]
        return {
            name: other
            for one, two in zip(classes[::2], classes[1::2], strict=False)
            for name, other in ((one, two), (two, one))
        }

    def write_seed_labels(self, n: int) -> None:
        """Take n documents out of the stream and write them, with their labels, where the loop reads seed labels."""
        generator = np.random.default_rng([self.seed, 1])
        places = generator.choice(len(self.examples), n, replace=False)
        self._served |= set(places.tolist())
        lines = [{"input": self.examples[place].input, "label": self.examples[place].label} for place in places]
        path = Path(resolve(self.loop.training.seed_labels or f"data/{self.loop.name}/seed")) / "seed.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")

    def serve_day(self, day: date, rows: int, server: Server, kind: Kind = "ordinary") -> Counter[str]:
        """Ask about the documents of a day, and return how many each version answered.

        Parameters
        ----------
        day
            The day on which users ask, in UTC.
        rows
            How many documents; fewer if the stream ends.
        server
            Answers, and logs what it answered.
        kind
            *Ordinary* days differ a little in their mix of classes. *Shifted* days have more of the rarer classes, larger
            texts and fainter pictures. On *traded* days documents are ordinary, but classes have traded places: what was
            one counts as the other.
        """
        generator = np.random.default_rng([self.seed, day.toordinal()])
        chosen = self._draw(generator, rows, shifted=kind == "shifted")
        asked, counts_as = self._rows(day, generator, chosen), self.trades if kind == "traded" else {}
        for row, example in zip(asked, chosen, strict=True):
            self.truth[row["trace_id"]] = counts_as.get(example.label, example.label)
        answers = server.predict(asked)
        server.tell(self._signals(asked, answers))
        return Counter(answer["model_version"] for answer in answers)

    def _draw(self, generator: np.random.Generator, rows: int, *, shifted: bool) -> list[Example]:
        free = [place for place in range(len(self.examples)) if place not in self._served]
        labels = np.array([self.examples[place].label for place in free])
        names, counts = np.unique(labels, return_counts=True)
        tilt = dict(zip(names, np.exp(generator.normal(0, DAY_EFFECT, names.size)), strict=True))
        weights = np.array([tilt[label] for label in labels])
        if shifted:
            common = set(names[np.argsort(-counts)][: max(1, names.size // 4)])
            sizes = np.array([self.examples[place].size for place in free])
            weights *= np.where(np.isin(labels, list(common)), 1.0, 3.0) * np.where(sizes > np.median(sizes), 3.0, 1.0)
        places = generator.choice(free, min(rows, len(free)), replace=False, p=weights / weights.sum())
        self._served |= set(places.tolist())
        chosen = [self.examples[place] for place in places]
        return [example.fainter() for example in chosen] if shifted else chosen

    def _rows(self, day: date, generator: np.random.Generator, chosen: Sequence[Example]) -> list[dict[str, Any]]:
        midnight = datetime.combine(day, time(), UTC)
        seconds = np.sort(generator.uniform(0, 86_399, len(chosen)))
        moments = [midnight + timedelta(seconds=float(second)) for second in seconds]
        # One row a day is logged late, with a timestamp of the evening before.
        moments[-1] = midnight - timedelta(minutes=5)
        return [
            {
                "trace_id": digest_of(self.loop.name, self.seed, day.isoformat(), number)[:24],
                "ts": moments[number].isoformat(),
                "input": example.input,
                "segments": {name: str(generator.choice(SEGMENTS, p=[0.5, 0.35, 0.15])) for name in self.loop.segments},
                "user_id": f"user-{generator.integers(0, 200)}",
            }
            for number, example in enumerate(chosen)
        ]

    def _signals(
        self, asked: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return what users say: corrections of a few wrong answers, and a few ratings."""
        if self.loop.feedback.uri is None:
            return []
        wrong = [
            row
            for row, answer in zip(asked, answers, strict=True)
            if answer["prediction"] != self.truth[row["trace_id"]]
        ]
        said: list[tuple[Mapping[str, Any], str, Any]] = [
            (row, "correction", {"label": self.truth[row["trace_id"]]}) for row in wrong[:REPORTED]
        ]
        said += [(row, "rating", 1 if row in wrong else 5) for row in asked[:RATED]]
        return [
            {
                "feedback_id": digest_of(signal, row["trace_id"])[:24],
                "trace_id": row["trace_id"],
                "ts": row["ts"],
                "kind": "explicit",
                "signal": signal,
                "value": value,
                "user_id": row["user_id"],
                "consent": True,
            }
            for row, signal, value in said
        ]
