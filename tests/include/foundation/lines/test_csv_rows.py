"""Rows of a CSV file are records by the names in its header; what is no row, or is not there, is told."""

import gzip

import pytest

from include.foundation.lines.csv_rows import header_of, read_rows

TEXT = b'name,text\na,one\n\n"b","two\nlines"\nc\nd,\n'


def written(folder, raw, name="a.csv"):
    path = folder / name
    path.write_bytes(raw)
    return path


def rows(path, **options):
    return [
        (row.number, row.record, [problem.code for problem in row.problems])
        for row in read_rows(path, header_of(path), **options)
    ]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order-mark"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_rows_are_numbered_without_header_and_empty_lines_and_an_empty_cell_is_absent(tmp_path, mark, ending):
    raw = mark + TEXT
    path = written(tmp_path, gzip.compress(raw) if ending else raw, f"a.csv{ending}")
    assert header_of(path) == ["name", "text"]
    assert rows(path) == [
        (1, {"name": "a", "text": "one"}, []),
        (2, {"name": "b", "text": "two\nlines"}, []),
        (3, None, ["not_csv"]),
        (4, {"name": "d"}, []),
    ]


def test_bytes_that_are_not_utf8_are_refused_or_marked_as_is_asked(tmp_path):
    path = written(tmp_path, b"name,text\na,caf\xe9\nb,two\n")
    assert rows(path) == [(1, None, ["not_utf8"]), (2, {"name": "b", "text": "two"}, [])]
    assert rows(path, undecodable="replace")[0] == (1, {"name": "a", "text": "caf\ufffd"}, [])


def test_broken_quotes_cost_their_row_only(tmp_path):
    path = written(tmp_path, b'name,text\na,"x" y\nb,two\n')
    assert rows(path) == [(1, None, ["not_csv"]), (2, {"name": "b", "text": "two"}, [])]


@pytest.mark.parametrize("raw", [b"", b"\n \n"], ids=["empty", "blank"])
def test_file_without_a_header_has_no_names(tmp_path, raw):
    assert header_of(written(tmp_path, raw)) == []


@pytest.mark.parametrize(
    ("kept", "names", "last"), [(0.5, ["name", "text"], 100), (0, [], 0)], ids=["middle", "beginning"]
)
def test_compressed_file_that_breaks_off_says_after_which_row(tmp_path, kept, names, last):
    whole = gzip.compress(b"name,text\n" + b"".join(b"n%d,%d\n" % (n, n * 7919 % 10007) for n in range(5000)), mtime=0)
    path = written(tmp_path, whole[: int(len(whole) * kept)] or b"no archive", "a.csv.gz")
    assert header_of(path) == names
    *before, end = read_rows(path, names)
    assert len(before) >= last
    assert (end.number, [problem.code for problem in end.problems]) == (None, ["cut_off"])
    assert f"breaks off after row {len(before)}: " in end.raw
