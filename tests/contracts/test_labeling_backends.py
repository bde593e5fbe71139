"""What every labeling backend promises: a request is pushed once in effect, and its answers come back."""

import json

import pytest

from include.foundation.errors import ConfigError, LabelingError
from include.stages.labeling.backends import backend_for
from include.stages.labeling.collecting import collect_annotations
from include.stages.labeling.pushing import push_requests
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import select_samples
from tests.builders import DAY, KEY, day, line, make_loop, make_store, write_lines

BACKENDS = ["files"]


@pytest.fixture(params=BACKENDS)
def unpushed(request, tmp_path):
    """A store with twelve requests that are not pushed, and its backend."""
    store = make_store(tmp_path, selection={"budget": 12, "diversify": "none"}, labeling={"hidden_prelabel_share": 0.5})
    write_lines(tmp_path, [line(n) for n in range(12)])
    pull_logs(store, day(), KEY)
    select_samples(store, day())
    return store, backend_for(store.loop, None)


def tasks(tmp_path):
    return [
        json.loads(text)
        for path in (tmp_path / "labeling" / "requests").glob("*.jsonl")
        for text in path.read_text().splitlines()
    ]


def test_pushing_twice_makes_one_task_a_request(unpushed, tmp_path):
    store, backend = unpushed
    assert push_requests(store, backend).pushed == 12
    assert push_requests(store, backend).asked == 0
    assert sorted(task["request_id"] for task in tasks(tmp_path)) == sorted(
        store.read("requests").column("request_id").to_pylist()
    )


def test_push_killed_before_the_ledger_was_written_is_not_repeated(unpushed, tmp_path, monkeypatch):
    store, backend = unpushed
    monkeypatch.setattr(type(store), "update_rows", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        push_requests(store, backend)
    monkeypatch.undo()
    report = push_requests(store, backend)
    assert (report.pushed, report.already_there) == (0, 12)
    assert len(tasks(tmp_path)) == 12


def test_backend_that_loses_tasks_fails_the_push_and_names_them(unpushed, monkeypatch):
    store, backend = unpushed
    monkeypatch.setattr(type(backend), "push", lambda *_: None)
    with pytest.raises(LabelingError, match="12 of 12 requests"):
        push_requests(store, backend)
    assert set(store.read("requests").column("external_id").to_pylist()) == {None}


def test_hidden_prelabel_is_not_shown_and_every_task_says_why(unpushed, tmp_path):
    store, backend = unpushed
    push_requests(store, backend)
    hidden = {row["request_id"]: row["hidden_prelabel"] for row in store.read("requests").to_pylist()}
    assert 0 < sum(hidden.values()) < 12
    for task in tasks(tmp_path):
        assert (task["prelabel"] is None) == hidden[task["request_id"]]
        assert task["reasons"]
        assert set(task) == {"request_id", "trace_id", "input", "prelabel", "reasons", "tier"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"label": "weather"}, "unknown_label", id="unknown-label"),
        pytest.param({"request_id": "nobody"}, "unknown_request", id="unknown-request"),
        pytest.param({"annotator": ""}, "missing_field", id="no-annotator"),
        pytest.param({"created_at": "soon"}, "bad_timestamp", id="no-time"),
        pytest.param({"lead_time_seconds": "long"}, "wrong_type", id="lead-time"),
    ],
)
def test_answer_that_is_none_is_refused_with_a_reason(unpushed, tmp_path, change, code):
    store, backend = unpushed
    push_requests(store, backend)
    good = {
        "request_id": tasks(tmp_path)[0]["request_id"],
        "annotator": "ann",
        "label": "earn",
        "created_at": DAY.isoformat(),
    }
    (tmp_path / "labeling" / "answers" / "a.jsonl").write_text(
        json.dumps(good) + "\n" + json.dumps({**good, **change}) + "\n"
    )
    report = collect_annotations(store, backend, KEY)
    assert (report.new, report.refused) == (1, 1)
    assert next(row for row in store.read("quarantine").to_pylist() if row["stage"] == "answers")["reason_code"] == code


def test_answer_may_name_the_trace_and_half_a_line_waits(unpushed, tmp_path):
    store, backend = unpushed
    push_requests(store, backend)
    good = json.dumps(
        {"trace_id": tasks(tmp_path)[0]["trace_id"], "annotator": "ann", "label": "earn", "created_at": DAY.isoformat()}
    )
    path = tmp_path / "labeling" / "answers" / "a.jsonl"
    path.write_text(good[:30])
    assert collect_annotations(store, backend, KEY).refused == 0
    path.write_text(good + "\n")
    assert collect_annotations(store, backend, KEY).new == 1


def test_backend_that_this_version_lacks_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match="set backend: files"):
        backend_for(make_loop(tmp_path, labeling={"backend": "label_studio"}), None)
