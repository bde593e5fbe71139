"""Rows of tables that were read, kept for when a task asks for the same again: most of its stages look at the same ledgers."""

import threading
from collections.abc import Callable, Hashable

import pyarrow as pa

MOST_BYTES = 1 << 26


class KeptRows(threading.local):
    """What was read of each table at the version that was read last; `MOST_BYTES` of all tables together."""

    def __init__(self) -> None:
        self._tables: dict[str, tuple[int, dict[Hashable, pa.Table]]] = {}

    def rows(self, name: str, version: int, asked: Hashable, read: Callable[[], pa.Table]) -> pa.Table:
        """Return rows that were asked for before, or else read them and keep them if there is room.

        Parameters
        ----------
        name, version
            Of the table. What was kept of another version is forgotten.
        asked
            What is wanted of it: columns and filters.
        read
            Called if this is not kept.
        """
        if self._tables.get(name, (None,))[0] != version:
            self._tables[name] = (version, {})
        kept = self._tables[name][1]
        if asked in kept:
            return kept[asked]
        rows = read()
        if self._bytes() + rows.nbytes <= MOST_BYTES:
            kept[asked] = rows
        return rows

    def _bytes(self) -> int:
        return sum(rows.nbytes for _, kept in self._tables.values() for rows in kept.values())
