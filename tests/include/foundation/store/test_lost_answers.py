"""The object store did what it was asked, and the answer was lost."""

import json

import pytest

from include.foundation.decisions import broken_links, find, record
from include.foundation.errors import StoreError
from include.foundation.store.tables import LoopStore
from include.stages.logs.pulling import pull_logs
from tests.builders import KEY, day, line, make_loop
from tests.decision_builders import Note
from tests.include.foundation.store.lossy_s3 import FATES, lossy
from tests.include.stages.logs.s3_server import BUCKET

TRIES = 12


def insist(task):
    """Run a task again as Airflow does, as long as it fails with an error that says what failed."""
    for _ in range(TRIES - 1):
        try:
            return task()
        except StoreError:
            continue
    return task()


@pytest.mark.parametrize("seed", range(3))
def test_rows_are_there_once_and_every_file_is_there(s3_options, tmp_path, seed):
    place = f"s3://{BUCKET}/lossy-{seed}"
    with lossy(s3_options, seed, 0.3) as (server, options):
        store = LoopStore(make_loop(tmp_path, logs={"uri": f"{place}/logs"}), place, options)
        for batch in range(4):
            lines = [line(n) for n in range(batch * 5, batch * 5 + 8)]
            body = "".join(json.dumps(one) + "\n" for one in lines).encode()
            insist(lambda body=body, batch=batch: store.objects.write(f"{place}/logs/{batch}.jsonl", body))
            insist(lambda: pull_logs(store, day(), KEY))
            insist(
                lambda batch=batch: record(store, Note(subject=f"c{batch}", outcome="yes", reasons=(), number=batch))
            )
    clean = LoopStore(store.loop, place, s3_options)
    assert sorted(clean.read("predictions")["trace_id"].to_pylist()) == sorted({line(n)["trace_id"] for n in range(23)})
    assert [note.subject for note in find(clean, Note)] == ["c0", "c1", "c2", "c3"]
    assert broken_links(clean) == []
    assert sum(server.fates[fate] for fate in FATES) > 3
