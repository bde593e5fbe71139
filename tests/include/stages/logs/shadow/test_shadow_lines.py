"""What challengers said of live requests comes in once, and is never taken for what was served."""

import json
from pathlib import Path
from typing import Any

import pytest

from include.foundation.store.tables import LoopStore
from include.stages.logs.pulling import pull_logs
from include.stages.logs.shadow.shadow_lines import pull_shadow
from include.stages.logs.slices.read_ledger import Entry
from tests.builders import DAY, KEY, day, line, make_store, write_lines


def said(number: int, **changes: Any) -> dict[str, Any]:
    known = {
        "trace_id": f"t{number}",
        "ts": DAY.isoformat(),
        "model_version": "2",
        "prediction": "earn",
        "seconds": 0.002,
    }
    return {name: value for name, value in (known | {"served_seconds": 0.001} | changes).items() if value is not None}


def shadow_store(folder: Path, *lines: Any, name: str = "a.jsonl") -> LoopStore:
    write_lines(folder, list(lines), f"../shadow/{name}")
    return make_store(folder, deploy={"strategy": "shadow", "shadow": {"uri": str(folder / "shadow")}})


def test_what_challengers_said_is_stored_once_and_is_no_prediction(tmp_path: Path) -> None:
    write_lines(tmp_path, [line(1)])
    store = shadow_store(
        tmp_path, said(1), said(2, prediction=None, error="cannot"), said(1), said(1, model_version="3")
    )
    for _ in range(2):
        assert (pull_shadow(store, day(), KEY).rows, pull_logs(store, day(), KEY).rows) == (4, 1)
    rows = sorted(store.read("shadow_answers").to_pylist(), key=lambda row: (row["trace_id"], row["model_version"]))
    assert [(row["trace_id"], row["model_version"], row["predicted"], row["error"]) for row in rows] == [
        ("t1", "2", "earn", None), ("t1", "3", "earn", None), ("t2", "2", None, "cannot"),
    ]  # fmt: skip
    assert (rows[0]["seconds"], rows[0]["served_seconds"], rows[0]["file"]) == (0.002, 0.001, "a.jsonl")
    assert store.read("predictions").column("trace_id").to_pylist() == ["t1"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"prediction": None}, "missing_field"),
        ({"trace_id": ""}, "missing_field"),
        ({"ts": "2099-01-01T00:00:00Z"}, "from_the_future"),
        ({"seconds": -1}, "wrong_type"),
    ],
)
def test_line_that_is_none_is_refused_and_the_others_are_stored(
    tmp_path: Path, changes: dict[str, Any], code: str
) -> None:
    store = shadow_store(tmp_path, said(1, **changes), "no JSON", said(2))
    report = pull_shadow(store, day(), KEY)
    assert (report.rows, report.refused) == (1, 2)
    refused = store.read("quarantine").to_pylist()
    assert {row["stage"] for row in refused} == {"shadow"}
    assert code in {row["reason_code"] for row in refused}


def test_pull_killed_before_the_ledger_is_written_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = shadow_store(tmp_path, *map(said, range(5)))
    with monkeypatch.context() as patch:
        patch.setattr(Entry, "of_slice", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            pull_shadow(store, day(), KEY)
    assert store.read("shadow_answers").num_rows == 5
    assert pull_shadow(store, day(), KEY).rows == 5
    assert store.read("shadow_answers").num_rows == 5


def test_file_that_grows_is_read_on_and_one_that_is_being_written_is_not(tmp_path: Path) -> None:
    store = shadow_store(tmp_path, said(1))
    assert pull_shadow(store, day(), KEY).rows == 1
    with (tmp_path / "shadow" / "a.jsonl").open("a") as file:
        file.write(json.dumps(said(2)) + "\n")
    shadow_store(tmp_path, said(3), name=".gateway-1.jsonl")
    assert pull_shadow(store, day(), KEY).rows == 2


def test_folder_that_is_not_there_yet_is_told_and_stops_nothing(tmp_path: Path) -> None:
    store = make_store(tmp_path, deploy={"strategy": "shadow", "shadow": {"uri": str(tmp_path / "shadow")}})
    report = pull_shadow(store, day(), KEY)
    assert (report.rows, report.refused) == (0, 0)
    assert "is not there yet" in report.warnings[0]
