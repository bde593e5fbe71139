"""Rows that were read are kept until their table has another version, and only as many as there is room for."""

import pyarrow as pa
import pytest

from include.foundation.store import kept_rows
from include.foundation.store.kept_rows import KeptRows
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from tests.include.foundation.store.lived_in import label, made

ROWS = pa.table({"id": list(range(10))})


@pytest.fixture
def reads() -> list[tuple[str, int, str]]:
    return []


def asked(kept, reads, name="labels", version=3, wanted="id"):
    return kept.rows(name, version, wanted, lambda: reads.append((name, version, wanted)) or ROWS)


def test_what_is_asked_again_is_read_once(reads):
    kept = KeptRows()
    assert asked(kept, reads) is asked(kept, reads)
    asked(kept, reads, wanted="label")
    assert reads == [("labels", 3, "id"), ("labels", 3, "label")]


def test_another_version_is_read_anew_and_the_other_tables_stay(reads):
    kept = KeptRows()
    for name, version in (("labels", 3), ("requests", 3), ("labels", 4), ("labels", 3), ("requests", 3)):
        asked(kept, reads, name, version)
    assert [(name, version) for name, version, _ in reads] == [
        ("labels", 3), ("requests", 3), ("labels", 4), ("labels", 3),
    ]  # fmt: skip


def test_what_there_is_no_room_for_is_read_each_time(reads, monkeypatch):
    monkeypatch.setattr(kept_rows, "MOST_BYTES", ROWS.nbytes * 2 - 1)
    kept = KeptRows()
    for wanted in ("id", "label", "label", "id"):
        assert asked(kept, reads, wanted=wanted).equals(ROWS)
    assert [wanted for _, _, wanted in reads] == ["id", "label", "label"]


def test_rows_that_another_process_writes_are_seen(tmp_path):
    store = made(tmp_path)
    before = store.read("labels").num_rows
    other = LoopStore(store.loop, store.uri.removesuffix(f"/{store.loop.name}"))
    other.append_new("labels", rows_of(store.loop, "labels", [label(10_000)]))
    assert store.read("labels").num_rows == before + 1
