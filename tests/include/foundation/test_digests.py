"""A dataset's identity covers every cell."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from include.foundation.digests import digest_of, row_digests, table_digest

TABLE = pa.table({"id": [1, 2, 3], "text": ["a", None, "c"], "score": [0.1, 0.2, float("nan")]})


def test_digest_ignores_the_order_of_rows_and_columns():
    shuffled = TABLE.take(pa.array([2, 0, 1])).select(["score", "text", "id"])
    assert table_digest(shuffled) == table_digest(TABLE)


@given(st.integers(0, 2), st.sampled_from(["id", "text", "score"]))
def test_digest_changes_with_any_cell(row, column):
    values = TABLE.column(column).to_pylist()
    values[row] = {"id": 99, "text": "other", "score": 0.5}[column]
    place = TABLE.column_names.index(column)
    assert table_digest(
        TABLE.set_column(place, column, pa.array(values, TABLE.schema.field(column).type))
    ) != table_digest(TABLE)


def test_digest_changes_with_a_type_a_name_a_repeated_row_and_null_against_text():
    assert table_digest(TABLE.rename_columns(["id", "words", "score"])) != table_digest(TABLE)
    assert table_digest(TABLE.set_column(0, "id", pa.array([1, 2, 3], pa.int32()))) != table_digest(TABLE)
    assert table_digest(pa.concat_tables([TABLE, TABLE.slice(0, 1)])) != table_digest(TABLE)
    assert table_digest(pa.table({"a": [None]}, schema=pa.schema([("a", pa.string())]))) != table_digest(
        pa.table({"a": ["null"]})
    )


def test_digest_sees_the_last_of_many_rows():
    """Digests that read only the head of a table miss what changes behind it."""
    labels = ["x"] * 20_000
    assert table_digest(pa.table({"a": labels})) != table_digest(pa.table({"a": [*labels[:-1], "y"]}))


def test_digest_of_an_empty_table_and_parts_that_run_together_differ():
    assert table_digest(TABLE.slice(0, 0)) != table_digest(TABLE)
    assert digest_of("ab", "c") != digest_of("a", "bc")
    assert row_digests(TABLE, []) == []
