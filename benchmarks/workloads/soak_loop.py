"""A small loop in a folder, with what is around it: the model that serves, users who report, annotators who answer."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of
from include.foundation.intervals import Interval

WORDS = {
    "crude": "oil barrel rig opec well",
    "grain": "wheat corn tonnes crop barley",
    "ship": "vessel port cargo dock",
}
FILLER = (
    "the said in on of a market today year mln pct company report new old more less than will over"  # words of no class
)
CLASSES = tuple(WORDS)
FIRST_DAY = datetime(2025, 6, 2, tzinfo=UTC)
ANNOTATORS = {"ada": 0.02, "ben": 0.05, "cleo": 0.15}
HIT, SEEDS, REPORTED = 0.85, 60, 2


@dataclass
class SoakLoop:
    """A loop in a folder, and what is around it.

    Parameters
    ----------
    folder
        Where everything lives.
    rows
        Rows that are served in an interval.
    step
        Length of an interval.
    """

    folder: Path
    rows: int
    step: timedelta
    truth: dict[str, str] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    version: str = "0"

    def __post_init__(self) -> None:
        self.loop = _loop(self.folder, hourly=self.step < timedelta(days=1))
        lines = [
            {"input": _input(label, n), "label": label} for n in range(SEEDS) for label in CLASSES[n % 3 : n % 3 + 1]
        ]
        _write(self.folder / "seed" / "seed.jsonl", lines)
        for name in ("logs", "feedback", "labeling"):
            (self.folder / name).mkdir(parents=True)

    def interval(self, number: int) -> Interval:
        """Return an interval, counted from 0."""
        return Interval(FIRST_DAY + number * self.step, FIRST_DAY + (number + 1) * self.step)

    def serve(self, number: int) -> None:
        """Write the log of an interval, and what users report."""
        interval, generator = self.interval(number), np.random.default_rng(number)
        lines: list[dict[str, Any]] = []
        signals: list[dict[str, Any]] = []
        for place in range(self.rows):
            label = CLASSES[int(generator.integers(len(CLASSES)))]
            line = self._line(interval.start + self.step * (place / self.rows), f"{number}-{place}", label, generator)
            lines.append(line)
            if line["prediction"] != label and len(signals) < REPORTED:
                signals.append(_signal(line, label))
        when = interval.end.timestamp()
        name = f"{interval.start:%Y-%m-%dT%H}.jsonl"
        for folder, written in (("logs", lines), ("feedback", signals)):
            path = self.folder / folder / name
            _write(path, written)
            os.utime(path, (when, when))

    def answer(self, number: int) -> None:
        """Let every annotator answer the requests that were pushed since the last time."""
        files = [
            path for path in (self.folder / "labeling" / "requests").glob("*.jsonl") if path.name not in self.answered
        ]
        generator, when = np.random.default_rng([number, 1]), self.interval(number).end + timedelta(minutes=30)
        lines = []
        for path in sorted(files):
            self.answered.add(path.name)
            for request in map(json.loads, path.read_text().splitlines()):
                for annotator, errs in ANNOTATORS.items():
                    says = (
                        self.truth[request["trace_id"]] if generator.random() > errs else str(generator.choice(CLASSES))
                    )
                    lines.append({"request_id": request["request_id"], "annotator": annotator, "label": says,
                                  "created_at": when.isoformat(), "lead_time_seconds": 3.5})  # fmt: skip
        if lines:
            _write(self.folder / "labeling" / "answers" / f"{number:05d}.jsonl", lines)

    def _line(self, when: datetime, trace_id: str, label: str, generator: np.random.Generator) -> dict[str, Any]:
        self.truth[trace_id] = label
        says = label if generator.random() < HIT else str(generator.choice([name for name in CLASSES if name != label]))
        best = float(generator.uniform(0.45, 0.98))
        rest = {name: (1 - best) / 2 for name in CLASSES if name != says}
        return {"trace_id": trace_id, "ts": when.isoformat(), "model_version": self.version,
                "input": _input(label, int(generator.integers(1 << 30))), "prediction": says,
                "probabilities": {says: best} | rest, "segments": {"desk": str(generator.choice(["eu", "us"]))},
                "user_id": f"u{generator.integers(40)}"}  # fmt: skip


def _loop(folder: Path, *, hourly: bool) -> Loop:
    return Loop.model_validate(
        {
            "name": "soak",
            "owner": "benchmarks",
            "description": "Live for a long time.",
            "task": {"kind": "classification", "classes": list(CLASSES)},
            "inputs": {
                "text": {"type": "text"},
                "words": {"type": "numeric"},
                "kind": {"type": "categorical"},
            },
            "segments": ["desk"],
            "logs": {"uri": str(folder / "logs"), "schedule": "@hourly" if hourly else "@daily"},
            "feedback": {"uri": str(folder / "feedback")},
            "training": {"factory": "include.factories:table_classifier", "seed_labels": str(folder / "seed")},
            "selection": {"budget": 2 if hourly else 12, "random_share": 0.5 if hourly else 0.34},
            "labeling": {"backend": "files", "uri": str(folder / "labeling")},
            "tasks": {
                "timeout_minutes": 0.05,
                "long_timeout_minutes": 0.05,
            },  # so what is dead goes after a cycle, not a day
            "retrain": {"min_new_labels": 50},
            "gate": {"approval": "auto", "slices": ["desk"], "max_labels_per_round": 20, "max_rounds": 1},
        }
    )


def _input(label: str, number: int) -> dict[str, Any]:
    generator = np.random.default_rng(number)
    told = [
        *generator.choice(WORDS[label].split(), 3),
        *generator.choice(FILLER.split(), int(generator.integers(8, 20))),
    ]
    return {
        "text": " ".join(map(str, told)) + f" {number}",
        "words": len(told),
        "kind": str(generator.choice(["a", "b"])),
    }


def _signal(line: Mapping[str, Any], label: str) -> dict[str, Any]:
    said = {"kind": "explicit", "signal": "correction", "value": {"label": label}, "user_id": line["user_id"]}
    return {"feedback_id": digest_of(line["trace_id"])[:24], "trace_id": line["trace_id"], "ts": line["ts"]} | said


def _write(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
