"""Cells are told apart as DuckDB does it, and what is no row takes no other with it."""

import io
from itertools import islice

import pytest

from include.foundation.lines import csv_cells
from include.foundation.lines.csv_cells import LONGEST_CELL, Row, rows_of
from include.foundation.lines.values import LONGEST_LINE


def read(text, width=None):
    return list(rows_of(io.StringIO(text, newline="\n"), width))


def parted(text, width):
    """Return the texts of rows, and of lines that are none."""
    rows = read(text, width)
    return [row.text for row in rows if not row.problem], [row.text for row in rows if row.problem]


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("1,a,", ["1", "a", ""]),
        ("1, a ,3", ["1", " a ", "3"]),
        ('1,"a",3', ["1", "a", "3"]),
        ('1, "a",3', ["1", "a", "3"]),
        ('1,"a"  ,3', ["1", "a", "3"]),
        (' "a,b" ', ["a,b"]),
        (' ","', [","]),
        ('1,  "a",3', ["1", '  "a"', "3"]),
        ('1,\t"a",3', ["1", '\t"a"', "3"]),
        ('1,a "b",3', ["1", 'a "b"', "3"]),
        ('1,"a ""b"" c",""', ["1", 'a "b" c', ""]),
        ('1,"a" "b",3', ["1", "a b", "3"]),
        ('"a" ""', ["a "]),
    ],
)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_blanks_around_quotes_are_dropped_and_quotes_within_text_are_text(line, cells, end):
    assert read(line + end) == [Row(cells, line)]


def test_quoted_cell_may_hold_lines_of_any_end():
    rows = read('1, "a\r\n\nb""\n" ,2\r\n\r\n3\n')
    assert [row.cells for row in rows] == [["1", 'a\r\n\nb"\n', "2"], ["3"]]


@pytest.mark.parametrize(
    ("text", "good", "broken"),
    [
        ('1,"a"x\n2,b\n', ["2,b"], ['1,"a"x']),
        ('1,"a\n2,b\n3,c\n', ["2,b", "3,c"], ['1,"a']),
        ('1,"a\n2,"b"\n3,c\n', ['2,"b"', "3,c"], ['1,"a']),
        ('1,"a1,"b"\n3,c\n', ["3,c"], ['1,"a1,"b"']),
        ('1,"a\n2,"b\nc"\n3,c\n', ['2,"b\nc"', "3,c"], ['1,"a']),
        ('1,2,"a\n3,c\n4,5\n', ["3,c", "4,5"], ['1,2,"a']),
        ('1,2,,"a\nb"\n3,c\n', ["3,c"], ['1,2,,"a', 'b"']),
        ('1,2,"",\n3,c\n', ['1,2,"",', "3,c"], []),
        ('1,a\rb\n3,"c\r\nd"\r\n', ['3,"c\r\nd"'], ["1,a\rb"]),
        ('1,"a', [], ['1,"a']),
    ],
)
def test_of_what_is_no_row_one_line_is_given_up(text, good, broken):
    assert parted(text, 2) == (good, broken)


def test_quote_that_is_not_closed_is_followed_no_further_than_a_cell_may_be_long(monkeypatch):
    """Of an endless file only so much is read, whatever its lines are."""
    monkeypatch.setattr(csv_cells, "LONGEST_CELL", 1000)
    taken = 0

    def endless():
        nonlocal taken
        yield '1,"a\n'
        while True:
            taken += 1
            yield "2,b\n"

    rows = rows_of(endless(), 2)
    assert next(rows).problem == "a quote is not closed"
    assert taken == 250
    assert [row.cells for row in islice(rows, 251)] == [["2", "b"]] * 251


@pytest.mark.parametrize("opening", ['a",b,"c\n', 'a"",,"\n', '"a\n', '","\n', ' "a" "\n'])
def test_line_is_looked_at_only_a_few_times_however_many_open_quotes(opening):
    """A row goes on for no more cells than there are columns."""
    looks = 0

    class Looked(str):
        def __len__(self):
            nonlocal looks
            looks += 1
            return super().__len__()

    count = 2000
    assert len(list(rows_of(iter([Looked(opening)] * count), 3))) <= count
    assert count < looks < 10 * count


def test_cell_of_a_million_characters_that_is_not_closed_costs_its_line_only():
    good, broken = parted('1,"' + "x" * 1_000_000 + "\n" + "2,b\n" * 100, 2)
    assert (good, len(broken)) == (["2,b"] * 100, 1)


@pytest.mark.parametrize("quote", ["", '"'])
def test_cells_and_rows_have_a_longest_length(quote):
    cell = f"{quote}{'x' * LONGEST_CELL}{quote}"
    assert [row.problem for row in read(f"{cell},{cell}\n", 2)] == [""]
    longer = f"1,{quote}x{cell.removeprefix(quote)}\n2,b\n"
    assert [row.problem for row in read(longer, 2)] == ["a cell has more than 2,000,000 characters", ""]
    many = ",".join([cell] * (LONGEST_LINE // LONGEST_CELL + 1))
    assert [row.problem for row in read(f"{many}\nb\n")] == [f"the row has more than {LONGEST_LINE:,} bytes", ""]
