"""Seed labels: the labels that a loop starts from."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of
from include.foundation.errors import short
from include.foundation.lines.fields import read_input
from include.foundation.lines.line_files import read_lines
from include.foundation.lines.refusals import refusal
from include.foundation.lines.sources import list_files
from include.foundation.lines.values import Problem, moment_of
from include.foundation.store.ledgers.outcomes import STAGE
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.selection.content import content_key

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def admit_seed_labels(store: LoopStore) -> int:
    """Append the seed labels that are new and return how many there were; none if the loop file names no ``seed_labels``.

    Each line is ``{"input": {...}, "label": "..."}``, with ``ts`` and ``segments`` where they are known. Lines that cannot be
    read go to the quarantine. The split of a line follows from its content: near duplicates share it, and it never changes.
    """
    loop = store.loop
    if loop.training.seed_labels is None:
        return 0
    labels, refusals = [], []
    for file in list_files(loop.training.seed_labels, "jsonl", BEGINNING - timedelta(days=1), store.s3_client_options):
        with file.opened(store.s3_client_options) as path:
            for line in read_lines(path):
                label, problems = _label(loop, line.record or {})
                problems = line.problems or problems
                if problems:
                    bad_seed = refusal(STAGE, file.name, line.refused_for(problems), None)
                    refusals.append(bad_seed | {"reason_code": "bad_seed"})
                else:
                    labels.append(label)
    store.append_new("quarantine", rows_of(loop, "quarantine", refusals))
    return int(store.append_new("labels", rows_of(loop, "labels", labels)).num_rows)


def _label(loop: Loop, record: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    problems: list[Problem] = []
    inputs = record.get("input")
    if not isinstance(inputs, Mapping):
        problems.append(Problem("bad_input", f"input: got {short(inputs)}, expected an object by input name"))
        inputs = {}
    row: dict[str, Any] = {
        f"input_{name}": read_input(name, item, inputs.get(name), problems) for name, item in loop.inputs.items()
    }
    label = record.get("label")
    if label not in loop.task.classes:
        problems.append(Problem("unknown_label", f"label: got {short(label)}, expected one of task.classes"))
    moment = BEGINNING if record.get("ts") is None else moment_of(record["ts"])
    if moment is None:
        problems.append(Problem("bad_timestamp", f"ts: got {short(record['ts'])}, expected ISO 8601"))
    segments = record.get("segments") if isinstance(record.get("segments"), Mapping) else {}
    row |= {f"segment_{name}": (segments or {}).get(name) for name in loop.segments}
    key = content_key(loop, row)
    return row | _decision(loop, key, label, moment), problems


def _decision(loop: Loop, key: str, label: Any, moment: datetime | None) -> dict[str, Any]:
    draw = int(digest_of("seed split", key)[:8], 16) / 16**8
    return {
        "label_id": digest_of("seed", key, label),
        "trace_id": f"seed-{key}",
        "label": label,
        "decided_by": "seed",
        "origin": "seed",
        "split": "holdout" if draw < loop.training.seed_holdout_share else "train",
        "stratum": "seed",
        "inclusion_probability": 1.0,
        "content_key": key,
        "ts": moment,
        "decided_at": moment,
    }
