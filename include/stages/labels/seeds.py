"""Seed labels: the labels that a loop starts from. Whatever its files say later replaces what they said before."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of
from include.foundation.errors import short
from include.foundation.lines.fields import read_class, read_input, read_moment
from include.foundation.lines.line_files import Line, read_lines
from include.foundation.lines.refusals import refusal
from include.foundation.lines.sources import LogFile, files_and_others
from include.foundation.lines.values import Problem, text_of
from include.foundation.store.ledgers.deployments import BEGINNING
from include.foundation.store.ledgers.outcomes import REMOVED, current_labels
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.selection.content import content_key, group_key, near_key, split_point

STAGE = "seeds"


@dataclass(frozen=True)
class SeedReport:
    """What the seed files say that the store did not know.

    Attributes
    ----------
    admitted
        Labels of inputs that had none.
    refused
        Lines in quarantine.
    changes
        In words: which labels were replaced or removed, and which lines contradict each other.
    passed_over
        What is in the folder and is not read, each with the reason.
    """

    admitted: int = 0
    refused: int = 0
    changes: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()


class Seed(NamedTuple):
    """A line of a seed file, and the row of ``labels`` that it makes if it has no problems."""

    file: LogFile
    line: Line
    row: dict[str, Any]

    @property
    def says(self) -> str:
        """Where the line is, and which label it gives."""
        return f"{self.file.name}:{self.line.number} says {self.row['label']!r}"


def admit_seed_labels(store: LoopStore) -> SeedReport:
    """Bring the seed labels in the store to what the seed files say; nothing if the loop file names no ``seed_labels``.

    Each line is ``{"input": {...}, "label": "..."}``, with ``ts`` and ``segments`` where they are known. Of lines about the
    same input the last one counts, files in the order of their names; one that says otherwise goes to the quarantine, as lines
    do that cannot be read. A label whose line was changed is superseded, and one whose line has gone is removed, unless a file
    could not be read to its end. The split follows from the content, or from the group where ``split.group`` names one: near
    duplicates share it, and it never changes.
    """
    if store.loop.training.seed_labels is None:
        return SeedReport()
    seeds: dict[str, Seed] = {}
    refusals, changes, is_whole = [], [], True
    files, others = files_and_others(store.loop.training.seed_labels, "jsonl", store.s3_client_options)
    for seed in _lines(store.loop, files, store.s3_client_options):
        if seed.line.problems:
            refusals.append(refusal(STAGE, seed.file.name, seed.line, None) | {"reason_code": "bad_seed"})
            is_whole = is_whole and seed.line.number is not None
            continue
        earlier = seeds.get(seed.row["trace_id"])
        if earlier and earlier.row["label"] != seed.row["label"]:
            said = f"{earlier.says}, but {seed.says} of the same input; the later line counts"
            contradicted = earlier.line.refused_for([Problem("contradicted_seed", said)])
            refusals.append(refusal(STAGE, earlier.file.name, contradicted, None))
            changes.append(said)
        seeds[seed.row["trace_id"]] = seed
    refused = store.append_new("quarantine", rows_of(store.loop, "quarantine", refusals)).num_rows
    rows, replaced = _new_rows(store, seeds, is_whole=is_whole)
    store.append_new("labels", rows_of(store.loop, "labels", rows))
    told = tuple((changes if refused else []) + replaced)
    return SeedReport(len(rows) - len(replaced), refused, told, tuple(map(str, others)))


def seed_rows(loop: Loop, most: int) -> pa.Table:
    """Return the rows of ``labels`` that the first lines of the seed files in a folder make, without those that are refused.

    Parameters
    ----------
    loop
        Names their folder.
    most
        How many lines are read at most.
    """
    files = files_and_others(str(loop.training.seed_labels), "jsonl", {})[0]
    seeds = {seed.row["trace_id"]: seed for seed in islice(_lines(loop, files, {}), most) if not seed.line.problems}
    rows = [seed.row | {"label_id": _label_id(seed.row, None)} for seed in seeds.values()]
    return rows_of(loop, "labels", rows)


def _lines(loop: Loop, files: Sequence[LogFile], options: dict[str, Any]) -> Iterator[Seed]:
    for file in files:
        with file.opened(options) as path:
            for line in read_lines(path):
                row, problems = _label(loop, line.record or {}, file)
                read = line if line.problems else line.refused_for(problems)
                yield Seed(file, read, row)


def _new_rows(store: LoopStore, seeds: Mapping[str, Seed], *, is_whole: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows that bring the table to what the files say, and in words which labels they replace or remove."""
    taxonomy = Taxonomy.of(store.loop.task)
    stored = store.read("labels", filters=[("origin", "=", "seed")])
    superseded = set(stored.column("supersedes").to_pylist())
    newest = {row["trace_id"]: row for row in stored.to_pylist() if row["label_id"] not in superseded}
    current = {row["trace_id"]: row for row in current_labels(stored).to_pylist()}
    rows, replaced = [], []
    for trace_id, seed in seeds.items():
        last, known = newest.get(trace_id), current.get(trace_id)
        if known is not None and taxonomy.current(known["label"]) == seed.row["label"]:
            continue
        supersedes = last and last["label_id"]
        kept = {} if last is None else {"split": last["split"]}
        rows.append(seed.row | kept | {"label_id": _label_id(seed.row, supersedes), "supersedes": supersedes})
        if known is not None:
            replaced.append(f"{seed.says}, which was {known['label']!r}")
    for row in (row for trace_id, row in current.items() if trace_id not in seeds and is_whole):
        removal = {"label_id": f"{REMOVED}{row['label_id']}", "decided_by": "removed", "supersedes": row["label_id"]}
        rows.append(row | removal)
        inputs = {name: row[column] for name, column in store.loop.input_columns.items()}
        replaced.append(f"removed: {row['label']!r} of {short(inputs)}, which is in no seed file any more")
    return rows, replaced


