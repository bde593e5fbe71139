"""What the files backend takes and refuses; every backend's promises are in ``test_backend_contract.py`` of the stage."""

import gzip
import json
import os

import pytest

from include.foundation.errors import ConfigError
from include.foundation.store.rows import rows_of
from include.stages.labeling.backends import backend_for
from include.stages.labeling.collecting import collect_annotations
from include.stages.labeling.pushing import push_requests
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import select_samples
from tests.builders import DAY, KEY, day, line, make_loop, make_store, write_lines


@pytest.fixture
def unpushed(tmp_path):
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


def test_hidden_prelabel_is_not_shown_and_every_task_says_why(unpushed, tmp_path):
    store, backend = unpushed
    push_requests(store, backend)
    hidden = {row["request_id"]: row["hidden_prelabel"] for row in store.read("requests").to_pylist()}
    assert 0 < sum(hidden.values()) < 12
    for task in tasks(tmp_path):
        assert (task["prelabel"] is None) == hidden[task["request_id"]]
        assert task["reasons"]
        asked = {"request_id", "trace_id", "input", "prelabel", "reasons", "tier"}
        assert set(task) == asked | {"ts", "model_version", "segments", "feedback", "assigned_to"}


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


def test_platform_without_a_connection_is_refused_with_its_name(tmp_path):
    with pytest.raises(ConfigError, match="needs the connection label_studio"):
        backend_for(make_loop(tmp_path, labeling={"backend": "label_studio"}), None)


def answer_lines(tmp_path, *changes):
    good = {"request_id": tasks(tmp_path)[0]["request_id"], "label": "earn", "created_at": DAY.isoformat()}
    return [json.dumps({**good, "annotator": f"a{number}", **change}) for number, change in enumerate(changes)]


def collected(unpushed, folder, name, raw):
    store, backend = unpushed
    path = folder / "labeling" / "answers" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return collect_annotations(store, backend, KEY)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        pytest.param("a.jsonl", lambda raw: raw.rstrip(b"\n"), id="no-last-newline"),
        pytest.param("a.jsonl", lambda raw: b"\xef\xbb\xbf" + raw, id="byte-order-mark"),
        pytest.param("a.jsonl", lambda raw: raw.replace(b"\n", b"\r\n\r\n"), id="carriage-returns-and-empty-lines"),
        pytest.param("a.jsonl.gz", gzip.compress, id="gzip"),
        pytest.param("vendor/march/a.jsonl", bytes, id="subfolder"),
    ],
)
def test_answer_file_may_be_saved_as_editors_and_vendors_do(unpushed, tmp_path, name, changed):
    push_requests(*unpushed)
    report = collected(unpushed, tmp_path, name, changed("\n".join([*answer_lines(tmp_path, {}, {}), ""]).encode()))
    assert (report.new, report.refused, report.passed_over) == (2, 0, ())


def test_what_is_not_read_among_the_answers_is_named(unpushed, tmp_path):
    push_requests(*unpushed)
    folder = tmp_path / "labeling" / "answers"
    (folder / "b.jsonl").mkdir()
    (folder / "c.jsonl").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "d.jsonl")
    (folder / "e.csv").write_text("label\nearn\n")
    (folder / ".a.jsonl.half").write_text("{")
    (folder / ".f.jsonl").write_text("{")
    report = collected(unpushed, tmp_path, "a.jsonl", "".join(answer_lines(tmp_path, {})).encode())
    assert (report.new, report.refused) == (1, 0)
    assert [name.split()[0] for name in report.passed_over] == [
        ".a.jsonl.half", ".f.jsonl", "b.jsonl", "c.jsonl", "d.jsonl", "e.csv",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "odd",
    [
        {"request_id": ["x"]},
        {"request_id": {"a": 1}},
        {"lead_time_seconds": 1700000000000000001},
        {"lead_time_seconds": -1},
        {"lead_time_seconds": float("nan")},
        {"lead_time_seconds": [3]},
        {"created_at": "9999-12-31T23:59:59Z"},
        {"created_at": ["soon"]},
        {"label": ["earn"]},
        {"annotator": {"name": "ann"}},
    ],
    ids=str,
)
def test_odd_answer_is_refused_with_its_number_and_the_others_are_taken(unpushed, tmp_path, odd):
    push_requests(*unpushed)
    report = collected(unpushed, tmp_path, "a.jsonl", "\n".join(answer_lines(tmp_path, {}, odd, {})).encode())
    assert (report.new, report.refused) == (2, 1)
    rows = [row for row in unpushed[0].read("quarantine").to_pylist() if row["stage"] == "answers"]
    assert [(row["source"], row["line"]) for row in rows] == [("a.jsonl", 2)]
    assert "ann" not in rows[0]["raw"].replace("annotator", "")


