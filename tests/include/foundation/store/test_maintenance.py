"""A store that is maintained: few files and log entries, the same rows, and every version that may still be read."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from deltalake import DeltaTable

from include.__main__ import main
from include.foundation.decisions import broken_links
from include.foundation.errors import NothingToDo, StoreError
from include.foundation.store.compaction import EVERY
from include.foundation.store.maintenance import MaintenanceReport, maintain_store
from include.foundation.store.retention import grace
from include.foundation.store.rows import rows_of
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.datasets import read_dataset
from include.stages.logs.pulling import pull_logs
from tests.builders import DAY, KEY, day, line, make_store, write_lines
from tests.conftest import ROOT
from tests.include.foundation.store.lived_in import (
    HASTY,
    LONG_AGO,
    label,
    leave_behind,
    live,
    made,
    prediction,
    rows_in,
)

ROUNDS = 4


def stores_in(folder):
    """Return two stores: a twin that is left alone, and one to be maintained, whose tasks are done within a second."""
    for name in ("twin", "maintained"):
        (folder / name).mkdir()
    return make_store(folder / "twin"), make_store(folder / "maintained", tasks=HASTY)


def files_of(store, table):
    return [path for path in Path(store.uri, table).rglob("*.parquet") if "_delta_log" not in path.parts]


def _age(path):
    os.utime(path, (LONG_AGO, LONG_AGO))


def entries_of(store, table):
    return list(Path(store.uri, table, "_delta_log").glob("*.json"))


def test_files_and_log_entries_stay_bounded_and_the_rows_are_those_of_a_twin(tmp_path):
    twin, store = stores_in(tmp_path)
    for number in range(ROUNDS):
        for each in (twin, store):
            live(each, range(number * EVERY, (number + 1) * EVERY))
        time.sleep(1.2)
        maintain_store(store)
    live(store, range(ROUNDS * EVERY, ROUNDS * EVERY + 1))
    live(twin, range(ROUNDS * EVERY, ROUNDS * EVERY + 1))
    for table in ("predictions", "decisions"):
        assert len(files_of(store, table)) <= 2 * EVERY
        assert len(entries_of(store, table)) <= 3 * EVERY < len(entries_of(twin, table))
    assert rows_in(store)["predictions"] == rows_in(twin)["predictions"]
    assert rows_in(store)["labels"] == rows_in(twin)["labels"]
    assert broken_links(store) == []


def test_what_a_task_may_still_be_reading_stays(tmp_path):
    store = make_store(tmp_path)
    live(store, range(EVERY + 4))
    reader = DeltaTable(f"{store.uri}/predictions", version=3)
    report = maintain_store(store)
    assert grace(store.loop) == 2 * timedelta(hours=12)
    assert report.merged > 1
    assert report.files == 0
    assert reader.to_pyarrow_table().num_rows == 4
    assert store.read("predictions", version=3).num_rows == 4


def test_datasets_stay_readable_for_good_though_their_files_were_merged_long_ago(tmp_path):
    store = make_store(tmp_path, tasks=HASTY)
    names = []
    for number in range(2 * EVERY + 2):
        store.append_new("labels", rows_of(store.loop, "labels", [label(number)]))
        names.append(publish_dataset(store).subject)
    time.sleep(1.2)
    maintain_store(store)
    assert [read_dataset(store, name).train.num_rows for name in names] == list(range(1, 2 * EVERY + 3))


def test_labels_that_an_earlier_release_made_lose_no_version_either(tmp_path):
    """Checkpoints had forgotten the files that gave way before the table was given the property that keeps them."""
    store = make_store(tmp_path, tasks=HASTY)
    forgetful = {"delta.checkpointInterval": "4", "delta.enableExpiredLogCleanup": "false",
                 "delta.deletedFileRetentionDuration": "interval 1 seconds"}  # fmt: skip
    store.append_new("labels", rows_of(store.loop, "labels", [label(0)]))
    table = DeltaTable(f"{store.uri}/labels")
    table.alter.set_table_properties(forgetful)
    names = []
    for number in range(1, 4):
        rows = rows_of(store.loop, "labels", [label(number)])
        DeltaTable(f"{store.uri}/labels")  # as another process
        store.update_rows("labels", rows)
        names.append(publish_dataset(store).subject)
    DeltaTable(f"{store.uri}/labels").optimize.compact()
    time.sleep(1.2)
    DeltaTable(f"{store.uri}/labels").create_checkpoint()
    for path in files_of(store, "labels"):
        _age(path)
    maintain_store(store)
    assert [read_dataset(store, name).train.num_rows for name in names] == [2, 3, 4]


def test_what_kills_left_behind_goes_and_what_is_being_written_stays(tmp_path):
    store = make_store(tmp_path)
    live(store, range(2))
    left = leave_behind(store)
    young = [path.with_name(f"young-{path.name}") for path in left]
    for path in young:
        path.write_text("being written")
    report = maintain_store(store)
    assert [path.name for path in left if path.exists()] == []
    assert all(path.exists() for path in young)
    assert report == MaintenanceReport(merged=report.merged, files=2, log_entries=0, left_behind=3)


def test_once_a_day_is_enough_unless_a_person_asks(tmp_path):
    store = make_store(tmp_path)
    live(store, range(1))
    maintain_store(store)
    with pytest.raises(NothingToDo, match="was maintained at"):
        maintain_store(store)
    assert maintain_store(store, at_once=True) == MaintenanceReport()


@pytest.fixture
def loop_file(tmp_path, monkeypatch):
    store = make_store(tmp_path)
    (tmp_path / "loops").mkdir()
    raw = store.loop.model_dump(mode="json", exclude_unset=True)
    (tmp_path / "loops" / "wire.yaml").write_text(json.dumps(raw))
    monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(tmp_path / "loops"))
    return store


def test_command_maintains_at_once_and_says_what_it_did(loop_file, tmp_path, capsys):
    live(loop_file, range(2))
    for _ in range(2):
        assert main(["maintain", "wire", "--store", str(tmp_path / "store")]) == 0
    assert "2 small files merged" in capsys.readouterr().out


def test_command_deletes_nothing_of_a_table_whose_log_is_gone(loop_file, tmp_path, capsys):
    write_lines(tmp_path, [line(1)])
    pull_logs(loop_file, day(), KEY)
    shutil.rmtree(tmp_path / "store" / "wire" / "predictions" / "_delta_log")
    before = sorted((tmp_path / "store").rglob("*.parquet"))
    assert main(["maintain", "wire", "--store", str(tmp_path / "store")]) == 1
    assert "rows that were read are gone" in capsys.readouterr().err
    assert sorted((tmp_path / "store").rglob("*.parquet")) == before


def test_command_says_where_nothing_is(loop_file, tmp_path, capsys):
    assert main(["maintain", "wire", "--store", str(tmp_path / "elsewhere")]) == 1
    assert "elsewhere/wire: nothing is there, expected the tables of wire" in capsys.readouterr().err


def test_empty_store_is_maintained(tmp_path):
    assert maintain_store(make_store(tmp_path)) == MaintenanceReport()


def test_table_that_cannot_be_written_is_named(tmp_path):
    store = make_store(tmp_path)
    live(store, range(2))
    Path(store.uri, "predictions", "_delta_log", f"{1:020d}.json").write_text("{")
    with pytest.raises(StoreError, match="predictions"):
        maintain_store(make_store(tmp_path))


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A store, and copies of it whose maintenance was killed before each step."""
    folder = tmp_path_factory.mktemp("killed")
    made(folder)
    module = "tests.include.foundation.store.lived_in"
    told = subprocess.run(
        [sys.executable, "-m", module, str(folder)], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return folder, [line.split() for line in told.stdout.splitlines()]


def test_maintenance_that_is_killed_before_any_step_and_run_again_leaves_the_same(killed):
    folder, copies = killed
    assert [ended for _, ended in copies] == ["-9"] * (len(copies) - 1) + ["0"]
    assert len(copies) > 20
    rows = rows_in(make_store(folder, tasks=HASTY))
    for copy, _ in copies:
        store = make_store(Path(copy), tasks=HASTY)
        assert rows_in(store) == rows
    kept = []
    for copy, _ in copies:
        store = make_store(Path(copy), tasks=HASTY)
        maintain_store(store, at_once=True)
    time.sleep(1.2)
    for copy, _ in copies:
        store = make_store(Path(copy), tasks=HASTY)
        maintain_store(store, at_once=True)
        assert rows_in(store) == rows
        kept.append([len(files_of(store, name)) for name in ("predictions", "decisions")])
        assert not list(Path(store.uri).rglob("*.part")) + list(Path(store.uri).rglob("*#1"))
    assert kept == [kept[-1]] * len(kept)


def test_pulls_and_maintenance_at_the_same_time_lose_nothing(tmp_path):
    stores = stores_in(tmp_path)
    stop = threading.Event()

    def maintain():
        while not stop.is_set():
            maintain_store(make_store(tmp_path / "maintained", tasks=HASTY), at_once=True)

    meanwhile = threading.Thread(target=maintain)
    meanwhile.start()
    try:
        for number in range(8):
            for store in stores:
                write_lines(Path(store.uri).parents[1], [line(10 * number + n) for n in range(12)], f"{number}.jsonl")
                pull_logs(store, day(), KEY)
    finally:
        stop.set()
        meanwhile.join()
    twin, met = (
        [{**row, "source": Path(row["source"]).name} for row in store.read("predictions").to_pylist()]
        for store in stores
    )
    assert len(twin) == 82
    assert met == twin


def test_conditions_on_texts_hold_after_the_tables_were_maintained(tmp_path):
    """What Delta has rewritten it stores as string views, and maintenance rewrites it once more."""
    store = make_store(tmp_path)
    live(store, range(EVERY))
    for name, row in (("predictions", prediction(3)), ("labels", label(3))):
        store.update_rows(name, rows_of(store.loop, name, [row]))
    live(store, range(EVERY, EVERY + 4))
    assert maintain_store(store).merged > 1
    types = {pa.parquet.read_schema(path).field("trace_id").type for path in files_of(store, "predictions")}
    assert pa.string_view() in types  # else nothing is tested
    for name in ("predictions", "labels"):
        assert store.read(name, filters=[("trace_id", "in", ["t3", "none"])]).column("trace_id").to_pylist() == ["t3"]
        assert store.read(name, filters=[("trace_id", "!=", "t3")]).num_rows == EVERY + 3
    store.replace_where("predictions", rows_of(store.loop, "predictions", [prediction(1)]), "day", [f"{DAY:%Y-%m-%d}"])
    assert store.read("predictions").num_rows == 1
    store.update_rows("labels", rows_of(store.loop, "labels", [{**label(3), "label": "acq"}]))
    assert store.read("labels", filters=[("label", "=", "acq")]).column("trace_id").to_pylist() == ["t3"]
