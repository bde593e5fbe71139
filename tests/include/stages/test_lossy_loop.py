"""A whole loop on an object store that loses answers, refuses and drops requests: its tables are those of a twin on a disk."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from include.foundation.decisions import broken_links
from include.foundation.errors import NothingToDo, StoreError
from include.foundation.store.maintenance import maintain_store
from include.foundation.store.tables import LoopStore
from include.stages.drift.detection import detect_drift
from include.stages.drift.profiling.profiles import profile_days
from include.stages.labeling.collecting import collect_annotations
from include.stages.labeling.files_backend import FilesBackend
from include.stages.labeling.pushing import push_requests
from include.stages.labels.datasets import publish_in_attempt, read_dataset
from include.stages.labels.label_validation import validate_labels
from include.stages.logs.log_validation import validate_logs
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import select_samples
from tests.builders import KEY, day, line, make_loop, write_lines
from tests.include.foundation.store.lossy_s3 import FATES, lossy
from tests.include.stages.logs.s3_server import BUCKET

DAYS, TRIES = 2, 15
CLOCK = {"pushed_at", "decided_at", "hash", "previous_hash", "written_at", "noted_at", "fingerprint", "source", "edges"}
FOLDERS = {"config_digest"}  # the loop file names its folders
TABLES = ("predictions", "profiles", "requests", "annotations", "labels", "decisions", "files_read", "quarantine")
SECTIONS = {
    "drift": {"reference_days": 7, "min_rows": 10}, "selection": {"budget": 6},
    "labeling": {"overlap": 1, "quorum": 0.5}, "labels": {"consensus": "majority"},
}  # fmt: skip


def tasks(store, number):
    """Return the tasks of a day's cycle, in order."""
    interval, backend = day(number), FilesBackend(store.loop)
    return (
        lambda: pull_logs(store, interval, KEY), lambda: validate_logs(store, interval),
        lambda: profile_days(store, interval), lambda: detect_drift(store, interval),
        lambda: select_samples(store, interval), lambda: push_requests(store, backend), lambda: answer(store, number),
        lambda: collect_annotations(store, backend, KEY), lambda: validate_labels(store),
        lambda: publish_in_attempt(store, 2), lambda: maintain_store(store, at_once=True),
    )  # fmt: skip


def insist(task):
    """Run a task again as Airflow does, as long as it fails with an error that says what failed."""
    for attempt in range(1, TRIES + 1):
        try:
            task()
        except NothingToDo:
            return
        except StoreError:
            if attempt == TRIES:
                raise
            continue
        return


def answer(store, number):
    """Let one annotator answer what is asked; requests are written to a folder, which loses nothing."""
    folder = Path(FilesBackend(store.loop).request_folder)
    asked = [json.loads(text) for path in sorted(folder.glob("*.jsonl")) for text in path.read_text().splitlines()]
    when = (day(number).end + timedelta(hours=1)).isoformat()
    lines = [
        {"request_id": one["request_id"], "annotator": "ada", "label": "earn", "created_at": when} for one in asked
    ]
    (folder.parent / "answers" / f"{number}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))


def play(folder, uri, options):
    """Play some cycles, and return the store."""
    store = LoopStore(make_loop(folder, **SECTIONS), uri, options)
    for number in range(DAYS):
        when = day(number).start + timedelta(hours=2)
        write_lines(folder, [line(40 * number + n, when=when) for n in range(30)], f"{number}.jsonl")
        for task in tasks(store, number):
            insist(task)
    return store


def rows_of(store, table):
    return [{name: row[name] for name in row if name not in CLOCK | FOLDERS} for row in store.read(table).to_pylist()]


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    """The same loop where every request is answered."""
    folder = tmp_path_factory.mktemp("twin")
    store = play(folder, str(folder / "store"), {})
    return {table: rows_of(store, table) for table in TABLES}


@pytest.mark.parametrize("seed", [2937])  # one whose lost answers are those of commits, of both pulls among them
def test_loop_whose_answers_are_lost_has_the_tables_of_its_twin(s3_options, tmp_path, twin, seed):
    place = f"s3://{BUCKET}/lossy-loop-{seed}"
    with lossy(s3_options, seed, 0.3) as (server, options):
        store = play(tmp_path, place, options)
    assert sum(server.fates[fate] for fate in FATES) > 10
    clean = LoopStore(store.loop, place, s3_options)
    for table in TABLES:
        assert rows_of(clean, table) == twin[table], table
    assert broken_links(clean) == []
    name = clean.read("decisions", filters=[("kind", "=", "dataset")]).column("subject").to_pylist()[-1]
    assert read_dataset(clean, name).digest.startswith(name)
