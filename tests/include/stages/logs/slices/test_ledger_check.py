"""A table that has lost rows that were read stops the next pull; one that is whole never does."""

import shutil

import pytest
from deltalake import DeltaTable, write_deltalake

from include.foundation.errors import RowsGoneError
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.pulling import pull_logs
from include.stages.logs.slices.ledger_check import ledger_disagreements
from tests.builders import DAY, KEY, day, line, make_store, write_lines


def pulled(folder):
    store = make_store(folder, feedback={"uri": str(folder / "feedback")})
    for number in range(3):
        write_lines(folder, [*(line(10 * number + n) for n in range(5)), "broken"], f"{number}.jsonl")
        pull_logs(store, day(), KEY)
    (folder / "feedback").mkdir()
    (folder / "feedback" / "a.jsonl").write_text(
        f'{{"feedback_id": "f", "trace_id": "t1", "ts": "{DAY.isoformat()}", "kind": "explicit", "signal": "report"}}\n'
    )
    pull_feedback(store, day(), KEY)
    return store


@pytest.mark.parametrize("table", ["predictions", "quarantine", "feedback"])
def test_log_of_a_table_that_is_gone_stops_the_next_pull_and_says_how_to_rebuild(tmp_path, table):
    store = pulled(tmp_path)
    assert ledger_disagreements(store) == []
    shutil.rmtree(f"{store.uri}/{table}/_delta_log")
    store = make_store(tmp_path)
    with pytest.raises(RowsGoneError, match=f"(?s)run observe by hand.*1. {table}: got"):
        pull_logs(store, day(), KEY)


def test_newest_commit_that_is_empty_stops_the_next_pull(tmp_path):
    pulled(tmp_path)
    newest = max((tmp_path / "store" / "wire" / "predictions" / "_delta_log").glob("*.json"))
    newest.write_bytes(b"")
    assert ledger_disagreements(make_store(tmp_path)) == [
        "predictions: got 10 rows at version 2, expected 15 by files_read"
    ]


def test_store_that_was_emptied_as_the_message_says_is_read_again(tmp_path):
    store = pulled(tmp_path)
    before = store.read("predictions")
    for table in ("predictions", "files_read"):
        shutil.rmtree(f"{store.uri}/{table}")
    store = make_store(tmp_path)
    assert pull_logs(store, day(), KEY).rows == 15
    assert store.read("predictions").equals(before)


def test_rows_that_were_deleted_on_purpose_stop_nothing(tmp_path):
    store = pulled(tmp_path)
    DeltaTable(f"{store.uri}/predictions").delete("trace_id = 't1'")
    assert pull_logs(make_store(tmp_path), day(), KEY).rows == 14


def test_ledger_that_an_earlier_version_wrote_goes_on(tmp_path):
    store = pulled(tmp_path)
    rows = store.read("files_read")
    shutil.rmtree(f"{store.uri}/files_read")
    write_deltalake(f"{store.uri}/files_read", rows.drop_columns(["table_version", "table_rows"]))
    write_lines(tmp_path, [line(90)], "new.jsonl")
    store = make_store(tmp_path)
    assert pull_logs(store, day(), KEY).rows == 16
    assert store.read("files_read").column("table_version").null_count == 4
    shutil.rmtree(f"{store.uri}/predictions/_delta_log")
    assert len(ledger_disagreements(make_store(tmp_path))) == 1


def test_ledger_of_an_earlier_version_takes_the_entries_of_queries(tmp_path):
    store = pulled(tmp_path)
    rows = store.read("files_read")
    shutil.rmtree(f"{store.uri}/files_read")
    write_deltalake(f"{store.uri}/files_read", rows.drop_columns(["table_version", "table_rows"]))
    store = make_store(tmp_path)
    store.update_rows("files_read", rows)
    assert store.read("files_read").equals(rows)
