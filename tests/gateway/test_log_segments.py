import fcntl
import os
import time

import pytest

from gateway.log_segments import Segment, complete_leftovers, complete_segments, demand_room


def names_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_segment_is_hidden_until_it_is_complete_and_then_has_every_line(tmp_path):
    segment = Segment(tmp_path)
    segment.append(b"one\n", synced=True)
    segment.append(b"two\n", synced=False)
    (hidden,) = names_in(tmp_path)
    segment.complete()
    (final,) = names_in(tmp_path)
    assert (hidden, final.startswith("gateway-")) == (f".{final}", True)
    assert next(tmp_path.rglob("*.jsonl")).read_bytes() == b"one\ntwo\n"


def test_complete_segment_was_written_now_however_long_ago_its_last_line_came(tmp_path):
    segment = Segment(tmp_path)
    segment.append(b"one\n", synced=True)
    os.utime(segment.path, (1, 1))
    segment.complete()
    assert next(tmp_path.rglob("*.jsonl")).stat().st_mtime > time.time() - 60


def test_segment_without_a_line_leaves_nothing(tmp_path):
    Segment(tmp_path).complete()
    assert names_in(tmp_path) == []


def test_line_that_the_disk_takes_half_is_taken_back(tmp_path, monkeypatch):
    segment = Segment(tmp_path)
    segment.append(b"one\n", synced=True)

    def half(opened, content):
        monkeypatch.undo()
        os.write(opened, bytes(content[:3]))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gateway.log_segments.os.write", half)
    with pytest.raises(OSError, match="No space"):
        segment.append(b"two\n", synced=True)
    segment.append(b"three\n", synced=True)
    segment.complete()
    assert next(tmp_path.rglob("*.jsonl")).read_bytes() == b"one\nthree\n"


@pytest.mark.parametrize(
    ("left", "kept"),
    [
        (b"one\ntwo\n", b"one\ntwo\n"),
        (b"one\ntw", b"one\n"),
        (b"one\n" + b"x" * 200_000, b"one\n"),
        (b"half a line", None),
        (b"", None),
    ],
    ids=["whole", "torn", "long torn", "only torn", "empty"],
)
def test_leftover_of_a_killed_process_is_completed_without_its_torn_line(tmp_path, left, kept):
    day = tmp_path / "2026-11-01"
    day.mkdir()
    leftover = day / ".gateway-120000-abc.jsonl"
    leftover.write_bytes(left)
    os.utime(leftover, (1, 1))
    completed = complete_leftovers(tmp_path)
    assert [(path.name, torn) for path, torn in completed] == (
        [("gateway-120000-abc.jsonl", len(left) - len(kept))] if kept else []
    )
    assert [path.read_bytes() for path in day.iterdir()] == ([kept] if kept else [])
    assert all(path.stat().st_mtime > time.time() - 60 for path in day.iterdir())
    assert complete_leftovers(tmp_path) == []


def test_segment_that_a_living_process_writes_and_files_of_others_are_left_alone(tmp_path):
    segment = Segment(tmp_path)
    segment.append(b"one\n", synced=False)
    (tmp_path / ".shipper.jsonl").write_bytes(b"theirs")
    before = names_in(tmp_path)
    assert complete_leftovers(tmp_path) == []
    assert names_in(tmp_path) == before
    segment.complete()


def test_new_segment_that_was_taken_for_a_leftover_before_it_was_locked_is_made_again(tmp_path, monkeypatch):
    flock = fcntl.flock

    def late(opened, kind):
        monkeypatch.undo()
        assert complete_leftovers(tmp_path) == []
        flock(opened, kind)

    monkeypatch.setattr("gateway.log_segments.fcntl.flock", late)
    segment = Segment(tmp_path)
    segment.append(b"one\n", synced=True)
    assert segment.path.read_bytes() == b"one\n"
    segment.complete()


def test_segments_that_are_complete_are_those_of_a_gateway_with_their_final_names(tmp_path):
    first, second = Segment(tmp_path), Segment(tmp_path)
    for segment in (first, second):
        segment.append(b"one\n", synced=False)
    assert complete_segments(tmp_path) == complete_segments(tmp_path / "none") == []
    first.complete()
    (first.path.parent / "other.jsonl").touch()
    assert [path.name for path in complete_segments(tmp_path)] == [first.path.name[1:]]
    second.complete()


def test_folder_of_no_log_yet_has_no_leftovers_and_has_room(tmp_path):
    assert complete_leftovers(tmp_path / "none") == []
    demand_room(tmp_path / "none")
    assert names_in(tmp_path) == []
