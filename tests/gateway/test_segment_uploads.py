import time
from uuid import uuid4

import pytest

from gateway.log_segments import Segment, complete_segments
from gateway.segment_uploads import SegmentUploads
from include.foundation.store.objects.opening import objects_at
from include.foundation.store.objects.s3_objects import client_options
from tests.gateway.fickle_proxy import FickleProxy
from tests.include.stages.logs.s3_server import BUCKET


@pytest.fixture
def uri():
    return f"s3://{BUCKET}/{uuid4().hex}"


def complete(folder, *lines):
    segment = Segment(folder)
    for line in lines:
        segment.append(line, synced=False)
    segment.complete()


def sent(uri, s3_options):
    """Return what S3 has below the URI."""
    objects = objects_at(uri, client_options(s3_options))
    return [objects.read(each.uri) for each in sorted(objects.objects_in(uri) or [], key=lambda each: each.name)]


def wait_until(is_true, seconds=30):
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def proxy(s3_options):
    host, port = s3_options["AWS_ENDPOINT_URL"].removeprefix("http://").split(":")
    proxy = FickleProxy((host, int(port)))
    yield proxy
    proxy.close()


@pytest.fixture
def options(s3_options, proxy):
    return client_options(s3_options | {"AWS_ENDPOINT_URL": proxy.url})


def test_complete_segments_are_sent_and_deleted_and_what_is_being_written_is_not(tmp_path, uri, s3_options, options):
    complete(tmp_path, b"one\n", b"two\n")
    being_written = Segment(tmp_path)
    being_written.append(b"three\n", synced=False)
    told = []
    uploads = SegmentUploads(tmp_path, uri, options, told.append)
    wait_until(lambda: not complete_segments(tmp_path))
    uploads.close()
    assert (sent(uri, s3_options), told, uploads.backlog.segments) == ([b"one\ntwo\n"], [True], 0)
    being_written.complete()


def test_segments_wait_while_s3_is_down_and_are_sent_when_it_is_back(tmp_path, uri, s3_options, options, proxy):
    proxy.is_down, told = True, []
    uploads = SegmentUploads(tmp_path, uri, options, told.append)
    for number in range(3):
        complete(tmp_path, b"%d\n" % number)
    wait_until(lambda: uploads.problem)
    waiting = uploads.backlog
    assert (waiting.segments, waiting.size, waiting.seconds >= 0) == (3, 6, True)
    assert "test-secret" not in uploads.problem
    proxy.is_down = False
    wait_until(lambda: not complete_segments(tmp_path))
    uploads.close()
    assert sorted(sent(uri, s3_options)) == [b"0\n", b"1\n", b"2\n"]
    assert (uploads.problem, told.count(True), told.count(False) >= 1) == (None, 3, True)


def test_segment_that_was_sent_but_not_deleted_is_the_same_object_when_it_is_sent_again(
    tmp_path, uri, s3_options, options, monkeypatch
):
    complete(tmp_path, b"one\n")
    monkeypatch.setattr("gateway.segment_uploads.Path.unlink", lambda *_, **__: 1 / 0)  # the process ends there
    monkeypatch.setattr("gateway.segment_uploads.threading.excepthook", lambda _: None)
    SegmentUploads(tmp_path, uri, options).close()
    objects = objects_at(uri, client_options(s3_options))
    (before,) = objects.objects_in(uri) or []
    monkeypatch.undo()
    uploads = SegmentUploads(tmp_path, uri, options)
    wait_until(lambda: not complete_segments(tmp_path))
    uploads.close()
    (after,) = objects.objects_in(uri) or []
    assert (after.name, after.fingerprint, after.size) == (before.name, before.fingerprint, before.size)


def test_told_to_stop_it_sends_what_there_is_but_does_not_wait_for_an_s3_that_is_slow(
    tmp_path, uri, options, proxy, monkeypatch
):
    monkeypatch.setattr("gateway.segment_uploads.STOP_SECONDS", 0.2)
    proxy.delay = 5
    uploads = SegmentUploads(tmp_path, uri, options)
    complete(tmp_path, b"one\n")
    begin = time.monotonic()
    uploads.close()
    assert time.monotonic() - begin < 4
    assert uploads.backlog.segments == 1


def test_folders_of_past_days_are_deleted_once_they_are_empty(tmp_path, uri, s3_options, options):
    for day in ("2026-01-02", "2026-01-03"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "gateway-120000-abc.jsonl").write_bytes(b"one\n")
    (tmp_path / "2026-01-03" / "notes.txt").touch()
    uploads = SegmentUploads(tmp_path, uri, options)
    wait_until(lambda: not complete_segments(tmp_path))
    uploads.close()
    assert [path.name for path in tmp_path.iterdir()] == ["2026-01-03"]
    assert len(sent(uri, s3_options)) == 2
