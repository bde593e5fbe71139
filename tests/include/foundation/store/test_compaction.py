"""Many small commits: the table stays a few files, with the same rows, and earlier versions can still be read."""

import threading
from pathlib import Path

from deltalake import DeltaTable, write_deltalake

from include.foundation.decisions import broken_links, find, record
from include.foundation.store.compaction import EVERY, compact
from tests.builders import make_store
from tests.decision_builders import Note


def decide(store, number):
    record(store, Note(subject=f"subject {number}", outcome="yes", reasons=("Why.",), number=number))


def test_files_of_many_commits_become_one_and_the_rows_stay(tmp_path):
    store = make_store(tmp_path)
    for number in range(2 * EVERY + 3):
        decide(store, number)
    assert len(store.open_table("decisions").file_uris()) < EVERY
    assert [verdict.number for verdict in find(store, Note)] == list(range(2 * EVERY + 3))
    assert broken_links(store) == []


def test_version_from_before_is_read_as_it_was(tmp_path):
    store = make_store(tmp_path)
    for number in range(EVERY + 2):
        decide(store, number)
    assert [store.read("decisions", version=number).num_rows for number in range(EVERY)] == list(range(1, EVERY + 1))


def test_opening_does_not_read_every_commit(tmp_path):
    store = make_store(tmp_path)
    for number in range(EVERY + 2):
        decide(store, number)
    assert list(Path(store.uri, "decisions", "_delta_log").glob("*.checkpoint*.parquet"))


def test_compaction_that_loses_to_another_writer_leaves_the_table_to_it(tmp_path):
    store = make_store(tmp_path)
    for number in range(EVERY):
        decide(store, number)
    table = store.open_table("decisions")
    write_deltalake(
        table, table.to_pyarrow_table().slice(0, 0), mode="append"
    )  # a version to be compacted, that was not
    late = DeltaTable(f"{store.uri}/decisions")
    assert late.version() == EVERY
    decide(store, "another")
    compact(late)
    assert broken_links(store) == []


def test_writers_at_the_same_time_lose_no_row_to_a_compaction(tmp_path):
    folder, count = tmp_path, EVERY
    make_store(folder)

    def write(writer):
        store = make_store(folder)
        for number in range(count):
            decide(store, f"{writer} {number}")

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    store = make_store(folder)
    assert len(find(store, Note)) == 2 * count
    assert broken_links(store) == []


def test_one_store_in_two_threads_is_as_two_stores(tmp_path):
    store = make_store(tmp_path)
    writers = [
        threading.Thread(target=lambda writer=writer: [decide(store, f"{writer} {number}") for number in range(8)])
        for writer in range(2)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(find(store, Note)) == 16
    assert broken_links(store) == []
