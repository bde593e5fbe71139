"""The table ``staged`` of the staging database: its columns, and what is put into it from Python."""

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from include.foundation.config.data_sections import FREE_OBJECTS
from include.foundation.config.loop_file import Loop
from include.foundation.lines.values import pseudonym
from include.foundation.store.schemas import schemas
from include.stages.logs.landing.scratch import insert
from include.stages.logs.rules.sql_text import quoted

TYPES = {
    pa.string(): "VARCHAR",
    pa.float64(): "DOUBLE",
    pa.list_(pa.float64()): "DOUBLE[]",
    pa.list_(pa.float32()): "FLOAT[]",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}
NOT_STAGED = {"day", "user_key", "source"}  # made of ts, user_id and the slice when a row is written
PEOPLE = 20_000  # pseudonyms that are made at a time


def staged_columns(loop: Loop) -> list[pa.Field]:
    """Return the columns of ``predictions`` that are staged."""
    return [column for column in schemas(loop)["predictions"].columns if column.name not in NOT_STAGED]


def make_staged(connection: duckdb.DuckDBPyConnection, columns: Sequence[pa.Field]) -> None:
    """Make the table, with the ``user_id``, whether the row is ``doubtful``, and the ``part`` and ``number`` of its line."""
    typed = ", ".join(f"{quoted(column.name)} {TYPES[column.type]}" for column in columns)
    connection.execute(
        f"CREATE TEMP TABLE staged ({typed}, user_id VARCHAR, doubtful BOOLEAN, part INTEGER, number BIGINT)"
    )


def stage_rows(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[pa.Field], rows: Sequence[Mapping[str, object]]
) -> None:
    """Add rows that Python has read; they are not doubtful.

    Parameters
    ----------
    connection
        The database.
    columns
        As `make_staged` was given them.
    rows
        Values by column, with the ``part`` and the ``number`` of the line.
    """
    if not rows:
        return
    types = {column.name: column.type for column in columns} | {"user_id": pa.string()}
    table = {name: pa.array([row.get(name) for row in rows], kind) for name, kind in types.items()}
    table |= {name: pa.array([row[name] for row in rows]) for name in ("part", "number")}
    table["doubtful"] = pa.repeat(pa.scalar(False), len(rows))
    in_one_form = ", ".join(f"json({name}) AS {name}" for name in FREE_OBJECTS)
    insert(connection, "staged", pa.table(table), f"* REPLACE ({in_one_form})")


def make_people(connection: duckdb.DuckDBPyConnection, user_key: bytes) -> None:
    """Make the table ``people``: the pseudonym of every staged ``user_id``."""
    connection.execute("CREATE OR REPLACE TEMP TABLE people (user_id VARCHAR, user_key VARCHAR)")
    query = "SELECT DISTINCT user_id FROM staged WHERE user_id IS NOT NULL"
    for batch in list(connection.sql(query).to_arrow_reader(PEOPLE)):
        people = batch.column(0).to_pylist()
        keys = [pseudonym(person, user_key) for person in people]
        insert(connection, "people", pa.table({"user_id": people, "user_key": keys}))