def _label_id(row: Mapping[str, Any], supersedes: str | None) -> str:
    return digest_of("seed", row["trace_id"], row["label"], *([supersedes] if supersedes else []))


def _label(loop: Loop, record: Mapping[str, Any], file: LogFile) -> tuple[dict[str, Any], list[Problem]]:
    problems: list[Problem] = []
    inputs = record.get("input")
    if not isinstance(inputs, Mapping):
        problems.append(Problem("bad_input", f"input: got {short(inputs)}, expected an object by input name"))
        inputs = {}
    row: dict[str, Any] = {
        f"input_{name}": read_input(name, item, inputs.get(name), problems) for name, item in loop.inputs.items()
    }
    taxonomy = Taxonomy.of(loop.task)
    named = read_class("label", record.get("label"), taxonomy.meanings, problems)
    label = None if named is None else taxonomy.current(named)
    if named is not None and label is None:
        problems.append(Problem("unknown_class", f"label: {named!r} is retired, expected one of task.classes"))
    latest = file.latest(loop.logs.clock_skew_seconds)
    moment = BEGINNING if record.get("ts") is None else read_moment(record, "ts", latest, problems)
    segments = record.get("segments")
    by_name = segments if isinstance(segments, Mapping) else {}
    row |= {f"segment_{name}": text_of(by_name.get(name)) for name in loop.segments}
    key, near, group = content_key(loop, row), near_key(loop, row), group_key(loop, row)
    row |= {
        "trace_id": f"seed-{key}",
        "label": label,
        "decided_by": "seed",
        "origin": "seed",
        "split": "holdout" if split_point(group or near) < loop.training.seed_holdout_share else "train",
        "stratum": "seed",
        "inclusion_probability": 1.0,
        "content_key": key,
        "near_key": near,
        "group_key": group,
        "ts": moment,
        "decided_at": moment,
    }
    return row, problems
