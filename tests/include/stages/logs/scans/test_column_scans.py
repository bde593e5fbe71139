"""DuckDB and the careful reader make the same of every CSV file, however odd its cells are."""

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, example, given, settings

from tests.builders import make_loop
from tests.include.stages.logs.log_builders import outcome

HEADER = "trace_id,ts,model_version,prediction,input.text,user_id,segments\n"
GOOD = ["t1", "2026-03-10T03:00:00Z", "1", "earn", "hello", "u1", ""]
CELLS = [
    "t2", "1.0", "grain", "NaN", " ", "", '""', '"a""b"', '"a,b"', '"x\ny"', '"a\rb"', 'a"b', '"open', ' "', "{}", "x\x00", "é",
    ' "a"', '"a" ', ' "a,b"', '"a"x', '  "a"', '"a" "b"', "a\rb", "\r", '"x\r\ny"',
    '"{""desk"": 7.0}"', '"{""desk"": 1.10}"', '"{""desk"": ""eu""}"', "'", "\t", "\u2028",
]  # fmt: skip
cells = st.sampled_from(CELLS) | st.text('ab,"\n; {}1.e', max_size=5)
one_odd = st.tuples(st.integers(0, len(GOOD) - 1), cells).map(
    lambda odd: [odd[1] if place == odd[0] else cell for place, cell in enumerate(GOOD)]
)
rows = st.just(GOOD) | one_odd | one_odd | st.lists(cells, max_size=9) | st.just([*GOOD, ""]) | st.just([*GOOD, "", ""])


def taken(found):
    return sorted(row for row in found[0].values() if row.startswith("row"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(rows, max_size=6), st.sampled_from(["\n", "\r\n"]))
@example([[' "', *GOOD[1:]], GOOD], "\n")
@example([[' "', '"'], GOOD], "\n")
@example([GOOD, ['"open', *GOOD[1:]], GOOD], "\n")
@example([[*GOOD, ""], [*GOOD, "", ""], GOOD[:-1]], "\r\n")
def test_rows_of_a_csv_are_read_alike(tmp_path_factory, drawn, end):
    folder = tmp_path_factory.mktemp("csv")
    path = folder / "a.csv"
    path.write_bytes((HEADER + "".join(",".join(row) + end for row in drawn)).encode())
    loop = make_loop(folder, logs={"format": "csv"})
    scanned, careful = outcome(loop, path), outcome(loop, path, careful=True)
    assert taken(scanned) == taken(careful)
    assert scanned[1] == careful[1]  # so there are as many refusals, too


def written(folder, lines):
    path = folder / "a.csv"
    path.write_bytes(HEADER.encode() + b"".join(line if isinstance(line, bytes) else line.encode() for line in lines))
    return path


@pytest.mark.parametrize("careful", [False, True], ids=["scanned", "careful"])
@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (' "a,b"', "a,b"),
        ('"a"  ', "a"),
        (' "a\nb" ', "a\nb"),
        (' "a ""b"""', 'a "b"'),
        ('  "a"', '  "a"'),
        ('5" nail', '5" nail'),
    ],
)
def test_blanks_around_quotes_are_no_part_of_a_cell(tmp_path, cell, text, careful):
    path = written(tmp_path, [",".join([*GOOD[:4], cell, *GOOD[5:]]) + "\n"])
    (row,) = taken(outcome(make_loop(tmp_path, logs={"format": "csv"}), path, careful=careful))
    assert f"'input_text': {text!r}" in row


@pytest.mark.parametrize("careful", [False, True], ids=["scanned", "careful"])
@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("t2,2026-03-10T03:00:00Z,1\n", ("not_csv", "got 3 cells, expected 7")),
        ('t2,"a\nb"\n', ("not_csv", "got 2 cells, expected 7")),
        ('t2,"a" b,1,earn,hello,u1,\n', ("not_csv", "text follows a closing quote")),
        (b"t2,2026-03-10T03:00:00Z,1,earn,caf\xe9,u1,\n", ("not_utf8", "a cell is not UTF-8")),
        (",\rt2,2026-03-10T03:00:00Z,1,earn,hello\n", ("not_csv", "a carriage return is not the end of the line")),
    ],
)
def test_reason_is_the_same_whoever_reads_the_row(tmp_path, line, problem, careful):
    path = written(tmp_path, [",".join(GOOD) + "\n", line, ",".join(["t3", *GOOD[1:]]) + "\n"])
    found = outcome(make_loop(tmp_path, logs={"format": "csv"}), path, careful=careful)
    assert len(taken(found)) == 2
    assert any(str(problem) in one for one in found[0].values())


def test_line_of_white_space_before_the_header_is_not_taken_for_it(tmp_path):
    path = written(tmp_path, [",".join(GOOD) + "\n"])
    path.write_bytes(b" \n" + path.read_bytes())
    found = outcome(make_loop(tmp_path, logs={"format": "csv"}), path)
    assert (len(taken(found)), found[1]) == (1, 1)
