"""A file is read once, and what was appended to it once; whatever happens to files, no row doubles and none is lost."""

import gzip
import itertools
import json
import os
from datetime import timedelta

import pytest

from include.foundation.digests import table_digest
from include.foundation.lines.sources import Access, LogFile
from include.stages.logs.pulling import pull_logs
from include.stages.logs.slices.read_ledger import Counts, Entry, note_read
from include.stages.logs.slices.unread_slices import edges_of, unread_slices
from tests.builders import DAY, KEY, day, line, make_store, write_lines
from tests.include.stages.logs.log_builders import make_pull, slice_of


@pytest.fixture
def read(monkeypatch):
    """Byte ranges that were handed to the scan, by file, in order."""
    from include.stages.logs.landing.staging import Staging

    read, real = [], Staging.read

    def spy(self, slices):
        read.extend((part.file.name, part.start, part.end) for part in slices)
        return real(self, slices)

    monkeypatch.setattr(Staging, "read", spy)
    return read


def traces(store):
    return sorted(store.read("predictions").column("trace_id").to_pylist())


def touch(path, minutes):
    moment = (DAY + timedelta(days=2, minutes=minutes)).timestamp()
    os.utime(path, (moment, moment))


def append(path, lines):
    with path.open("a") as opened:
        opened.writelines(json.dumps(item) + "\n" for item in lines)


def note(store, part):
    """Note that a slice was read, and nothing else."""
    note_read(store, [Entry.of_slice(make_pull(store), part, edges_of(part, Access()), Counts())])


def test_file_is_read_once_however_often_it_is_pulled(tmp_path, read):
    store = make_store(tmp_path)
    path = write_lines(tmp_path, [line(1), "broken"])
    for number in (0, 0, 1, 2):
        pull_logs(store, day(number), KEY)
    assert read == [("log.jsonl", 0, path.stat().st_size)]


def test_of_a_file_that_grows_again_and_again_only_what_is_new_is_read(tmp_path, read):
    store = make_store(tmp_path)
    path = write_lines(tmp_path, [line(0), line(1)])
    sizes = [0]
    for number in range(4):
        touch(path, number)
        sizes.append(path.stat().st_size)
        pull_logs(store, day(), KEY)
        pull_logs(store, day(), KEY)
        append(path, [line(2 + number)])
    assert [part[1:] for part in read] == list(itertools.pairwise(sizes))
    assert traces(store) == ["t0", "t1", "t2", "t3", "t4"]


def test_file_that_was_only_touched_is_not_read_again(tmp_path, read):
    store = make_store(tmp_path)
    path = write_lines(tmp_path, [line(1)])
    pull_logs(store, day(), KEY)
    touch(path, 5)
    pull_logs(store, day(), KEY)
    assert len(read) == 1


@pytest.mark.parametrize("change", ["same-size", "shorter", "longer", "replaced"])
def test_file_that_was_rewritten_is_read_anew_and_nothing_doubles(tmp_path, read, change):
    store = make_store(tmp_path)
    path = write_lines(tmp_path, [line(1), line(2)])
    touch(path, 1)
    pull_logs(store, day(), KEY)
    lines = {
        "same-size": [line(1), line(3)],
        "shorter": [line(2)],
        "longer": [line(3), line(1), line(2)],
        "replaced": [line(7)],
    }
    if change == "replaced":
        path.unlink()
    write_lines(tmp_path, lines[change])
    touch(path, 2)
    report = pull_logs(store, day(), KEY)
    assert read[1] == ("log.jsonl", 0, path.stat().st_size)
    assert traces(store) == sorted({"t1", "t2"} | {item["trace_id"] for item in lines[change]})
    assert report.refused == report.duplicates == 0


def test_line_that_was_corrected_in_its_file_replaces_its_row(tmp_path):
    store = make_store(tmp_path)
    path = write_lines(tmp_path, [line(1, prediction="earn"), line(2)])
    touch(path, 1)
    pull_logs(store, day(), KEY)
    write_lines(tmp_path, [line(1, prediction="acq"), line(2)])
    touch(path, 2)
    pull_logs(store, day(), KEY)
    assert store.read("predictions").column("predicted").to_pylist()[0] == "acq"
    assert traces(store) == ["t1", "t2"]
    assert store.read("quarantine").num_rows == 0


