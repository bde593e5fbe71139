"""Writes are atomic and idempotent, and no writer loses another's."""

import threading
from datetime import timedelta

import pyarrow as pa
import pytest

from include.foundation.errors import ConfigError, StoreError
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from tests.builders import DAY, day, make_loop, make_store


def annotations(store, *numbers, label="earn"):
    return rows_of(
        store.loop,
        "annotations",
        [
            {
                "annotation_id": f"a{n}",
                "request_id": "r",
                "trace_id": "t",
                "annotator": "x",
                "label": label,
                "created_at": DAY,
                "source": "s",
            }
            for n in numbers
        ],
    )


def predictions(store, *numbers):
    return rows_of(
        store.loop,
        "predictions",
        [
            {
                "trace_id": f"t{n}",
                "ts": day(n).start,
                "day": str(day(n).start.date()),
                "model_version": "1",
                "predicted": "earn",
            }
            for n in numbers
        ],
    )


def test_table_that_was_never_written_is_empty_and_has_its_columns(tmp_path):
    store = make_store(tmp_path)
    assert store.read("labels").num_rows == 0
    assert "input_text" in store.read("labels").column_names
    assert store.version("labels") is None


def test_append_new_appends_each_key_once(tmp_path):
    store = make_store(tmp_path)
    assert store.append_new("annotations", annotations(store, 1, 2, 2)).num_rows == 2
    assert store.append_new("annotations", annotations(store, 2, 3)).column("annotation_id").to_pylist() == ["a3"]
    version = store.version("annotations")
    assert store.append_new("annotations", annotations(store, 1)).num_rows == 0
    assert store.version("annotations") == version


def test_replace_where_replaces_only_rows_with_the_values(tmp_path):
    store = make_store(tmp_path)
    store.append_new("predictions", predictions(store, 0, 1, 2))
    assert store.replace_where("predictions", predictions(store), "day", day(1).days)
    assert store.read("predictions").column("trace_id").to_pylist() == ["t0", "t2"]
    version = store.version("predictions")
    assert not store.replace_where("predictions", predictions(store), "day", day(1).days)
    assert not store.replace_where("predictions", predictions(store, 5), "day", [])
    assert store.version("predictions") == version


def test_replace_where_takes_a_quote_in_a_value_for_text(tmp_path):
    store = make_store(tmp_path)
    rows = annotations(store, 1, 2).set_column(0, "annotation_id", pa.array(["it's", "b"]))
    store.append_new("annotations", rows)
    assert store.replace_where("annotations", rows.slice(0, 0), "annotation_id", ["it's"])
    assert store.read("annotations").column("annotation_id").to_pylist() == ["b"]


def test_update_rows_changes_rows_by_key_and_adds_new_ones(tmp_path):
    store = make_store(tmp_path)
    store.append_new("annotations", annotations(store, 1, 2))
    store.update_rows("annotations", annotations(store, 2, 3, label="acq"))
    assert store.read("annotations").column("label").to_pylist() == ["earn", "acq", "acq"]


def test_read_travels_to_an_old_version(tmp_path):
    store = make_store(tmp_path)
    store.append_new("annotations", annotations(store, 1))
    old = store.version("annotations")
    store.append_new("annotations", annotations(store, 2))
    assert store.read("annotations", version=old).num_rows == 1


def test_rows_with_an_unknown_column_or_a_wrong_type_are_refused(tmp_path):
    loop = make_loop(tmp_path)
    with pytest.raises(StoreError, match="colour"):
        rows_of(loop, "feedback", [{"colour": 1}])
    with pytest.raises(StoreError, match="does not fit"):
        rows_of(loop, "feedback", [{"feedback_id": 1.5}])


def test_null_where_a_value_is_needed_is_refused_by_name(tmp_path):
    store = make_store(tmp_path)
    rows = annotations(store, 1).set_column(4, "label", pa.nulls(1, pa.string()))
    with pytest.raises(StoreError, match="label: got a null"):
        store.append_new("annotations", rows)


