"""Logs on an object store that fails: what passes is waited out, what does not is an error that says what to do."""

import json
from datetime import timedelta
from types import SimpleNamespace

import botocore.config
import botocore.endpoint
import pytest

from include.foundation.digests import table_digest
from include.foundation.errors import ConfigError, StoreError
from include.foundation.lines.sources import Access
from include.foundation.store.objects import object_store, s3_objects
from include.foundation.store.objects.s3_objects import S3Objects
from include.stages.logs import pulling
from include.stages.logs.pulling import PullReport, pull_logs
from tests.builders import DAY, KEY, day, line, make_store, write_lines
from tests.include.stages.logs.s3_server import BUCKET, SECRET, S3Server

URI, PREFIX = f"s3://{BUCKET}/logs", "logs/"
WRITTEN = DAY + timedelta(days=2)
FILES = {f"{number}.jsonl": [line(n) for n in range(20 * number, 20 * number + 20)] for number in range(3)}


@pytest.fixture
def server(monkeypatch):
    """A server with three files; the waits between requests last no time, blocks are small, and one client is enough."""
    found, real = S3Server(), botocore.config.Config
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr(botocore.config, "Config", lambda **given: real(**{**given, "read_timeout": 0.5}))
    monkeypatch.setattr(object_store, "BLOCK", 512)
    client = s3_objects.s3_client(found.options)
    monkeypatch.setattr(s3_objects, "s3_client", lambda _: client)
    for name, lines in FILES.items():
        found.put(PREFIX + name, body_of(lines), WRITTEN)
    yield found
    found.stop()


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path, logs={"uri": URI})


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What a pull of the same files from a folder gives."""
    folder = tmp_path_factory.mktemp("local")
    local = make_store(folder)
    for name, lines in FILES.items():
        write_lines(folder, lines, name)
    assert pull_logs(local, day(), KEY) == PullReport(60, 0, 0, 0, 3)
    return table_digest(local.read("predictions"))


def body_of(lines):
    return "".join(json.dumps(item) + "\n" for item in lines).encode()


def pull(store, server):
    return pull_logs(store, day(), KEY, Access(server.options))


def assert_whole(store, report, expected):
    assert report == PullReport(60, 0, 0, 0, 3)
    assert table_digest(store.read("predictions")) == expected
    assert store.read("quarantine").num_rows == 0


def failure(store, server, kind=StoreError):
    """Pull, expecting an error, and return its text; nothing was committed, and no secret is in it."""
    with pytest.raises(kind) as caught:
        pull(store, server)
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error} {error!r} {error.args}"
        error = error.__cause__ or error.__context__
    assert [store.read(name).num_rows for name in ("predictions", "quarantine", "files_read")] == [0, 0, 0]
    return str(caught.value)


@pytest.mark.parametrize("name", ["a b", "a+b", "100%", "a%20b", "day=1/a#b?c=d&e", "naïve 類", "a//b", 'it\'s "odd"'])
def test_key_of_any_signs_is_listed_and_read_as_it_is(store, server, name):
    """A space and a plus are two keys, though they are one in a form (https://github.com/brekkylab/backlot/issues/178)."""
    server.put(f"{PREFIX}{name}.jsonl", body_of([line(100)]), WRITTEN)
    assert pull(store, server) == PullReport(61, 0, 0, 0, 4)
    (row,) = [row for row in store.read("predictions").to_pylist() if row["trace_id"] == "t100"]
    assert row["source"] == f"{name}.jsonl"


@pytest.mark.parametrize("fault", [500, 503, "hang up"])
@pytest.mark.parametrize("kind", ["list", "get"])
def test_request_that_fails_eight_times_and_then_not_is_waited_out(store, server, expected, kind, fault):
    server.fail(kind, None, *[fault] * 8)
    assert_whole(store, pull(store, server), expected)


@pytest.mark.parametrize("fault", ["cut", "short", "stall", "trickle"])
def test_body_that_breaks_off_stalls_or_trickles_is_read_whole(store, server, expected, fault):
    server.fail("get", fault, fault)
    assert_whole(store, pull(store, server), expected)


def test_body_that_breaks_off_is_taken_up_where_it_broke(store, server):
    size = len(server.objects[f"{PREFIX}0.jsonl"][0])
    server.fail("get", "cut", "cut")
    pull(store, server)
    assert server.sent[0] == size
    assert size // 2 <= server.sent[1] < size * 0.6
    assert size // 4 <= server.sent[2] < size * 0.4


@pytest.mark.parametrize("fault", ["cut", "empty"])
def test_body_that_never_comes_is_given_up(store, server, fault):
    server.put(f"{PREFIX}0.jsonl", b"x", WRITTEN)  # half of it is nothing
    server.fail("get", fault, forever=True)
    told = failure(store, server)
    assert told.startswith(f"{URI}/0.jsonl: broke off 9 times at byte 0")
    assert told.endswith("run the task again")
    assert len(server.sent) == 9


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("kind", ["list", "get"])
def test_server_that_never_answers_well_is_an_error_and_the_next_pull_is_whole(store, server, expected, kind, status):
    server.fail(kind, status, forever=True)
    told = failure(store, server)
    assert told.startswith(URI)
    assert "run the task again" in told
    assert server.asked.count(kind) == 9
    server.fail(kind)
    assert_whole(store, pull(store, server), expected)


@pytest.mark.parametrize("kind", ["list", "get"])
def test_access_that_is_denied_names_the_place_and_the_credentials(store, server, kind):
    server.fail(kind, 403, forever=True)
    told = failure(store, server)
    assert told.startswith(URI)
    assert "AccessDenied" in told
    assert "let the credentials of the connection list and read it" in told
    assert server.asked.count(kind) == 1


def test_bucket_that_is_not_there_is_a_fault_of_the_configuration(tmp_path, server):
    store = make_store(tmp_path, logs={"uri": "s3://other/logs"})
    told = failure(store, server, ConfigError)
    assert told == "s3://other/logs: no such bucket, expected log files there; create it or mend logs.uri"


def test_server_that_is_not_there_names_the_place_and_the_endpoint(store, server):
    server.stop()
    told = failure(store, server)
    assert told.startswith(f"{URI}: cannot be listed")
    assert "check the endpoint of the connection" in told


def between_listing_and_reading(monkeypatch, act):
    real = pulling.pull_partition
    monkeypatch.setattr(pulling, "pull_partition", lambda *given: (act(), real(*given)))


def gone(store):
    """Return the refusals of files that are not what was listed, with the interval that they count in."""
    rows = store.read("quarantine", filters=[("reason_code", "=", "gone")]).to_pylist()
    return [(row["source"], row["reason"], row["interval_start"]) for row in rows]


@pytest.mark.parametrize("fault", [None, "any version"], ids=["if-match-kept", "if-match-ignored"])
def test_object_that_is_replaced_after_it_was_listed_is_refused_alone_and_the_next_pull_reads_the_new_one(
    store, server, monkeypatch, fault
):
    """Of its lines some are those of before: they do not double."""
    with monkeypatch.context() as patched:
        replaced = body_of([line(n) for n in range(10, 30)])
        between_listing_and_reading(patched, lambda: server.put(f"{PREFIX}0.jsonl", replaced, WRITTEN))
        server.fail("get", fault, forever=True)
        assert pull(store, server) == PullReport(40, 0, 1, 0, 2)
    ((name, reason, counts_in),) = gone(store)
    assert (name, counts_in) == ("0.jsonl", day().start)
    assert reason.startswith(f"{URI}/0.jsonl: was replaced since it was listed; plan the pull again")
    server.fail("get")
    assert pull(store, server) == PullReport(50, 0, 0, 10, 3)
    assert gone(store) == [(name, reason, None)]
    assert store.read("predictions").num_rows == 50


def test_object_that_has_gone_since_it_was_listed_is_refused_and_the_others_are_read(store, server, monkeypatch):
    with monkeypatch.context() as patched:
        between_listing_and_reading(patched, lambda: server.objects.pop(f"{PREFIX}0.jsonl", None))
        assert pull(store, server) == PullReport(40, 0, 1, 0, 2)
    assert gone(store)[0][1].startswith(f"{URI}/0.jsonl: has gone since it was listed; plan the pull again")
    assert pull(store, server) == PullReport(40, 0, 1, 0, 2)


def test_object_that_is_replaced_while_it_is_read_is_never_half_of_each(store, server, monkeypatch):
    server.fail("get", "cut")
    real = S3Objects._blocks

    def replaced_after_a_block(objects, listed, start):
        for block in real(objects, listed, start):
            yield block
            server.put(f"{PREFIX}0.jsonl", body_of([line(n) for n in range(20, 40)]), WRITTEN)

    with monkeypatch.context() as patched:
        patched.setattr(S3Objects, "_blocks", replaced_after_a_block)
        assert pull(store, server).rows == 40
    assert "was replaced since it was listed" in gone(store)[0][1]
    assert set(store.read("predictions").column("source").to_pylist()) == {"1.jsonl", "2.jsonl"}


def test_server_that_ignores_where_to_read_on_is_an_error(store, server):
    server.fail("get", "cut", "no ranges")
    assert "the object store ignores Range" in failure(store, server)


def test_second_pull_reads_no_byte(store, server):
    first = pull(store, server)
    server.sent.clear()
    assert pull(store, server) == first
    assert server.sent == []


def test_of_an_object_that_grew_only_what_is_new_is_read(store, server):
    pull(store, server)
    before, _ = server.objects[f"{PREFIX}1.jsonl"]
    server.put(f"{PREFIX}1.jsonl", before + body_of([line(90)]), WRITTEN)
    assert pull(store, server).rows == 61
    read = store.read("files_read", filters=[("name", "=", "1.jsonl")]).select(["start_byte", "lines"]).to_pylist()
    assert {found["start_byte"]: found["lines"] for found in read} == {0: 20, len(before): 1}
