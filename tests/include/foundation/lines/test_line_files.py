"""Lines of JSONL files: all of them, or some by their places, compressed or not."""

import gzip
import json
import zlib

import pytest

from include.foundation.errors import StoreError
from include.foundation.lines import line_files
from include.foundation.lines.file_bytes import decompress
from include.foundation.lines.line_files import picked_lines, read_lines


def written(folder, raw, name="a.jsonl"):
    path = folder / name
    path.write_bytes(gzip.compress(raw, mtime=0) if name.endswith(".gz") else raw)
    return path


def records(count):
    return [json.dumps({"n": number}).encode() for number in range(1, count + 1)]


def test_lines_keep_their_numbers_and_empty_ones_are_left_out(tmp_path):
    path = written(tmp_path, b'\xef\xbb\xbf{"n": 1}\r\n\n \n{"n": 4}\nnone\n{"n": 6}')
    lines = list(read_lines(path))
    assert [(line.number, line.record) for line in lines] == [(1, {"n": 1}), (4, {"n": 4}), (5, None), (6, {"n": 6})]
    assert [line.problems[0].code for line in lines if line.problems] == ["not_json"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
@pytest.mark.parametrize("gap", [b"", b"\n"], ids=["dense", "with-empty-lines"])
@pytest.mark.parametrize("places", [{1}, {50}, {2, 3, 49}, set(range(1, 51))], ids=["first", "last", "some", "all"])
def test_picked_lines_are_those_at_their_places_among_lines_that_are_not_empty(
    tmp_path, monkeypatch, name, gap, places
):
    monkeypatch.setattr(line_files, "BLOCK", 64)  # several blocks
    path = written(tmp_path, b"".join(record + b"\n" + gap for record in records(50)), name)
    assert {place: line.record for place, line in picked_lines(path, places, 50)} == {n: {"n": n} for n in places}


@pytest.mark.parametrize("damage", ["cut", "crc", "deflate"])
def test_damaged_file_gives_the_lines_before_and_says_where(tmp_path, damage):
    path = written(tmp_path, b"\n".join(records(20_000)), "a.jsonl.gz")
    raw = bytearray(path.read_bytes())
    if damage == "cut":
        del raw[len(raw) // 2 :]
    elif damage == "crc":
        raw[-8] ^= 0xFF
    else:
        raw[10] = 0b111  # a last block of a kind that there is not
        with pytest.raises(zlib.error):
            gzip.decompress(raw)
    path.write_bytes(raw)
    *before, end = read_lines(path)
    assert [line.record["n"] for line in before] == list(range(1, len(before) + 1))
    assert end.problems[0].code == "cut_off"
    assert f"after line {len(before)}: " in end.raw
    assert not decompress(path, tmp_path / "copy", 1 << 30)


@pytest.mark.parametrize("read", [read_lines, lambda path: picked_lines(path, {1}, 1)], ids=["all", "some"])
def test_file_that_has_gone_is_an_error_of_the_store(tmp_path, read):
    with pytest.raises(StoreError, match=r"gone\.jsonl: cannot be read"):
        list(read(tmp_path / "gone.jsonl"))
