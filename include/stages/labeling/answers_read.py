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
    noted_at
        Clock.
    """

    source: str
    fingerprint: str
    reader: str
    end_byte: int
    lines: int
    content: str
    noted_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def answers_read(store: LoopStore) -> dict[str, Mark]:
    """Return the newest mark of each source."""
    marks = [Mark(**row) for row in store.read("answers_read").to_pylist()]
    return {mark.source: mark for mark in sorted(marks, key=lambda mark: mark.noted_at)}


def note_answers_read(store: LoopStore, marks: list[Mark]) -> None:
    """Note marks once their lines are stored: a kill in between has them read again, which stores nothing twice."""
    if marks:
        rows = rows_of(store.loop, "answers_read", [asdict(mark) for mark in marks])
        store.append_new("answers_read", rows, [("source", "in", [mark.source for mark in marks])])