def test_line_appended_with_a_used_trace_id_is_a_repeat_and_corrects_nothing(tmp_path):
    """It is the same as if both had been there at once: one stays, the other is in quarantine."""
    both = [line(1, prediction="earn"), line(1, prediction="acq")]
    found = []
    for name, order in (("once", both), ("grown", both), ("reversed", both[::-1])):
        folder = tmp_path / name
        folder.mkdir()
        store = make_store(folder)
        path = write_lines(folder, order if name == "once" else order[:1])
        touch(path, 1)
        pull_logs(store, day(), KEY)
        if name != "once":
            append(path, order[1:])
            touch(path, 2)
            pull_logs(store, day(), KEY)
        assert store.read("quarantine").column("reason_code").to_pylist() == ["repeated_trace_id"]
        found.append(table_digest(store.read("predictions")))
    assert len(set(found)) == 1


def test_file_that_is_copied_gives_duplicates_only_and_they_are_counted(tmp_path):
    store = make_store(tmp_path)
    write_lines(tmp_path, [line(n) for n in range(5)])
    pull_logs(store, day(), KEY)
    write_lines(tmp_path, [line(n) for n in range(5)], "copy.jsonl")
    report = pull_logs(store, day(), KEY)
    assert (report.rows, report.duplicates, report.refused, report.files) == (5, 5, 0, 2)


def test_compressed_file_that_grew_is_read_anew_without_doubling_rows(tmp_path, read):
    store = make_store(tmp_path)
    path = tmp_path / "logs" / "a.jsonl.gz"
    for count in (2, 3):
        path.write_bytes(gzip.compress("".join(json.dumps(line(n)) + "\n" for n in range(count)).encode(), mtime=0))
        touch(path, count)
        report = pull_logs(store, day(), KEY)
        pull_logs(store, day(), KEY)
    assert len(read) == 2
    assert (report.rows, report.duplicates, report.refused) == (3, 0, 0)


def test_new_segment_in_the_loop_file_makes_files_be_read_anew_and_replaces_rows(tmp_path, read):
    lines = [line(n, segments={"desk": "eu", "lang": "en"}) for n in range(3)]
    write_lines(tmp_path, lines)
    pull_logs(make_store(tmp_path), day(), KEY)
    store = make_store(tmp_path, segments=["desk", "lang"])
    assert pull_logs(store, day(), KEY).rows == 3
    assert store.read("predictions").column("segment_lang").to_pylist() == ["en"] * 3
    assert store.read("quarantine").num_rows == 0
    assert len(read) == 2


def test_new_class_lets_lines_in_that_were_refused(tmp_path):
    write_lines(tmp_path, [line(1), line(2, prediction="ship", probabilities=None)])
    assert pull_logs(make_store(tmp_path), day(), KEY).rows == 1
    store = make_store(tmp_path, task={"classes": ["earn", "acq", "grain", "ship"]})
    assert pull_logs(store, day(), KEY).rows == 2
    assert store.read("predictions").column("probabilities").to_pylist() == [[0.3, 0.6, 0.1, 0.0], None]


def test_empty_file_is_no_line(tmp_path):
    store = make_store(tmp_path)
    path = write_lines(tmp_path, [])
    assert pull_logs(store, day(), KEY).rows == 0
    append(path, [line(1)])
    assert pull_logs(store, day(), KEY).rows == 1


def test_killed_pull_of_a_grown_file_reads_what_is_missing_and_nothing_else(tmp_path):
    """Of the two slices that were appended the first was noted: only the second is left."""
    store, path = make_store(tmp_path), write_lines(tmp_path, [line(1)])
    middle = path.stat().st_size
    note(store, slice_of(path))
    append(path, [line(2), line(3)])
    touch(path, 9)
    end = path.stat().st_size
    note(store, slice_of(path, middle, middle + 9))
    files: list[LogFile] = [slice_of(path).file]
    left = unread_slices(make_pull(store), files, DAY)
    assert [(part.start, part.end) for part in left] == [(middle + 9, end)]


def test_slice_that_a_killed_pull_left_out_is_read_although_the_file_grew(tmp_path):
    """The second slice of the file was noted, the first was not: its end alone does not tell that all before was read."""
    store, path = make_store(tmp_path), write_lines(tmp_path, [line(1), line(2)])
    note(store, slice_of(path, 20))
    append(path, [line(3)])
    touch(path, 9)
    left = unread_slices(make_pull(store), [slice_of(path).file], DAY)
    assert left[0].start == 0