def test_unknown_table_names_the_known_ones(tmp_path):
    with pytest.raises(StoreError, match="there are: annotations"):
        make_store(tmp_path).read("nothing")


def test_concurrent_appends_lose_nothing_and_double_nothing(tmp_path):
    make_store(tmp_path)
    failures = []

    def append(start):
        own = make_store(tmp_path)
        try:
            for number in range(start, start + 8):
                own.append_new("annotations", annotations(own, number))
        except StoreError as error:
            failures.append(error)

    threads = [threading.Thread(target=append, args=(start,)) for start in (0, 4, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found = make_store(tmp_path).read("annotations").column("annotation_id").to_pylist()
    assert sorted(found) == sorted(f"a{n}" for n in range(16))


def test_a_new_input_in_the_loop_file_reads_as_null_in_old_rows(tmp_path):
    store = make_store(tmp_path)
    store.append_new("predictions", predictions(store, 0))
    wider = make_loop(tmp_path, inputs={"text": {"type": "text"}, "price": {"type": "numeric", "required": False}})
    grown = LoopStore(wider, str(tmp_path / "store"))
    assert grown.read("predictions").column("input_price").to_pylist() == [None]
    more = rows_of(
        wider,
        "predictions",
        [
            {
                "trace_id": "n",
                "ts": day(5).start,
                "day": "2026-03-15",
                "model_version": "1",
                "predicted": "acq",
                "input_price": 2.0,
            }
        ],
    )
    grown.append_new("predictions", more)
    assert sorted(grown.read("predictions").column("input_price").to_pylist(), key=str) == [2.0, None]


def test_conditions_on_time_and_day_list_only_files_of_their_days(tmp_path, monkeypatch):
    store = make_store(tmp_path)
    rows = [
        {"trace_id": f"t{hours}", "ts": DAY + timedelta(hours=hours), "day": f"{DAY + timedelta(hours=hours):%Y-%m-%d}",
         "model_version": "1", "predicted": "earn"}
        for hours in range(0, 96, 12)
    ]  # fmt: skip
    store.append_new("predictions", rows_of(store.loop, "predictions", rows))
    listed, files = [], store._files
    monkeypatch.setattr(store, "_files", lambda *given: listed.append(files(*given)) or listed[-1])
    middle = DAY + timedelta(hours=36)
    expected = {"<": 3, "<=": 4, ">": 4, ">=": 5, "=": 1}
    found = {sign: store.read("predictions", filters=[("ts", sign, middle)]).num_rows for sign in expected}
    assert found == expected
    assert [len(dataset.files) for dataset in listed] == [2, 2, 3, 3, 1]
    days = [f"{DAY + timedelta(days=number):%Y-%m-%d}" for number in (0, 3)]
    assert store.read("predictions", filters=[("day", "in", days)]).num_rows == 4
    assert len(listed[-1].files) == 2


@pytest.mark.parametrize("name", ["a b", "a#b?c", "é 類", 'it\'s "odd" {x} ~*$&=+', "100%"])
def test_folder_of_any_usual_name_holds_a_store(tmp_path, name):
    """Writers and readers of Delta have encoded paths twice or not at all (https://github.com/delta-io/delta-rs/issues/1156)."""
    store = LoopStore(make_loop(tmp_path), str(tmp_path / name / "store"))
    for number in range(2):
        store.append_new("annotations", annotations(store, number))
    assert LoopStore(store.loop, str(tmp_path / name / "store")).read("annotations").num_rows == 2
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a[b", "a]b", "a\\b", "a^b", "a|b", "a%20b", "a\tb"])
def test_folder_whose_name_delta_misreads_is_refused_before_anything_is_written(tmp_path, name):
    """With these, deltalake ends the process, or writes one folder and reads another."""
    with pytest.raises(ConfigError, match="which Delta Lake misreads"):
        LoopStore(make_loop(tmp_path), str(tmp_path / name))
