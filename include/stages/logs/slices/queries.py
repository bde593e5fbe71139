"""Rows of a database: a query bounded by the interval, spooled to JSON lines that are read as any others."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from include.foundation.config.data_sections import Source
from include.foundation.errors import ConfigError, StoreError
from include.foundation.intervals import Interval
from include.foundation.lines.sources import Access, LogFile
from include.stages.logs.rules.field_paths import OBJECTS
from include.stages.logs.slices.file_slices import Slice

SCHEME = "sql:"
FETCHED = 5_000


def query_slices(window: Interval) -> list[Slice]:
    """Return one slice a day of the window: what is asked of the database in one query."""
    slices, start = [], window.start
    while start < window.end:
        end = min(start + timedelta(days=1), window.end)
        key = Interval(start, end).key
        slices.append(Slice(LogFile(f"query {key}", f"{SCHEME}{key}", end, 0, "query"), 0, 0))
        start = end
    return slices


def is_query(part: Slice) -> bool:
    """Tell whether a slice is a query's."""
    return part.file.uri.startswith(SCHEME)


@contextmanager
def spooled(part: Slice, source: Source, access: Access) -> Iterator[Slice]:
    """Give a slice as it can be read: a query's rows as JSON lines in a file, which is gone afterwards.

    Parameters
    ----------
    part
        A slice of a file, which is given as it is, or of a query.
    source
        Has the query, with the parameters ``:start`` and ``:end``: never formatted into the text. They are timestamps
        with a zone; on SQLite, which has none, ISO 8601 text in UTC.
    access
        Has the database's URL.

    Raises
    ------
    ConfigError
        If there is no connection, or the database refuses the query.
    StoreError
        If the database cannot be reached: the task is retried.
    """
    if not is_query(part):
        yield part
        return
    with tempfile.TemporaryDirectory(prefix="feedback-loop-") as folder:
        path = Path(folder) / "rows.jsonl"
        bounds = Interval.from_key(part.file.uri.removeprefix(SCHEME))
        with path.open("w", encoding="utf-8") as spool:
            for row in _rows(str(source.query), bounds, access):
                spool.write(json.dumps(_record(row), ensure_ascii=False, default=_plain) + "\n")
        status = path.stat()
        file = replace(
            part.file, uri=str(path), size=status.st_size, fingerprint=f"{status.st_size}-{status.st_mtime_ns}",
            written_at=datetime.fromtimestamp(status.st_mtime, UTC),
        )  # fmt: skip
        yield Slice(file, 0, status.st_size)


def _rows(query: str, bounds: Interval, access: Access) -> Iterator[Mapping[str, Any]]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError, StatementError

    if access.database_url is None:
        raise ConfigError("format sql: no connection to the database; set `connection` in the loop file")
    try:
        engine = create_engine(access.database_url)
        sqlite = engine.dialect.name == "sqlite"
        moments = [moment.astimezone(UTC) for moment in (bounds.start, bounds.end)]
        values = [moment.isoformat() if sqlite else moment for moment in moments]
        with engine.connect().execution_options(stream_results=True, yield_per=FETCHED) as connection:
            found = connection.execute(text(query), dict(zip(("start", "end"), values, strict=True)))
            yield from (dict(row) for row in found.mappings())
    except DBAPIError as error:
        if error.connection_invalidated or type(error.orig).__name__ in {"OperationalError", "InterfaceError"}:
            raise StoreError(f"The database does not answer, run the task again: {error.orig}") from None
        raise ConfigError(f"The database refuses the query, mend it in the loop file: {error.orig}") from None
    except (StatementError, NoSuchModuleError, SQLAlchemyError) as error:
        raise ConfigError(f"The query cannot be run, mend the connection or the query: {error}") from None


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as a log line has it: ``input.text`` is inside ``input``, and objects kept as text are read."""
    record: dict[str, Any] = {}
    for name, value in row.items():
        head, dot, inner = name.partition(".")
        if dot and head in OBJECTS:
            record.setdefault(head, {})[inner] = value
        elif name in OBJECTS and isinstance(value, str):
            record[name] = _parsed(value)
        elif value is not None:
            record[name] = value
    return record


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)
