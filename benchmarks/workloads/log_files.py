"""Prediction logs of one day as a service writes them: JSONL of about 0.6 kB a line, and the same lines in other forms."""

import gzip
import os
import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from include.foundation.config.loop_file import Loop
from include.foundation.intervals import Interval
from include.foundation.store.tables import LoopStore

DAY = Interval(datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 3, 11, tzinfo=UTC))
CLASSES = ["earn", "acq", "crude", "trade", "money-fx", "interest", "ship", "grain"]
CHANNELS, COUNTRIES = ["web", "app", "mail", "api"], [f"country {number}" for number in range(30)]
USERS = 20_000
FAULTY = 10_000  # of so many lines, one is broken and one is written twice
BATCH = 10_000


def log_store(folder: Path, log_format: str) -> LoopStore:
    """Return the empty store of a loop that reads logs below ``folder``; see `write_logs`."""
    inputs = {"text": {"type": "text"}} | {f"n{place}": {"type": "numeric"} for place in range(5)}
    inputs |= {name: {"type": "categorical"} for name in ("channel", "country")}
    loop = Loop.model_validate(
        {
            "name": "ingest",
            "owner": "benchmarks",
            "description": "Pull logs.",
            "task": {"kind": "classification", "classes": CLASSES},
            "inputs": inputs,
            "segments": ["desk"],
            "logs": {"uri": str(folder / "logs"), "format": log_format},
            "training": {"factory": "include.factories:text_classifier", "seed_labels": None},
        }
    )
    return LoopStore(loop, str(folder / "store"))


def day_before(back: int) -> Interval:
    """Return the day that is so many days before `DAY`."""
    return Interval(DAY.start - timedelta(days=back), DAY.end - timedelta(days=back))


def write_logs(path: Path, rows: int, back: int = 0) -> int:
    """Write lines, some of them broken or written twice, and return the number of rows that they hold.

    Parameters
    ----------
    path
        The file.
    rows
        Lines to write, before some are broken or repeated.
    back
        Days before `DAY`.
    """
    count = 0
    with path.open("w") as target:
        for number, line in enumerate(lines(rows, back)):
            if number % FAULTY == FAULTY // 2:
                target.write(line[: len(line) // 2] + "\n")
                continue
            target.write(line + "\n" if number % FAULTY != FAULTY // 4 else f"{line}\n{line}\n")
            count += 1
    stamp(path, back)
    return count


def lines(rows: int, back: int = 0) -> Iterator[str]:
    """Yield JSON objects of `day_before`, the same for the same arguments, in the order of their times."""
    generator = np.random.default_rng(back)
    phrases, start = _phrases(generator), day_before(back).start
    for first in range(0, rows, BATCH):
        yield from _batch(generator, phrases, start, first, min(BATCH, rows - first), 86_400 / rows)


def clean_copy(source: Path, target: Path) -> None:
    """Copy the lines that are not broken: some readers stop at the first that is."""
    with source.open() as opened, target.open("w") as copy:
        copy.writelines(line for line in opened if line.endswith("}}\n"))


def pack(source: Path, target: Path) -> None:
    """Write a log file compressed, as ``.gz``."""
    with source.open("rb") as opened, gzip.open(target, "wb", compresslevel=1) as packed:
        shutil.copyfileobj(opened, packed, 1 << 20)
    stamp(target)


def split(source: Path, folder: Path, files: int) -> None:
    """Spread the lines of a log file over files of equally many lines.

    Parameters
    ----------
    source
        The log file.
    folder
        Where the files are written.
    files
        Number of files.
    """
    with source.open() as opened:
        total = sum(1 for _ in opened)
        opened.seek(0)
        for number in range(files):
            path = folder / f"{number:04d}.jsonl"
            size = total * (number + 1) // files - total * number // files
            with path.open("w") as part:
                part.writelines(next(opened) for _ in range(size))
            stamp(path)


def stamp(path: Path, back: int = 0) -> None:
    """Set a file's modification time to just after its day, so that results do not depend on the clock."""
    moment = (day_before(back).end + timedelta(minutes=1)).timestamp()
    os.utime(path, (moment, moment))


def _phrases(generator: np.random.Generator) -> list[str]:
    """Return many short runs of made-up words, from which texts of about 150 characters are made."""
    letters = np.array(list("etaoinshrdlucmfw"))
    words = ["".join(generator.choice(letters, size)) for size in generator.integers(2, 9, 5000)]
    return [" ".join(words[place] for place in places) for places in generator.integers(0, 5000, (20_000, 4))]


def _batch(
    generator: np.random.Generator, phrases: list[str], start: datetime, first: int, count: int, step: float
) -> Iterator[str]:
    scores = generator.dirichlet([0.4] * len(CLASSES), count).round(4)
    scores[:, 0] += 1 - scores.sum(axis=1)
    predicted, scores = scores.argmax(axis=1).tolist(), scores.round(4).clip(0).tolist()
    numbers = generator.normal(size=(count, 5)).round(4).tolist()
    kinds = generator.integers(0, [len(CHANNELS), len(COUNTRIES), 2, USERS], (count, 4)).tolist()
    texts = generator.integers(0, len(phrases), (count, 6)).tolist()
    for row in range(count):
        when = start + timedelta(seconds=(first + row) * step)
        channel, country, desk, user = kinds[row]
        text = " ".join(phrases[place] for place in texts[row])
        inputs = ", ".join(f'"n{place}": {number}' for place, number in enumerate(numbers[row]))
        shares = ", ".join(f'"{name}": {share:.4f}' for name, share in zip(CLASSES, scores[row], strict=True))
        yield (
            f'{{"trace_id": "{uuid.UUID(int=int.from_bytes(generator.bytes(16)))}", "ts": "{when.isoformat()}", '
            f'"model_version": "7", "input": {{"text": "{text}", {inputs}, "channel": "{CHANNELS[channel]}", '
            f'"country": "{COUNTRIES[country]}"}}, "prediction": "{CLASSES[predicted[row]]}", "user_id": "user {user}", '
            f'"segments": {{"desk": "{"eu" if desk else "us"}"}}, "probabilities": {{{shares}}}}}'
        )
