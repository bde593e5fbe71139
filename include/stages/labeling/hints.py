"""Hints that somebody has just answered: they end a pause between two looks, and decide nothing."""

from datetime import UTC, datetime

from include.foundation.errors import NoSuchFileError
from include.foundation.store.loop_files import read_file, write_file
from include.foundation.store.tables import LoopStore

HINT = "labeling/hint.txt"


def leave_hint(store: LoopStore) -> None:
    """Note beside the tables that there may be new answers. The store is what the process that waits shares with this one.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    write_file(store, HINT, datetime.now(UTC).isoformat())


def last_hint(store: LoopStore) -> bytes | None:
    """Return what tells the last hint from the others; None if there was none.

    Raises
    ------
    StoreError
        If it cannot be read.
    """
    try:
        return read_file(store, HINT)
    except NoSuchFileError:
        return None
