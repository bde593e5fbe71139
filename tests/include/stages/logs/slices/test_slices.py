"""Slices cover a file: whatever the cuts, every line is in one of them, whole."""

import itertools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.foundation.digests import table_digest
from include.foundation.errors import StoreError
from include.foundation.lines.sources import Access, LogFile, files_and_others
from include.stages.logs.pulling import pull_logs
from include.stages.logs.slices.file_slices import Slice, cut_up, edges, partitions, without_unfinished_line
from include.stages.logs.slices.unread_slices import edges_of
from tests.builders import DAY, KEY, day, line, make_store, write_lines
from tests.include.stages.logs.log_builders import slice_of

texts = st.lists(st.binary(max_size=9).map(lambda raw: raw.replace(b"\n", b"")), max_size=12).map(b"\n".join)


def lines_of(part):
    return b"".join(part._lines(Access()))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts, st.booleans(), st.lists(st.integers(0, 130), max_size=6), st.integers(1, 7))
def test_slices_at_any_cuts_are_the_file_line_by_line(tmp_path, monkeypatch, text, ended, cuts, block):
    monkeypatch.setattr("include.foundation.store.objects.object_store.BLOCK", block)
    raw = text + b"\n" if ended and text else text
    path = tmp_path / "log.jsonl"
    path.write_bytes(raw)
    bounds = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    found = [lines_of(slice_of(path, low, high)) for low, high in itertools.pairwise(bounds)]
    assert b"".join(found) == raw
    assert all(part.endswith(b"\n") for part in found if part and not raw.endswith(part))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts, st.data())
def test_slice_holds_the_lines_that_begin_in_it(tmp_path, text, data):
    path = tmp_path / "log.jsonl"
    path.write_bytes(text)
    low = data.draw(st.integers(0, len(text)))
    high = data.draw(st.integers(low, len(text)))
    starts, place = [], 0
    for raw in text.splitlines(keepends=True) if b"\r" not in text else []:
        starts.append((place, raw))
        place += len(raw)
    if b"\r" not in text and low < high:
        wanted = b"".join(raw for start, raw in starts if low <= start < high)
        assert lines_of(slice_of(path, low, high)) == wanted


def test_every_size_of_slices_gives_the_rows_of_the_whole(tmp_path, monkeypatch):
    lines = [line(n) for n in range(6)] + ["broken", line(7, ts="2026-03-10T03")]
    tables = set()
    for size in (1 << 20, 1000, 400, 120):
        folder = tmp_path / str(size)
        folder.mkdir()
        store = make_store(folder)
        write_lines(folder, lines)
        target = "include.stages.logs.slices.unread_slices.cut_up"
        monkeypatch.setattr(target, lambda file, gaps, _, size=size: cut_up(file, gaps, size))
        report = pull_logs(store, day(), KEY)
        assert (report.rows, report.refused, report.files) == (7, 1, 1)
        tables.add(table_digest(store.read("predictions")))
    assert len(tables) == 1


def test_slice_of_a_local_file_that_is_whole_is_the_file_itself(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"1\n2\n")
    with slice_of(path).opened(Access()) as opened:
        assert opened == path
    with slice_of(path).opened(Access(), copied=True) as opened:
        assert opened != path
        assert opened.read_bytes() == b"1\n2\n"
    assert not opened.exists()


@pytest.mark.parametrize("name", ["a[1].jsonl", "b*.jsonl", "c?.jsonl", "d{1}.jsonl", "it's.jsonl", "e%20é.jsonl"])
def test_file_with_any_name_is_read_and_no_other(tmp_path, name):
    store = make_store(tmp_path)
    write_lines(tmp_path, [line(1)], name)
    write_lines(tmp_path, [line(2)], "a1.jsonl")
    assert pull_logs(store, day(), KEY).rows == 2
    assert sorted(store.read("predictions").column("source").to_pylist()) == sorted([name, "a1.jsonl"])


