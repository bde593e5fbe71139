import os
import threading

import pytest

from gateway.log_writer import LogPolicy, LogWriter


def written(folder):
    paths = sorted(path for path in folder.rglob("*.jsonl") if not path.name.startswith("."))
    return [path.read_bytes().splitlines() for path in paths]


class Told:
    """Collects what a writer says of each append."""

    def __init__(self, appends):
        self.problems, self._left, self._all = [], appends, threading.Event()

    def __call__(self, problem):
        self.problems.append(problem)
        if len(self.problems) == self._left:
            self._all.set()

    def wait(self):
        assert self._all.wait(30)
        return self.problems


@pytest.mark.parametrize("sync", ["always", "interval", "none"])
def test_every_line_is_in_a_complete_segment_once_the_writer_is_closed(tmp_path, sync):
    writer = LogWriter(tmp_path, LogPolicy(sync=sync, sync_seconds=0.01))
    told = Told(50)
    for number in range(50):
        writer.append(b"%d\n" % number, 1, told)
    assert told.wait() == [None] * 50
    writer.close()
    assert [line for segment in written(tmp_path) for line in segment] == [b"%d" % number for number in range(50)]


def test_one_sync_serves_everybody_who_waits(tmp_path, monkeypatch):
    syncs, go_on, fdatasync = [], threading.Event(), os.fdatasync

    def slow(opened):
        syncs.append(opened)
        assert go_on.wait(30)
        fdatasync(opened)

    monkeypatch.setattr("gateway.log_segments.os.fdatasync", slow)
    writer, told = LogWriter(tmp_path, LogPolicy()), Told(101)
    writer.append(b"first\n", 1, told)
    while not syncs:
        pass
    for number in range(100):
        writer.append(b"%d\n" % number, 1, told)
    go_on.set()
    told.wait()
    assert len(syncs) <= 3  # the first, and those who waited meanwhile
    writer.close()


def test_segment_is_complete_after_its_time_though_no_line_comes(tmp_path):
    writer, told = LogWriter(tmp_path, LogPolicy(segment_seconds=0.05)), Told(1)
    writer.append(b"one\n", 1, told)
    told.wait()
    for _ in range(1000):
        if written(tmp_path):
            break
        threading.Event().wait(0.01)
    assert written(tmp_path) == [[b"one"]]
    writer.close()


def test_segment_is_complete_at_its_size(tmp_path):
    writer = LogWriter(tmp_path, LogPolicy(segment_bytes=9))
    for number in range(3):
        told = Told(1)
        writer.append(b"%d 345678\n" % number, 1, told)
        told.wait()
    writer.close()
    assert sorted(written(tmp_path)) == [[b"0 345678"], [b"1 345678"], [b"2 345678"]]


def test_disk_that_refuses_is_told_and_what_it_refused_is_not_in_the_log(tmp_path, monkeypatch):
    writer, write = LogWriter(tmp_path, LogPolicy()), os.write
    full = threading.Event()

    def refusing(opened, content):
        if full.is_set():
            raise OSError(28, "No space left on device")
        return write(opened, content)

    monkeypatch.setattr("gateway.log_segments.os.write", refusing)
    outcomes = []
    for is_full in (False, True, False):
        (full.set if is_full else full.clear)()
        told = Told(1)
        writer.append(b"full\n" if is_full else b"room\n", 1, told)
        outcomes += told.wait()
        outcomes.append(writer.problem)
    assert [str(one) for one in outcomes] == [
        "None",
        "None",
        "[Errno 28] No space left on device",
        "OSError: [Errno 28] No space left on device",
        "None",
        "None",
    ]
    writer.close()
    assert [line for segment in written(tmp_path) for line in segment] == [b"room", b"room"]


def test_disk_that_has_room_again_is_noticed_though_nobody_asks(tmp_path, monkeypatch):
    writer, told = LogWriter(tmp_path, LogPolicy()), Told(1)
    full, write = threading.Event(), os.write
    full.set()

    def refusing(opened, content):
        if full.is_set():
            raise OSError(28, "No space left on device")
        return write(opened, content)

    monkeypatch.setattr("gateway.log_segments.os.write", refusing)
    writer.append(b"one\n", 1, told)
    told.wait()
    assert writer.problem
    full.clear()
    for _ in range(1000):
        if writer.problem is None:
            break
        threading.Event().wait(0.01)
    assert writer.problem is None
    writer.close()


def test_no_more_waits_for_a_disk_that_hangs_than_may(tmp_path, monkeypatch):
    go_on, fdatasync = threading.Event(), os.fdatasync

    def hanging(opened):
        assert go_on.wait(30)
        fdatasync(opened)

    monkeypatch.setattr("gateway.log_segments.os.fdatasync", hanging)
    monkeypatch.setattr("gateway.log_writer.MOST_WAITING", 10)
    writer, taken, refused = LogWriter(tmp_path, LogPolicy()), Told(2), Told(1)
    for told in (taken, taken, refused):
        writer.append(b"12345678\n", 1, told)
    assert "too much waits" in str(refused.wait()[0])
    go_on.set()
    assert taken.wait() == [None, None]
    writer.close()
    assert [line for segment in written(tmp_path) for line in segment] == [b"12345678"] * 2
