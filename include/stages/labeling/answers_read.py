"""How far the sources of answers were read, so that each look reads what is new."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How far a source of answers was read.

    Attributes
    ----------
    source
        Name of the file, or address of the project.
    reader
        Digest of what decides what is an answer: when that changes, the source is read anew.
    annotations_version
        Of the table ``annotations`` once the answers were stored; 0 before.
    noted_at
        Clock.
    """

    source: str
    reader: str
    annotations_version: int = 0
    noted_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, kw_only=True)
class FileMark(Mark):
    """How far a file of answers was read.

    Attributes
    ----------
    fingerprint
        Its size and modification time: as long as these are the same, nothing in it is new.
    end_byte, lines
        Lines that begin before the byte were read, and how many these are.
    content
        Digest of the bytes before it: where they have changed, the file is read anew.
    """

    fingerprint: str
    end_byte: int
    lines: int
    content: str


@dataclass(frozen=True, kw_only=True)
class Watermark(Mark):
    """How far a server was read: every change until then was, by the server's clock."""

    changed_until: datetime


@dataclass(frozen=True, kw_only=True)
class FolderMark(Mark):
    """How far a folder of many small files was read.

    Attributes
    ----------
    fingerprint
        Digest of the names and fingerprints of all files: as long as it is the same, nothing is new.
    settled_before, content
        The same digest of the files that were written before a time: where it has changed, the folder is read anew.
    """

    fingerprint: str
    settled_before: datetime
    content: str


TABLES: dict[str, type[Mark]] = {
    "answers_read": FileMark,
    "answers_pulled": Watermark,
    "responses_read": FolderMark,
}


def answers_read(store: LoopStore) -> dict[str, Mark]:
    """Return the newest mark of each source whose answers the store still has.

    If versions of the table ``annotations`` were lost, sources that were read into them are read anew.
    """
    marks = [kind(**row) for table, kind in TABLES.items() for row in store.read(table).to_pylist()]
    newest = {mark.source: mark for mark in sorted(marks, key=lambda mark: mark.noted_at)}
    present = _annotations_version(store) if newest else 0
    return {source: mark for source, mark in newest.items() if mark.annotations_version <= present}


def note_answers_read(store: LoopStore, marks: Sequence[Mark]) -> None:
    """Note marks once their answers are stored: a kill in between has them read again, which stores nothing twice."""
    for table, kind in TABLES.items():
        own = [mark for mark in marks if isinstance(mark, kind)]
        if own:
            stored = {"annotations_version": _annotations_version(store)}
            rows = rows_of(store.loop, table, [asdict(mark) | stored for mark in own])
            store.append_new(table, rows, [("source", "in", [mark.source for mark in own])])


def _annotations_version(store: LoopStore) -> int:
    """Return the newest version of ``annotations``, counted from 1; 0 if it was never written."""
    version = store.version("annotations")
    return 0 if version is None else version + 1
