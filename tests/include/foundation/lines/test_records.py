"""Records of a file are told apart by its name, and numbered from 1, whatever its format."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.foundation.errors import StoreError
from include.foundation.lines.records import records

ROWS = [{"id": "a", "n": 1}, {"id": "b", "n": 2}, {"id": "c", "n": 3}]


def written(folder, name):
    path = folder / name
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=2)
    elif name.endswith(".csv"):
        path.write_text("id,n\n" + "".join(f"{row['id']},{row['n']}\n" for row in ROWS))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def codes(path):
    return [(line.number, [problem.code for problem in line.problems]) for line in records(path)]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet", "a"])
def test_records_are_numbered_from_one_in_every_format(tmp_path, name):
    read = list(records(written(tmp_path, name)))
    assert [line.number for line in read] == [1, 2, 3]
    assert [line.record["id"] for line in read if line.record] == ["a", "b", "c"]
    assert not any(line.problems for line in read)


def test_file_that_is_no_parquet_or_has_a_column_twice_is_one_line_that_says_so(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1")
    assert codes(path) == [(None, ["not_parquet"])]
    pq.write_table(pa.table([[1], [2]], names=["id", "Id"]), path)
    assert codes(path) == [(None, ["not_parquet"])]


def test_parquet_that_is_damaged_in_a_later_group_gives_the_rows_before_and_says_where(tmp_path):
    path = written(tmp_path, "a.parquet")
    second = pq.ParquetFile(path).metadata.row_group(1).column(0)
    begin = second.dictionary_page_offset or second.data_page_offset
    raw = bytearray(path.read_bytes())
    raw[begin : begin + second.total_compressed_size] = b"\xff" * second.total_compressed_size
    path.write_bytes(raw)
    *before, end = records(path)
    assert [line.number for line in before] == [1, 2]
    assert [problem.code for problem in end.problems] == ["cut_off"]
    assert "after row 2: " in end.raw


def test_keys_and_values_that_json_does_not_know_are_read_as_text(tmp_path):
    path = tmp_path / "a.parquet"
    number = pa.array([[(1, "one"), (1, "uno")]], pa.map_(pa.int64(), pa.string()))
    pq.write_table(pa.table({"numbers": number, "text": ["é"]}), path)
    (line,) = records(path)
    assert line.record == {"numbers": {"1": "uno"}, "text": "é"}
    assert "é" in line.raw


def test_parquet_that_has_gone_is_an_error_of_the_store(tmp_path):
    with pytest.raises(StoreError, match="cannot be read"):
        list(records(tmp_path / "gone.parquet"))


def damaged_parquet(path, old):
    """Write two rows, and spoil the first byte of a text wherever it is."""
    rows = {"user_id": ["u1", "u2"], "value": [{"text": "hello", "list": ["many"]}, {"text": "fine", "list": []}]}
    pq.write_table(pa.table(rows), path, use_dictionary=False, write_statistics=False)
    path.write_bytes(path.read_bytes().replace(old, b"\x80" + old[1:]))
    return list(records(path))


@pytest.mark.parametrize("text", [b"u1", b"hello", b"many"])
def test_row_of_parquet_with_a_text_that_is_not_utf8_is_refused_alone(tmp_path, text):
    bad, good = damaged_parquet(tmp_path / "a.parquet", text)
    assert (bad.number, bad.record, [problem.code for problem in bad.problems]) == (1, None, ["not_utf8"])
    assert "\\\\x80" + text[1:].decode() in bad.raw
    assert (good.number, good.record["user_id"], good.problems) == (2, "u2", [])


@pytest.mark.parametrize("name", [b"user_id", b"text"])
def test_parquet_with_a_name_that_is_not_utf8_is_refused_as_one(tmp_path, name):
    (line,) = damaged_parquet(tmp_path / "a.parquet", name)
    assert [problem.code for problem in line.problems] == ["not_parquet"]
    assert "name is not UTF-8" in line.raw
