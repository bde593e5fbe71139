"""Files scanned as one: every line that is not empty keeps its file and its number there."""

from datetime import UTC, datetime

import pytest

from include.foundation.lines.sources import LogFile
from include.stages.logs.slices.file_slices import EXPANSION, Slice
from include.stages.logs.slices.local_lines import JOINED, MOST_JOINED, SMALL, FileLines, grouped, joined

LATEST = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n", b"{}", b"{}\n", b"{}\n{}", b"{}\n{}\n", b"{}\n\n{}\n", b"\n{}\n", b"{}\n \n{}", b"{}\r\n{}\r\n", b"x\n{}",
        b"{}\nx\n\n", b"\xef\xbb\xbf{}\n{}\n", b"\xef\xbb\xbf", b" {}\n{}", b"{}\n\x0b\n{}",
    ],
)  # fmt: skip
def test_places_are_those_of_the_lines_that_are_not_empty(tmp_path, data):
    parts = [FileLines(tmp_path / str(number), number, LATEST) for number in range(3)]
    for (path, _, _), content in zip(parts, (b'{"a": 1}\n', data, b'{"b": 2}'), strict=True):
        path.write_bytes(content)
    with joined(parts) as (together, places):
        lines = [line for line in together.read_bytes().split(b"\n") if line and not line.isspace()]
    count = sum(1 for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line and not line.isspace())
    assert places.column("part").to_pylist() == [0, *[1] * count, 2]
    assert places.column("number").to_pylist() == [1, *range(1, count + 1), 1]
    assert len(lines) == places.num_rows + 1
    assert (lines[0], lines[-2], lines[-1]) == (b'{"a": 1}', b'{"b": 2}', b"{}")
    assert set(places.column("latest").to_pylist()) == {LATEST}


def groups(*files):
    slices = [Slice(LogFile(name, name, LATEST, size), 0, size) for name, size in files]
    return [[file_slice.file.name for file_slice in group] for group in grouped(slices)]


def test_only_small_files_of_json_lines_are_joined_in_their_order():
    compressed = SMALL // EXPANSION
    assert groups(("a.jsonl", SMALL), ("b.jsonl.gz", compressed), ("c.jsonl", SMALL + 1), ("d.jsonl", 1)) == [
        ["a.jsonl", "b.jsonl.gz"], ["c.jsonl"], ["d.jsonl"],
    ]  # fmt: skip
    assert groups(("a.jsonl.gz", compressed + 1), ("b.csv", 1), ("c.csv", 1)) == [["a.jsonl.gz"], ["b.csv"], ["c.csv"]]
    assert groups() == []


@pytest.mark.parametrize(("size", "most"), [(SMALL, JOINED // SMALL), (1, MOST_JOINED)], ids=["bytes", "files"])
def test_joined_files_are_bounded(size, most):
    assert [len(group) for group in groups(*[("a.jsonl", size)] * (2 * most + 1))] == [most, most, 1]
