"""What a table's schema is made of, and the short forms that it is written in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

TEXT, TEXTS = pa.string(), pa.list_(pa.string())
NUMBER, NUMBERS = pa.float64(), pa.list_(pa.float64())
INTEGER, INTEGERS = pa.int64(), pa.list_(pa.int64())
FLAG = pa.bool_()
TIMESTAMP = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class TableSchema:
    """A table's columns, the key that makes a row unique, how it is partitioned on disk, and Delta's properties of it."""

    name: str
    columns: pa.Schema
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


def required(name: str, kind: pa.DataType) -> pa.Field:
    """Return a column with a value in every row."""
    return pa.field(name, kind, nullable=False)


def nullable(name: str, kind: pa.DataType) -> pa.Field:
    """Return a column whose value may be unknown."""
    return pa.field(name, kind)


def plain(field: pa.Field) -> pa.Field:
    """Return a column of a table's log as tables are given here: items of a list have no name of their own."""
    return nullable(field.name, pa.list_(field.type.value_type) if pa.types.is_list(field.type) else field.type)


def table(
    name: str,
    *columns: pa.Field,
    key: tuple[str, ...],
    partition_by: tuple[str, ...] = (),
    properties: Mapping[str, str] | None = None,
) -> TableSchema:
    """Return a table's schema, written as a list of columns.

    Parameters
    ----------
    name
        Of the table.
    *columns
        In the order they have on disk.
    key
        Columns that make a row unique.
    partition_by
        Columns that rows are put into folders by.
    properties
        Of Delta.
    """
    return TableSchema(name, pa.schema(columns), key, partition_by, properties or {})
