"""How far the sources of answers were read, so that each look reads what is new."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore


@dataclass(frozen=True)
class Mark:
    """How far a source of answers was read.

    Attributes
    ----------
    source
        Name of the file.
    fingerprint
        Its size and modification time: as long as these are the same, nothing in it is new.
    reader
        Digest of what decides which lines are answers: when that changes, the file is read anew.
    end_byte, lines
        Lines that begin before the byte were read, and how many these are.
    content
        Digest of the bytes before it: where they have changed, the file is read anew.
    annotations_version
        Of the table ``annotations`` once the lines were stored; 0 before.
    noted_at
        Clock.
    """

    source: str
    fingerprint: str
    reader: str
    end_byte: int
    lines: int
    content: str
    annotations_version: int = 0
    noted_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def answers_read(store: LoopStore) -> dict[str, Mark]:
    """Return the newest mark of each source whose answers the store still has.

    If versions of the table ``annotations`` were lost, sources that were read into them are read anew.
    """
    marks = [Mark(**row) for row in store.read("answers_read").to_pylist()]
    newest = {mark.source: mark for mark in sorted(marks, key=lambda mark: mark.noted_at)}
    present = _annotations_version(store) if newest else 0
    return {source: mark for source, mark in newest.items() if mark.annotations_version <= present}


def note_answers_read(store: LoopStore, marks: list[Mark]) -> None:
    """Note marks once their lines are stored: a kill in between has them read again, which stores nothing twice."""
    if marks:
        stored = {"annotations_version": _annotations_version(store)}
        rows = rows_of(store.loop, "answers_read", [asdict(mark) | stored for mark in marks])
        store.append_new("answers_read", rows, [("source", "in", [mark.source for mark in marks])])


def _annotations_version(store: LoopStore) -> int:
    """Return the newest version of ``annotations``, counted from 1; 0 if it was never written."""
    version = store.version("annotations")
    return 0 if version is None else version + 1