def test_file_that_is_appended_to_while_it_is_read_gives_the_lines_that_were_listed(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"1\n2\n")
    part = slice_of(path)
    with path.open("ab") as opened:
        opened.write(b"3\n")
    assert not part.is_unchanged()
    with part.opened(Access(), copied=True) as copy:
        assert copy.read_bytes() == b"1\n2\n"


@pytest.mark.parametrize("start", [0, 2], ids=["whole", "end"])
def test_file_that_vanished_is_an_error_that_asks_for_another_plan(tmp_path, start):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"1\n2\n")
    part = slice_of(path, start)
    path.unlink()
    assert not part.is_unchanged()
    with (
        pytest.raises(StoreError, match=r"log\.jsonl: has gone since it was listed; plan the pull again"),
        part.opened(Access()),
    ):
        pass


def test_slice_survives_json(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"1\n2\n")
    part = slice_of(path, 1, 3)
    assert Slice.from_json(json.loads(json.dumps(part.to_json()))) == part


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        pytest.param(b'{"a": 1}\n{"b": 2}\n', 18, id="ended"),
        pytest.param(b'{"a": 1}\n{"b": 2}', 17, id="whole-json-without-end"),
        pytest.param(b'{"a": 1}\n{"b": ', 9, id="being-written"),
        pytest.param(b'{"b": ', 0, id="only-line-being-written"),
        pytest.param(b"", 0, id="empty"),
    ],
)
def test_last_line_that_is_being_written_is_left_for_later(tmp_path, raw, kept):
    path = tmp_path / "log.jsonl"
    path.write_bytes(raw)
    assert without_unfinished_line(slice_of(path), Access()).end == kept


def test_compressed_file_is_never_cut(tmp_path):
    file = LogFile("a.jsonl.gz", str(tmp_path / "a.jsonl.gz"), DAY, 100)
    assert [(part.start, part.end) for part in cut_up(file, [(0, 100)], 10)] == [(0, 100)]
    assert edges(file, 100, Access()) is None


@settings(deadline=None)
@given(st.lists(st.integers(0, 5000), max_size=40), st.integers(1, 3000), st.booleans())
def test_partitions_keep_every_slice_in_order_and_are_no_larger_than_asked(sizes, size, packed):
    name = "a.jsonl.gz" if packed else "a.jsonl"
    parts = [Slice(LogFile(f"{n}{name}", "/logs", DAY, found), 0, found) for n, found in enumerate(sizes)]
    groups = partitions(parts, size)
    assert [part for group in groups for part in group] == parts
    bound = max(size, sum(part.weight for part in parts) // 500)  # larger where there would be too many
    assert all(len(group) == 1 or sum(part.weight for part in group) <= bound for group in groups if group)


def test_partitions_stay_below_what_airflow_maps_over():
    parts = [Slice(LogFile(f"{n}.jsonl", "/logs", DAY, 100), 0, 100) for n in range(5000)]
    assert len(partitions(parts, 1)) <= 1000


def test_edges_differ_where_the_beginning_or_the_end_before_a_place_differs(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"x" * 200_000)
    seen = edges(slice_of(path).file, 150_000, Access())
    for place, same in ((0, False), (100_000, False), (149_999, False), (150_000, True), (199_999, True)):
        raw = bytearray(b"x" * 200_000)
        raw[place] = ord("y")
        path.write_bytes(raw)
        assert (edges(slice_of(path).file, 150_000, Access()) == seen) is same


def test_edges_are_those_of_what_was_listed_while_the_file_was_at_most_appended_to(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("{}\n{}\n")
    (file,), _ = files_and_others(str(tmp_path), "jsonl", {})
    listed = Slice(file, 0, file.size)
    before = edges_of(listed, Access())
    assert before is not None
    path.write_text("{}\n{}\n{}\n")
    assert edges_of(listed, Access()) == before
    path.write_text("{}\n")
    assert edges_of(listed, Access()) is None
    path.unlink()
    assert edges_of(listed, Access()) is None
