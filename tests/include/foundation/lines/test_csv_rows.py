"""Rows of a CSV file are records by the names in its header; what is no row, or is not there, is told."""

import gzip

import pytest

from include.foundation.lines.csv_rows import read_header, read_rows

TEXT = b'name,text\na,one\n\n"b","two\nlines"\nc\nd,\n'


def written(folder, raw, name="a.csv"):
    path = folder / name
    path.write_bytes(raw)
    return path


def rows(path):
    return [(row.number, row.record, [problem.code for problem in row.problems]) for row in read_rows(path)]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order-mark"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_rows_are_numbered_without_header_and_empty_lines_and_an_empty_cell_is_absent(tmp_path, mark, ending):
    raw = mark + TEXT
    path = written(tmp_path, gzip.compress(raw) if ending else raw, f"a.csv{ending}")
    assert read_header(path).names == ["name", "text"]
    assert rows(path) == [
        (1, {"name": "a", "text": "one"}, []),
        (2, {"name": "b", "text": "two\nlines"}, []),
        (3, None, ["not_csv"]),
        (4, {"name": "d"}, []),
    ]


def test_bytes_that_are_not_utf8_cost_their_row_only(tmp_path):
    path = written(tmp_path, b"name,text\na,caf\xe9\nb,two\n")
    assert rows(path) == [(1, None, ["not_utf8"]), (2, {"name": "b", "text": "two"}, [])]
    assert next(read_rows(path)).raw == r"a,caf\xe9"


def test_broken_quotes_cost_their_row_only(tmp_path):
    path = written(tmp_path, b'name,text\na,"x" y\nb,two\n')
    assert rows(path) == [(1, None, ["not_csv"]), (2, {"name": "b", "text": "two"}, [])]


@pytest.mark.parametrize("raw", [b"", b"\n \n"], ids=["empty", "blank"])
def test_file_without_a_header_has_no_names(tmp_path, raw):
    assert read_header(written(tmp_path, raw)).names == []
    assert rows(written(tmp_path, raw)) == [(None, None, ["not_csv"])]


@pytest.mark.parametrize(
    ("kept", "names", "last"), [(0.5, ["name", "text"], 100), (0, [], 0)], ids=["middle", "beginning"]
)
def test_compressed_file_that_breaks_off_says_after_which_row(tmp_path, kept, names, last):
    whole = gzip.compress(b"name,text\n" + b"".join(b"n%d,%d\n" % (n, n * 7919 % 10007) for n in range(5000)), mtime=0)
    path = written(tmp_path, whole[: int(len(whole) * kept)] or b"no archive", "a.csv.gz")
    assert read_header(path).names == names
    *before, end = read_rows(path)
    assert len(before) >= last
    assert (end.number, [problem.code for problem in end.problems]) == (None, ["cut_off"])
    assert f"breaks off after row {len(before)}: " in end.raw


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(b"name,text\ra,one\r", "old Macs", id="lone-carriage-returns"),
        pytest.param(b"sep=,\r\nname,text\r\n", "take it out", id="separator-line"),
        pytest.param(b"name;text\na;one\n", "separated by semicolons", id="semicolons"),
        pytest.param(b"name\ttext\na\tone\n", "separated by tabs", id="tabs"),
        pytest.param(
            b"name,text,name\na,one,b\n", "twice, or alike but for upper and lower case: name", id="name-twice"
        ),
        pytest.param(b"name,text,Name\na,one,b\n", "upper and lower case: Name, name", id="name-in-two-cases"),
        pytest.param(b"name,,text\na,one,b\n", "without a name", id="no-name"),
        pytest.param("name,text\na,one\n".encode("utf-16"), "save the file as UTF-8", id="utf-16"),
        pytest.param(b"caf\xe9,text\na,one\n", "save the file as UTF-8", id="latin-1"),
    ],
)
def test_file_whose_header_cannot_be_used_is_refused_as_one_in_plain_words(tmp_path, raw, reason):
    (row,) = read_rows(written(tmp_path, raw))
    assert (row.number, row.record, row.problems[0].code) == (None, None, "not_csv")
    assert reason in row.problems[0].reason


@pytest.mark.parametrize("raw", [b"name,text,\na,one,\n", b"name,text\na,one,\n", b" name , text\na,one\n"])
def test_commas_behind_the_last_cell_and_spaces_around_names_are_passed_over(tmp_path, raw):
    assert rows(written(tmp_path, raw)) == [(1, {"name": "a", "text": "one"}, [])]


def test_quote_that_is_not_closed_costs_its_line_only(tmp_path):
    path = written(tmp_path, b'name,text\na,"one\nb,two\n')
    assert rows(path) == [(1, None, ["not_csv"]), (2, {"name": "b", "text": "two"}, [])]
    assert next(read_rows(path)).raw == 'a,"one'


def test_quote_that_is_not_closed_before_a_file_breaks_off_costs_its_line_only(tmp_path):
    whole = gzip.compress(b'name,text\nn,"one\n' + b"".join(b"n%d,%d\n" % (n, n * 7919 % 10007) for n in range(5000)))
    *before, end = read_rows(written(tmp_path, whole[: len(whole) // 2], "a.csv.gz"))
    assert [row.number for row in before if row.problems] == [1]
    assert len(before) > 100
    assert f"breaks off after row {len(before)}: " in end.raw


def test_header_may_have_lines_and_what_is_no_row_is_no_header(tmp_path):
    assert read_header(written(tmp_path, b'name,"two\n\nlines", "text" \na,b,c\n')).names == [
        "name",
        "two\n\nlines",
        "text",
    ]
    (row,) = read_rows(written(tmp_path, b'name,"text\na,one\n'))
    assert (row.number, row.problems[0].reason) == (None, "the header is no row: a quote is not closed")


def test_line_of_white_space_before_the_header_is_passed_over(tmp_path):
    path = written(tmp_path, b"\n \nname,text\na,one\n")
    assert rows(path) == [(1, {"name": "a", "text": "one"}, [])]
    assert not read_header(path).is_first
    assert read_header(written(tmp_path, b"\n\r\nname,text\n")).is_first


def test_lone_carriage_return_within_a_row_costs_that_row_only(tmp_path):
    assert [codes for *_, codes in rows(written(tmp_path, b"name,text\r\na,one\rb,two\r\nc,three\r\n"))] == [
        ["not_csv"],
        [],
    ]
