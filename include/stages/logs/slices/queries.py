"""Rows of a database: a query for one day at a time, spooled to JSON lines that are read as any others."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from include.foundation.config.data_sections import FREE_OBJECTS, OBJECTS
from include.foundation.errors import ConfigError, StoreError
from include.foundation.intervals import Interval
from include.foundation.lines.databases import engine_of
from include.foundation.lines.file_formats import repeats
from include.foundation.lines.sources import Access, LogFile
from include.foundation.lines.values import json_or_text, plain_value
from include.foundation.store.objects.scratch_folders import scratch_folder
from include.stages.logs.pull import Pull
from include.stages.logs.slices.file_slices import Slice

SCHEME = "sql:"
QUERY = "query"  # in place of a fingerprint: what a database answers may change unseen
FETCHED = 5_000


def query_slices(window: Interval) -> list[Slice]:
    """Return one slice a day of the window: what is asked of the database in one query."""
    slices, start = [], window.start
    while start < window.end:
        end = min(start + timedelta(days=1), window.end)
        key = Interval(start, end).key
        slices.append(Slice(LogFile(f"query {key}", f"{SCHEME}{key}", end, 0, QUERY), 0, 0))
        start = end
    return slices


def is_query(file_slice: Slice) -> bool:
    """Tell whether a slice is a query's."""
    return file_slice.file.uri.startswith(SCHEME)


@contextmanager
def spooled(file_slice: Slice, pull: Pull) -> Iterator[Slice]:
    """Give a slice as it can be read: of a file as it is, of a query as JSON lines in a file that is gone afterwards.

    The query's parameters ``:start`` and ``:end`` are bound, never formatted into the text. They are timestamps with a zone;
    for SQLite, which has none, ISO 8601 text in UTC.

    Raises
    ------
    ConfigError
        If there is no connection, or the database refuses the query.
    StoreError
        If the database cannot be reached: the task is retried.
    """
    if not is_query(file_slice):
        yield file_slice
        return
    with scratch_folder() as folder:
        path = folder / "rows.jsonl"
        bounds = Interval.from_key(file_slice.file.uri.removeprefix(SCHEME))
        with path.open("w", encoding="utf-8", errors="surrogateescape") as spool:
            for row in rows_between(str(pull.section.query), bounds, pull.access):
                spool.write(json.dumps(row, ensure_ascii=False, default=_as_json) + "\n")
        status = path.stat()
        file = replace(
            file_slice.file,
            uri=str(path),
            size=status.st_size,
            fingerprint=f"{status.st_size}-{status.st_mtime_ns}",
            written_at=datetime.fromtimestamp(status.st_mtime, UTC),
        )
        yield Slice(file, 0, status.st_size)


def rows_between(query: str, bounds: Interval, access: Access) -> Iterator[dict[str, Any]]:
    """Yield what a query answers as records, as a log line has them.

    Parameters
    ----------
    query
        Has the parameters ``:start`` and ``:end``.
    bounds
        What they are bound to.
    access
        Has the URL of the database.

    Raises
    ------
    ConfigError
        If there is no connection, or the database refuses the query.
    StoreError
        If the database cannot be reached.
    """
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError, StatementError

    if access.database_url is None:
        raise ConfigError("format sql: no connection to the database; set `connection` in the loop file")
    try:
        engine = engine_of(access.database_url)
        sqlite = engine.dialect.name == "sqlite"
        moments = [moment.astimezone(UTC) for moment in (bounds.start, bounds.end)]
        values = [moment.isoformat() if sqlite else moment for moment in moments]
        with engine.connect().execution_options(stream_results=True, yield_per=FETCHED) as connection:
            answer = connection.execute(text(query), dict(zip(("start", "end"), values, strict=True)))
            if twice := repeats(list(answer.keys())):
                raise ConfigError(f"The query answers with {twice}; name each once, with AS")
            yield from (_record(dict(row)) for row in answer.mappings())
    except DBAPIError as error:
        if error.connection_invalidated or type(error.orig).__name__ in {"OperationalError", "InterfaceError"}:
            raise StoreError(f"The database does not answer, run the task again: {error.orig}") from None
        raise ConfigError(f"The database refuses the query, mend it in the loop file: {error.orig}") from None
    except (StatementError, NoSuchModuleError, SQLAlchemyError) as error:
        raise ConfigError(f"The query cannot be run, mend the connection or the query: {error}") from None
    except (ValueError, OverflowError, RecursionError) as error:
        raise ConfigError(f"The driver cannot read what the query answers, cast it to text there: {error}") from None


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as a log line has it: ``input.text`` is inside ``input``, and objects kept as JSON text are read."""
    record: dict[str, Any] = {}
    for name, value in row.items():
        head, dot, inner = name.partition(".")
        if dot and head in OBJECTS:
            record.setdefault(head, {})[inner] = value
        elif name in (*OBJECTS, *FREE_OBJECTS) and isinstance(value, str):
            record[name] = json_or_text(value)
        elif value is not None:
            record[name] = value
    return record


def _as_json(value: Any) -> Any:
    """Return a value of a database as JSON can hold it."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return plain_value(value)
