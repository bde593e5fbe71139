"""A dataset's identity covers every cell."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.foundation.digests import column_digest, digest_of, row_digests, table_digest

TABLE = pa.table({"id": [1, 2, 3], "text": ["a", None, "c"], "score": [0.1, 0.2, float("nan")]})


@pytest.fixture(params=[table_digest, column_digest])
def digest(request):
    return request.param


def test_digest_ignores_the_order_of_rows_and_columns(digest):
    shuffled = TABLE.take(pa.array([2, 0, 1])).select(["score", "text", "id"])
    assert digest(shuffled) == digest(TABLE)


@pytest.mark.parametrize("digest", [table_digest, column_digest])
@given(st.integers(0, 2), st.sampled_from(["id", "text", "score"]))
def test_digest_changes_with_any_cell(digest, row, column):
    values = TABLE.column(column).to_pylist()
    values[row] = {"id": 99, "text": "other", "score": 0.5}[column]
    place = TABLE.column_names.index(column)
    assert digest(TABLE.set_column(place, column, pa.array(values, TABLE.schema.field(column).type))) != digest(TABLE)


def test_digest_changes_with_a_type_a_name_a_repeated_row_and_null_against_text(digest):
    assert digest(TABLE.rename_columns(["id", "words", "score"])) != digest(TABLE)
    assert digest(TABLE.set_column(0, "id", pa.array([1, 2, 3], pa.int32()))) != digest(TABLE)
    assert digest(pa.concat_tables([TABLE, TABLE.slice(0, 1)])) != digest(TABLE)
    assert digest(pa.table({"a": [None]}, schema=pa.schema([("a", pa.string())]))) != digest(pa.table({"a": ["null"]}))


def test_digest_sees_the_last_of_many_rows(digest):
    """Digests that read only the head of a table miss what changes behind it."""
    labels = ["x"] * 20_000
    assert digest(pa.table({"a": labels})) != digest(pa.table({"a": [*labels[:-1], "y"]}))


def test_digest_of_an_empty_table_and_parts_that_run_together_differ(digest):
    assert digest(TABLE.slice(0, 0)) != digest(TABLE)
    assert digest_of("ab", "c") != digest_of("a", "bc")
    assert row_digests(TABLE, []) == []


def column_of(values, kind):
    return pa.table({"id": list(range(len(values))), "a": pa.array(values, kind)})


LISTS, MOMENT = pa.list_(pa.float64()), pa.timestamp("us", tz="UTC")
NEAR = [
    (["ab", "c"], ["a", "bc"], pa.string()),
    (["ab", ""], ["ab", None], pa.string()),
    ([[1.0], [2.0, 3.0]], [[1.0, 2.0], [3.0]], LISTS),
    ([[1.0], []], [[1.0], None], LISTS),
    ([[1.0], [None]], [[1.0], [0.0]], LISTS),
    ([True, False], [True, None], pa.bool_()),
    ([0, 1], [None, 1], pa.int64()),
    ([0, 1], [0, None], MOMENT),
]


@pytest.mark.parametrize(("one", "other", "kind"), NEAR)
def test_digest_tells_columns_apart_that_hold_the_same_bytes(digest, one, other, kind):
    assert digest(column_of(one, kind)) != digest(column_of(other, kind))


@pytest.mark.parametrize(("values", "kind"), [(one, kind) for one, _, kind in NEAR])
def test_digest_does_not_depend_on_where_values_lie(digest, values, kind):
    whole = column_of(values * 9, kind)
    chunks = pa.concat_tables([whole.slice(0, 5), whole.slice(5, 1), whole.slice(6)])
    padded = pa.concat_tables([column_of(values, kind), whole]).combine_chunks().slice(len(values))
    assert digest(chunks) == digest(padded) == digest(whole)


def test_digest_of_columns_stays_what_it_is():
    """Stored datasets are named by it: another one would orphan them."""
    table = pa.table({
        "text": ["a", None, "\u00fc"], "n": [1, None, 3], "x": [0.5, 1.5, None], "is": [True, None, False],
        "list": pa.array([[1.0], None, []], LISTS), "ts": pa.array([0, 1, None], MOMENT),
    })  # fmt: skip
    assert column_digest(table) == "0f18fcba34fd11c515aa703e186dde954e9ef2a20f03068f6046c40eb7cb07cd"
