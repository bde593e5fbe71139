"""DuckDB and the careful reader make the same of every CSV file, however odd its cells are."""

import hypothesis.strategies as st
from hypothesis import HealthCheck, example, given, settings

from tests.builders import make_loop
from tests.include.stages.logs.log_builders import outcome

HEADER = "trace_id,ts,model_version,prediction,input.text,user_id,segments\n"
GOOD = ["t1", "2026-03-10T03:00:00Z", "1", "earn", "hello", "u1", ""]
CELLS = [
    "t2", "1.0", "grain", "NaN", " ", "", '""', '"a""b"', '"a,b"', '"x\ny"', '"a\rb"', 'a"b', '"open', ' "', "{}", "x\x00", "é",
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
@example([GOOD, ['"open', *GOOD[1:]], GOOD], "\n")
@example([[*GOOD, ""], [*GOOD, "", ""], GOOD[:-1]], "\r\n")
def test_rows_of_a_csv_are_read_alike(tmp_path_factory, drawn, end):
    folder = tmp_path_factory.mktemp("csv")
    path = folder / "a.csv"
    path.write_bytes((HEADER + "".join(",".join(row) + end for row in drawn)).encode())
    loop = make_loop(folder, logs={"format": "csv"})
    scanned, careful = outcome(loop, path), outcome(loop, path, careful=True)
    assert taken(scanned) == taken(careful)
    assert scanned[1] == careful[1]
