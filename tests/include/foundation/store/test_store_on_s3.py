"""The store and the logs on an object store: a real HTTP server on loopback that speaks S3."""

import json
import threading

import pytest

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import broken_links, find, record
from include.foundation.digests import table_digest
from include.foundation.store.loop_files import names_in, read_file, write_file
from include.foundation.store.tables import LoopStore
from include.stages.drift.profiling.profiles import profile_days
from include.stages.logs.pulling import pull_logs
from tests.builders import KEY, day, line, make_loop
from tests.decision_builders import Note
from tests.include.stages.logs.s3_server import BUCKET


@pytest.fixture
def store(s3_options, tmp_path, request):
    name = request.node.name.replace("_", "-")[:60].strip("-")
    loop: Loop = make_loop(tmp_path, logs={"uri": f"s3://{BUCKET}/{name}/logs"})
    return LoopStore(loop, f"s3://{BUCKET}/{name}/store", s3_options)


def test_logs_are_pulled_from_the_object_store_into_it(store):
    body = "".join(json.dumps(line(n)) + "\n" for n in range(12)) + "broken\n"
    store.objects.write(f"{store.loop.logs.uri}/a.jsonl", body.encode())
    first = pull_logs(store, day(), KEY)
    assert (first.rows, first.refused) == (12, 1)
    before = table_digest(store.read("predictions")), store.version("predictions"), store.version("quarantine")
    assert pull_logs(store, day(), KEY) == first
    assert (
        table_digest(store.read("predictions")),
        store.version("predictions"),
        store.version("quarantine"),
    ) == before


def test_repeats_of_rows_on_the_object_store_are_resolved_and_days_are_profiled_once(store):
    batches = {"a": [line(n) for n in range(12)], "b": [line(3), line(5, prediction="earn"), line(12)]}
    for name, lines in batches.items():
        body = "".join(json.dumps(one) + "\n" for one in lines)
        store.objects.write(f"{store.loop.logs.uri}/{name}.jsonl", body.encode())
        found = pull_logs(store, day(), KEY)
    assert (found.rows, found.refused, found.duplicates) == (13, 1, 1)
    assert profile_days(store, day()) > 0
    assert profile_days(store, day()) == 0


def test_concurrent_decisions_on_the_object_store_make_one_whole_chain(store, s3_options):
    def decide(number):
        own = LoopStore(store.loop, store.uri.removesuffix(f"/{store.loop.name}"), s3_options)
        record(own, Note(subject=f"c{number}", outcome="yes", reasons=(), number=number))

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(find(store, Note)) == 4
    assert broken_links(store) == []


def test_file_is_written_beside_the_tables(store):
    uri = write_file(store, "reports/a.md", "text")
    assert uri == f"{store.uri}/_files/reports/a.md"
    assert read_file(store, "reports/a.md") == b"text"
    assert names_in(store, "reports") == ["a.md"]
