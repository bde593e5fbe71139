"""What is pushed, and what a request file says."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from include.foundation.store.rows import rows_of
from include.stages.labeling.backend_contract import BackendConnection, LabelRequest
from include.stages.labeling.backends import backend_for
from include.stages.labeling.pushing import PushReport, open_requests, push_requests
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import select_samples
from tests.builders import KEY, day, line, make_loop, make_store, write_lines

REQUEST = LabelRequest("r1", "t1", {"text": "a\u2028b ü"}, None, ["low margin"], 1, "2026-03-10T00:00:00+00:00/P1D b")


@pytest.fixture
def backend(tmp_path):
    return backend_for(make_loop(tmp_path / "not" / "there", name="wire"), None)


def lines(backend):
    return [json.loads(text) for path in backend.request_folder.iterdir() for text in path.read_bytes().splitlines()]


def test_push_reports_what_it_did(tmp_path):
    store = make_store(tmp_path, selection={"budget": 4, "diversify": "none"})
    backend = backend_for(store.loop, None)
    assert push_requests(store, backend) == PushReport(0, 0, 0)
    write_lines(tmp_path, [line(n) for n in range(6)])
    pull_logs(store, day(), KEY)
    select_samples(store, day())
    assert open_requests(store).num_rows == 0
    assert push_requests(store, backend) == PushReport(4, 4, 0, day().key)
    assert push_requests(store, backend) == PushReport(0, 0, 0)
    waiting = open_requests(store).to_pylist()
    ledger = {row["request_id"]: row for row in store.read("requests").to_pylist()}
    assert [row["pushed_at"] for row in waiting] == [ledger[row["request_id"]]["pushed_at"] for row in waiting]
    assert all(row["external_id"] for row in ledger.values())


def test_prelabel_is_what_the_model_predicted_with_its_confidence(tmp_path):
    store = make_store(tmp_path, selection={"budget": 3, "diversify": "none"}, labeling={"hidden_prelabel_share": 0.0})
    write_lines(tmp_path, [line(n) for n in range(3)])
    pull_logs(store, day(), KEY)
    select_samples(store, day())
    backend = backend_for(store.loop, None)
    push_requests(store, backend)
    strata = dict(
        zip(*(store.read("requests").column(name).to_pylist() for name in ("trace_id", "stratum")), strict=True)
    )
    assert sorted(strata.values()) == ["certainty", "certainty", "random"]
    for task in lines(backend):
        number = int(task["trace_id"][1:])
        shown = {"label": line(number)["prediction"], "confidence": 0.6}
        assert task["prelabel"] == (shown if strata[task["trace_id"]] == "certainty" else None)
        assert task["input"] == line(number)["input"]


def test_files_are_one_a_batch_in_lines_that_every_reader_splits_alike(backend):
    second, other = replace(REQUEST, request_id="r2"), replace(REQUEST, request_id="r3", batch_id="evidence-k-1")
    backend.push([other, second, REQUEST])
    names = sorted(path.name for path in backend.request_folder.iterdir())
    assert [name.rpartition("-")[0] for name in names] == ["2026-03-10T00_00_00_P1D_b", "evidence-k-1"]
    assert {len(name.rpartition("-")[2]) for name in names} == {len("12345678.jsonl")}
    assert [task["request_id"] for task in lines(backend)].count("r1") == 1
    assert len(lines(backend)) == 3
    assert backend.answer_folder.is_dir()


def test_pushing_the_same_again_writes_the_same_file(backend):
    backend.push([REQUEST])
    backend.push([REQUEST])
    assert len(lines(backend)) == 1


def test_existing_names_file_and_line_of_what_was_asked_for(backend):
    second = replace(REQUEST, request_id="r2")
    backend.push([REQUEST, second])
    (path,) = backend.request_folder.iterdir()
    assert backend.existing([second]) == {"r2": f"{path.name}:2"}
    assert backend.existing([replace(second, batch_id="another")]) == {}
    assert backend.existing([]) == {}


def test_token_of_a_platform_is_not_shown():
    assert "secret" not in repr(BackendConnection("https://labels", "secret"))


def test_what_annotators_are_told_lies_beside_the_requests(tmp_path):
    told = {"instructions": "Choose one.", "definitions": {"earn": "Profits"}}
    backend = backend_for(make_loop(tmp_path, labeling=told), None)
    backend.push([REQUEST])
    assert (tmp_path / "labeling" / "instructions.md").read_text() == "## wire\n\nChoose one.\n\n## earn\n\nProfits\n\n"


def test_request_says_what_users_said_unless_it_is_asked_blind(tmp_path):
    store = make_store(tmp_path, selection={"budget": 2, "diversify": "none"}, labeling={"hidden_prelabel_share": 0.0})
    write_lines(tmp_path, [line(n) for n in range(4)])
    pull_logs(store, day(), KEY)
    select_samples(store, day())
    said = {"kind": "explicit", "signal": "correction", "value": '"acq"', "comment": "not a profit"}
    held = {"kind": "explicit", "signal": "rating", "value": "1", "held_back": "burst_person"}
    rows = [
        {"feedback_id": f"{number}-{place}", "trace_id": f"t{number}", "ts": day().start + timedelta(hours=5), **signal}
        for number in range(4)
        for place, signal in enumerate([said, held])
    ]
    store.append_new("feedback", rows_of(store.loop, "feedback", rows))
    backend = backend_for(store.loop, None)
    push_requests(store, backend)
    tasks = lines(backend)
    assert {task["prelabel"] is None for task in tasks} == {True, False}
    for task in tasks:
        assert task["feedback"] == ([] if task["prelabel"] is None else ["correction: acq: not a profit"])
        assert task["segments"]["desk"] in ("eu", "us")
        assert task["model_version"] == "1"
