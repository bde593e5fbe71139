"""The store and the logs on an object store: a real HTTP server on loopback that speaks S3."""

import json
import threading

import boto3
import pytest
from moto.server import ThreadedMotoServer

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import broken_links, find, record
from include.foundation.digests import table_digest
from include.foundation.store.objects import write_file
from include.foundation.store.tables import LoopStore
from include.stages.drift.profiling.profiles import profile_days
from include.stages.logs.pulling import pull_logs
from tests.builders import KEY, day, line, make_loop
from tests.decision_builders import Note

BUCKET = "loops"


@pytest.fixture(scope="module")
def options():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test-secret",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
        "AWS_CONDITIONAL_PUT": "etag",
    }
    server.stop()


@pytest.fixture
def store(options, tmp_path, request):
    name = request.node.name.replace("_", "-")[:60].strip("-")
    loop: Loop = make_loop(tmp_path, logs={"uri": f"s3://{BUCKET}/{name}/logs"})
    found = LoopStore(loop, f"s3://{BUCKET}/{name}/store", options)
    boto3.client("s3", **found.s3_client_options).create_bucket(Bucket=BUCKET)
    return found


def test_logs_are_pulled_from_the_object_store_into_it(store):
    client = boto3.client("s3", **store.s3_client_options)
    body = "".join(json.dumps(line(n)) + "\n" for n in range(12)) + "broken\n"
    client.put_object(
        Bucket=BUCKET, Key=store.loop.logs.uri.removeprefix(f"s3://{BUCKET}/") + "/a.jsonl", Body=body.encode()
    )
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
    client = boto3.client("s3", **store.s3_client_options)
    key = store.loop.logs.uri.removeprefix(f"s3://{BUCKET}/")
    batches = {"a": [line(n) for n in range(12)], "b": [line(3), line(5, prediction="earn"), line(12)]}
    for name, lines in batches.items():
        body = "".join(json.dumps(one) + "\n" for one in lines)
        client.put_object(Bucket=BUCKET, Key=f"{key}/{name}.jsonl", Body=body.encode())
        found = pull_logs(store, day(), KEY)
    assert (found.rows, found.refused, found.duplicates) == (13, 1, 1)
    assert profile_days(store, day()) > 0
    assert profile_days(store, day()) == 0


def test_concurrent_decisions_on_the_object_store_make_one_whole_chain(store, options):
    def decide(number):
        own = LoopStore(store.loop, store.uri.removesuffix(f"/{store.loop.name}"), options)
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
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    assert boto3.client("s3", **store.s3_client_options).get_object(Bucket=bucket, Key=key)["Body"].read() == b"text"
