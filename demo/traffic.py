"""Simulated production: a model serves documents that are new to it, logs them, and some users send corrections."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from demo.example_data import Example
from include.foundation.config.loading import resolve
from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of
from include.foundation.store.schemas import INPUT_TYPES

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel

SEGMENTS = ("eu", "us", "asia")
DAY_EFFECT = 0.15
BROKEN_SHARE = 0.01
REPORTED = 3


@dataclass
class Traffic:
    """A stream of documents, each of which is served once.

    Parameters
    ----------
    loop
        Names the places of logs and feedback, and the format of the logs.
    examples
        The documents to serve.
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

    def write_seed_labels(self, n: int) -> None:
        """Take n documents out of the stream and write them, with their labels, where the loop reads seed labels."""
        generator = np.random.default_rng([self.seed, 1])
        places = generator.choice(len(self.examples), n, replace=False)
        self._served |= set(places.tolist())
        lines = [{"input": self.examples[place].input, "label": self.examples[place].label} for place in places]
        folder = Path(resolve(self.loop.training.seed_labels or f"data/{self.loop.name}/seed"))
        _write(folder / "seed.jsonl", lines)

    def serve_day(self, day: date, rows: int, model: "LoadedModel", *, shifted: bool) -> int:
        """Serve the documents of a day, write its log and feedback, and return how many log lines were written.

        Ordinary days differ a little in their mix of topics. Shifted days have more of the rarer topics, larger documents, and
        fainter pictures.

        Parameters
        ----------
        day
            The day of the timestamps, in UTC.
        rows
            How many documents to serve; fewer if the stream ends.
        model
            The model that serves.
        shifted
            Whether the traffic differs from that of ordinary days.
        """
        generator = np.random.default_rng([self.seed, day.toordinal()])
        chosen = self._draw(generator, rows, shifted=shifted)
        lines = self._lines(day, generator, chosen, model)
        broken = _broken(lines[: max(1, round(rows * BROKEN_SHARE))], self.loop)
        self._write_logs(day, [*lines, *broken, lines[0]])
        self._write_feedback(day, lines)
        return len(lines) + len(broken) + 1

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

    def _lines(
        self, day: date, generator: np.random.Generator, chosen: list[Example], model: "LoadedModel"
    ) -> list[dict[str, Any]]:
        predictions, probabilities = model.predict(_inputs(self.loop, chosen))
        midnight = datetime.combine(day, time(), UTC)
        seconds = np.sort(generator.uniform(0, 86_399, len(chosen)))
        moments = [midnight + timedelta(seconds=float(second)) for second in seconds]
        # One row a day is logged late, with a timestamp of the evening before.
        moments[-1] = midnight - timedelta(minutes=5)
        lines = []
        for number, example in enumerate(chosen):
            trace_id = digest_of(self.loop.name, self.seed, day.isoformat(), number)[:24]
            self.truth[trace_id] = example.label
            lines.append(
                {
                    "trace_id": trace_id,
                    "ts": moments[number].isoformat(),
                    "model_version": str(model.version),
                    "input": example.input,
                    "prediction": str(predictions[number]),
                    "probabilities": dict(zip(self.loop.task.classes, map(float, probabilities[number]), strict=True)),
                    "segments": {
                        name: str(generator.choice(SEGMENTS, p=[0.5, 0.35, 0.15])) for name in self.loop.segments
                    },
                    "user_id": f"user-{generator.integers(0, 200)}",
                }
            )
        return lines

    def _write_logs(self, day: date, lines: list[dict[str, Any]]) -> None:
        folder = Path(resolve(str(self.loop.logs.uri)))
        if self.loop.logs.format == "jsonl":
            _write(folder / f"{day.isoformat()}.jsonl", lines, last='{"trace_id": "cut off in the mi')
            return
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{day.isoformat()}.parquet"
        pq.write_table(pa.Table.from_pylist(lines), partial)
        partial.replace(folder / f"{day.isoformat()}.parquet")

    def _write_feedback(self, day: date, lines: list[dict[str, Any]]) -> None:
        """Let users correct a few of the wrong predictions."""
        if self.loop.feedback.uri is None:
            return
        wrong = [line for line in lines if line["prediction"] != self.truth[line["trace_id"]]][:REPORTED]
        signals = [
            {
                "feedback_id": digest_of("feedback", line["trace_id"])[:24],
                "trace_id": line["trace_id"],
                "ts": line["ts"],
                "kind": "explicit",
                "signal": "correction",
                "value": {"label": self.truth[line["trace_id"]]},
                "comment": "this is not what it says",
                "user_id": line["user_id"],
                "consent": True,
            }
            for line in wrong
        ]
        _write(Path(resolve(self.loop.feedback.uri)) / f"{day.isoformat()}.jsonl", signals)


def _inputs(loop: Loop, chosen: Sequence[Example]) -> pa.Table:
    return pa.table(
        {
            f"input_{name}": pa.array([example.input[name] for example in chosen], INPUT_TYPES[item.type])
            for name, item in loop.inputs.items()
        }
    )


def _broken(lines: list[dict[str, Any]], loop: Loop) -> list[dict[str, Any]]:
    """Return copies of lines that the loop must refuse: with an impossible probability, or an unknown class."""
    faults: list[dict[str, Any]] = [
        {"probabilities": {loop.task.classes[0]: 7.5}},
        {"prediction": "no such class"},
    ]
    return [
        {**line, "trace_id": f"broken-{line['trace_id']}", **faults[number % len(faults)]}
        for number, line in enumerate(lines)
    ]


def _write(path: Path, lines: Sequence[dict[str, Any]], last: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}")
    partial.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines) + last, encoding="utf-8")
    partial.replace(path)
