"""Rows that are taken out of a table's files: the others stay as they are, whoever wrote the file."""

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from include.foundation.store.bulk import appending
from include.foundation.store.bulk.appending import add_files, discard
from include.foundation.store.bulk.rewriting import without_rows
from tests.builders import make_store
from tests.include.foundation.store.bulk.test_appending import DAY, append, files_of, row


def changes_of(store, places):
    dataset = store.dataset("predictions")
    (file,) = dataset.get_fragments()
    return without_rows(store, "predictions", DAY, (dataset, file.path), np.array(places), ["predicted"])


def traces(store):
    return store.read("predictions").column("trace_id").to_pylist()


@pytest.mark.parametrize("places", [[0], [6], [2, 3], [0, 1, 2, 4], list(range(7))])
def test_rows_at_the_places_are_gone_and_the_others_there(tmp_path, monkeypatch, places):
    monkeypatch.setattr(appending, "ROWS_A_GROUP", 3)
    store = make_store(tmp_path)
    append(store, [row(number) for number in range(7)], size=7)
    before = store.read("predictions").to_pylist()
    assert add_files(store, "predictions", changes_of(store, places), 0)
    assert store.read("predictions").to_pylist() == [one for n, one in enumerate(before) if n not in places]
    assert len(store.open_table("predictions").file_uris()) == (len(places) < 7)


def test_column_that_the_loop_file_does_not_name_any_more_keeps_its_values(tmp_path):
    append(make_store(tmp_path, segments=["desk", "lang"]), [row(1, segment_lang="en"), row(2, segment_lang="de")])
    store = make_store(tmp_path)
    assert add_files(store, "predictions", changes_of(store, [0]), 0)
    assert DeltaTable(f"{store.uri}/predictions").to_pyarrow_table().column("segment_lang").to_pylist() == ["de"]


def test_file_that_delta_wrote_loses_rows_as_any_other(tmp_path):
    store = make_store(tmp_path)
    append(store, [row(1), row(2), row(3)])
    DeltaTable(f"{store.uri}/predictions").delete("trace_id = 't1'")
    assert pa.string_view() in {field.type for file in store.dataset("predictions").get_fragments()
                                for field in file.physical_schema}  # fmt: skip
    assert add_files(store, "predictions", changes_of(store, [0]), 1)
    assert store.read("predictions", filters=[("trace_id", ">=", "t")]).column("trace_id").to_pylist() == ["t3"]


def test_writer_that_was_not_first_takes_nothing_out_and_discards_what_it_wrote(tmp_path):
    store = make_store(tmp_path)
    append(store, [row(1), row(2)])
    changes = changes_of(store, [0])
    append(store, [row(3)])
    assert not add_files(store, "predictions", changes, 0)
    discard(store, "predictions", changes)
    assert len(files_of(tmp_path)) == 2
    assert traces(store) == ["t1", "t2", "t3"]
