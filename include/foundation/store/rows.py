"""Rows that fit their table: made from records, brought to its schema, and without those that it already has."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, Schema

from include.foundation.config.loop_file import Loop
from include.foundation.errors import StoreError
from include.foundation.store.schemas import schemas


def rows_of(loop: Loop, name: str, records: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return records as rows of a table; a key that a record lacks is null.

    Parameters
    ----------
    loop
        Names the inputs and segments that some tables have columns for.
    name
        Of the table.
    records
        Values by column.

    Raises
    ------
    StoreError
        If a record has a key that is no column, or a value of the wrong type.
    """
    schema = schemas(loop)[name].columns
    unknown = sorted({key for record in records for key in record} - set(schema.names))
    if unknown:
        raise StoreError(f"{name}: got columns {unknown}, expected only {schema.names}")
    try:
        return pa.Table.from_pylist(list(records), schema=schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError) as error:
        raise StoreError(f"{name}: a value does not fit its column: {error}") from error


def missing(rows: pa.Table, present: pa.Table, key: Sequence[str]) -> pa.Table:
    """Return the first row of each key that the present rows do not have.

    Parameters
    ----------
    rows, present
        Both have the columns of the key.
    key
        Columns that make a row unique.
    """
    seen = set(zip(*(present.column(name).to_pylist() for name in key), strict=True))
    is_new = []
    for values in zip(*(rows.column(name).to_pylist() for name in key), strict=True):
        is_new.append(values not in seen)
        seen.add(values)
    return rows.filter(pa.array(is_new, pa.bool_()))


def conform(rows: pa.Table, schema: pa.Schema, name: str) -> pa.Table:
    """Return rows with exactly the schema's columns, order and types; a missing nullable column is null.

    Parameters
    ----------
    rows
        Have columns of the schema, in any order, and of types that can be cast to the schema's.
    schema
        What is wanted.
    name
        Of the table, for the error.

    Raises
    ------
    StoreError
        With every column that the schema does not have, or that lacks a value it needs.
    """
    columns, problems = [], []
    for field in schema:
        if field.name not in rows.column_names:
            columns.append(pa.nulls(rows.num_rows, field.type))
        else:
            column = rows.column(field.name)
            columns.append(column if column.type == field.type else column.cast(field.type))
        if not field.nullable and columns[-1].null_count:
            problems.append(f"{field.name}: got a null, expected a value in every row")
    problems += [f"{extra}: no such column" for extra in rows.column_names if extra not in schema.names]
    if problems:
        raise StoreError(f"Rows do not fit table {name}", problems)
    return pa.table(columns, schema=schema)


def misfits(table: DeltaTable, wanted: pa.Schema) -> list[str]:
    """Return why a table cannot hold rows with the wanted columns; one that it lacks is no reason, since writing adds it."""
    present = {field.name: field for field in table.schema().fields}
    problems = [
        f"{field.name}: got {present[field.name].type}, expected {field.type}"
        for field in Schema.from_arrow(wanted).fields
        if field.name in present and present[field.name].type != field.type
    ]
    unknown = [field.name for field in present.values() if not field.nullable and field.name not in wanted.names]
    return problems + [f"{name}: unknown, and needs a value in every row" for name in unknown]