def test_refused_answer_and_comments_keep_no_person(unpushed, tmp_path):
    store, _ = unpushed
    push_requests(*unpushed)
    lines = answer_lines(
        tmp_path, {"annotator": "ada", "comment": "ada@example.org says so"}, {"annotator": "ada", "label": 1}
    )
    assert collected(unpushed, tmp_path, "a.jsonl", "\n".join(lines).encode()).new == 1
    kept = store.read("annotations").column("comment").to_pylist() + store.read("quarantine").column("raw").to_pylist()
    assert not [text for text in kept if "ada" in text]


def test_labels_and_annotators_may_be_numbers(request, tmp_path):
    store = make_store(tmp_path, task={"classes": ["0", "1"]}, selection={"budget": 4, "diversify": "none"})
    write_lines(tmp_path, [line(n, prediction=n % 2, probabilities={"0": 0.5, "1": 0.5}) for n in range(4)])
    pull_logs(store, day(), KEY)
    select_samples(store, day())
    backend = backend_for(store.loop, None)
    push_requests(store, backend)
    changes = {"label": 1, "annotator": 7}, {"label": 1.0, "annotator": 7.0}, {"label": "1", "annotator": "7"}
    assert (
        collected((store, backend), tmp_path, "a.jsonl", "\n".join(answer_lines(tmp_path, *changes)).encode()).refused
        == 0
    )
    assert len(set(store.read("annotations").column("annotator").to_pylist())) == 1
    assert set(store.read("annotations").column("label").to_pylist()) == {"1"}


def test_odd_things_among_the_requests_are_passed_over(unpushed, tmp_path):
    store, backend = unpushed
    push_requests(store, backend)
    (written,) = (tmp_path / "labeling" / "requests").glob("*.jsonl")
    batch = written.name.rsplit("-", 1)[0]
    os.mkfifo(written.with_name(f"{batch}-a.jsonl"))
    written.with_name(f"{batch}-b.jsonl").mkdir()
    written.with_name(f"{batch}-c.jsonl").symlink_to(tmp_path / "nowhere")
    written.with_name(f"{batch}-d.jsonl").write_bytes(b'\n\xff\n{"request_id": ["x"]}\n[]\n\n')
    rows = [row | {"external_id": None, "pushed_at": None} for row in store.read("requests").to_pylist()]
    store.update_rows("requests", rows_of(store.loop, "requests", rows))
    report = push_requests(store, backend)
    assert (report.pushed, report.already_there) == (0, 12)


def test_signs_at_which_other_readers_end_a_line_are_escaped_in_requests(request, tmp_path):
    store = make_store(tmp_path, selection={"budget": 2, "diversify": "none"})
    text = "one\u2028two\u2029three\x85four\x0bfive\x0csix\x1cseven"
    write_lines(tmp_path, [line(n, input={"text": f"{text} {chr(97 + n)}"}) for n in range(2)])
    pull_logs(store, day(), KEY)
    select_samples(store, day())
    backend = backend_for(store.loop, None)
    for _ in range(2):
        push_requests(store, backend)
    assert {task["input"]["text"][:-2] for task in tasks(tmp_path)} == {text}
