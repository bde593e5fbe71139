"""Read the rows of a table's files that meet some conditions, whatever type of string the files were written with."""

from collections.abc import Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC
from typing import Any

import pyarrow as pa
from pyarrow.parquet import filters_to_expression

from include.foundation.errors import StoreError

Filter = list[tuple[str, str, Any]]
OPENED_AT_ONCE = 16
VIEWS = (pa.string_view(), pa.binary_view())


def scan(
    dataset: Any, columns: Sequence[str], filters: Filter | None = None, *, readahead: int = 1
) -> Iterator[pa.RecordBatch]:
    """Yield the rows that meet all conditions, in no particular order.

    Parameters
    ----------
    dataset
        A ``pyarrow.dataset.FileSystemDataset``, as `TableReader.dataset` returns it.
    columns
        Columns wanted.
    filters
        Conditions that all must hold, as ``(column, operator, value)`` with ``= != < <= > >= in``; all rows by default.
    readahead
        How many files, and how many batches of each, are read in advance: more is faster and takes more memory.

    Raises
    ------
    StoreError
        If a file cannot be read.

    Notes
    -----
    Delta rewrites files when rows are deleted, updated or compacted, and stores their texts as string views. Arrow can cast
    such a column but not compare it, so the rows of these files are read first and compared once they are cast.
    """
    with readable():
        yield from _batches(dataset, list(columns), filters, readahead)


@contextmanager
def readable() -> Iterator[None]:
    """Turn what fails in the block while a table's files are read into a `StoreError` that says what to do.

    Raises
    ------
    StoreError
        If a file is gone, damaged or out of reach.
    """
    try:
        yield
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise StoreError(f"A table cannot be read: {error}; run `python -m include check-store`") from error


def is_never_met(condition: tuple[str, str, Any], present: Set[str]) -> bool:
    """Tell whether no row can meet a condition: no value is in an empty list, and no null meets anything."""
    column, operator, value = condition
    return column not in present or (operator == "in" and not value)


def _batches(dataset: Any, wanted: list[str], filters: Filter | None, readahead: int) -> Iterator[pa.RecordBatch]:
    ahead = {"batch_readahead": min(readahead, 2), "fragment_readahead": readahead}
    if not filters:
        yield from dataset.scanner(columns=wanted, **ahead).to_batches()
        return
    condition, compared = filters_to_expression(filters), dict.fromkeys(name for name, _, _ in filters)
    texts = [name for name in compared if dataset.schema.field(name).type == pa.string()]
    fragments = list(dataset.get_fragments(condition)) if texts else []
    viewed = _with_views(fragments, texts)
    if not viewed:
        yield from dataset.scanner(columns=wanted, filter=condition, **ahead).to_batches()
        return
    for fragment in fragments:
        if fragment.path not in viewed:
            yield from fragment.to_batches(schema=dataset.schema, columns=wanted, filter=condition, **ahead)
            continue
        both = list(dict.fromkeys([*wanted, *compared]))
        for batch in fragment.to_batches(schema=dataset.schema, columns=both, **ahead):
            yield batch.filter(condition).select(wanted)


def days_of(filters: Filter) -> Filter:
    """Return what conditions on ``ts`` say of the day, so that the files of other days need not even be listed.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> days_of([("ts", "<", datetime(2026, 11, 2, tzinfo=UTC)), ("trace_id", "=", "t1")])
    [('day', '<=', '2026-11-02')]
    """
    wider = {"=": "=", "<": "<=", "<=": "<=", ">": ">=", ">=": ">="}
    return [
        ("day", wider[operator], moment.astimezone(UTC).date().isoformat())
        for name, operator, moment in filters
        if name == "ts" and operator in wider
    ]


def _with_views(fragments: Sequence[Any], columns: Sequence[str]) -> set[str]:
    """Return the paths of the files with a string view in one of the columns; a fragment remembers the schema that is read."""

    def has_view(fragment: Any) -> bool:
        schema = fragment.physical_schema
        return any(name in schema.names and schema.field(name).type in VIEWS for name in columns)

    if len(fragments) <= 1:  # threads would take longer than they save
        return {fragment.path for fragment in fragments if has_view(fragment)}
    with ThreadPoolExecutor(OPENED_AT_ONCE) as pool:
        viewed = list(pool.map(has_view, fragments))
    return {fragment.path for fragment, is_viewed in zip(fragments, viewed, strict=True) if is_viewed}
