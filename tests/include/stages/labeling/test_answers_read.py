"""Each look for answers reads what is new, and nothing is lost where a file grows, changes, or a task is killed."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from include.foundation.lines import line_files
from include.foundation.lines.values import parse_object
from include.foundation.store.rows import rows_of
from include.stages.labeling import collecting
from include.stages.labeling.answers_read import FileMark, answers_read
from include.stages.labeling.backends import backend_for
from include.stages.labeling.collecting import progress
from tests.builders import KEY, make_store
from tests.include.stages.labels.label_builders import collect, pushed_store, truth, write_answers


@pytest.fixture
def parsed(monkeypatch):
    """The lines that were parsed."""
    lines = []
    monkeypatch.setattr(line_files, "parse_object", lambda text: lines.append(text) or parse_object(text))
    return lines


@pytest.fixture
def asked(tmp_path):
    return pushed_store(tmp_path, 3)


def path_of(tmp_path, name="ann"):
    return tmp_path / "labeling" / "answers" / f"{name}.jsonl"


def answers(requests):
    return {request: truth(trace) for trace, request in requests.items()}


def annotators(store):
    return store.read("annotations").num_rows


def test_file_that_did_not_change_is_not_read_again(tmp_path, asked, parsed, monkeypatch):
    store, requests = asked
    write_answers(tmp_path, "ann", answers(requests))
    assert collect(store).new == 3
    parsed.clear()
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} was read"))
    assert collect(store) == collecting.CollectReport(0, 0)
    assert progress(store, backend_for(store.loop, None), KEY).answered == 0
    assert parsed == []


def test_of_a_file_that_grows_the_new_lines_are_read_with_their_numbers(tmp_path, asked, parsed):
    store, requests = asked
    first, second, third = answers(requests).items()
    write_answers(tmp_path, "ann", dict([first]))
    with path_of(tmp_path).open("a") as file:
        file.write("\n")
    collect(store)
    parsed.clear()
    write_answers(tmp_path, "ann", dict([second, ("nobody", "earn"), third]))
    assert collect(store) == collecting.CollectReport(2, 1)
    assert len(parsed) == 3
    assert store.read("quarantine").column("line").to_pylist() == [4]
    mark = answers_read(store)["ann.jsonl"]
    assert isinstance(mark, FileMark)
    assert mark.lines == 5


def test_line_that_is_being_written_is_read_once_it_has_an_end(tmp_path, asked):
    store, requests = asked
    write_answers(tmp_path, "ann", answers(requests))
    whole = path_of(tmp_path).read_bytes()
    path_of(tmp_path).write_bytes(whole[:-10])
    assert collect(store).new == 2
    path_of(tmp_path).write_bytes(whole)
    assert collect(store) == collecting.CollectReport(1, 0)


@pytest.mark.parametrize("longer", [True, False])
def test_file_whose_beginning_changed_is_read_anew(tmp_path, asked, longer):
    store, requests = asked
    write_answers(tmp_path, "ann", answers(requests))
    collect(store)
    path_of(tmp_path).unlink()
    changed = dict(list(answers(requests).items())[: 3 if longer else 1])
    write_answers(tmp_path, "ann", changed, minute=7, comment="x" * 50 if longer else None)
    assert collect(store).new == len(changed)
    assert collect(store).new == 0


def test_newest_mark_counts_also_where_a_file_got_shorter(tmp_path, asked, parsed):
    store, requests = asked
    write_answers(tmp_path, "ann", answers(requests))
    collect(store)
    path_of(tmp_path).write_bytes(path_of(tmp_path).read_bytes().splitlines(keepends=True)[0])
    collect(store)
    parsed.clear()
    collect(store)
    assert parsed == []


def test_file_is_read_anew_for_a_class_that_was_added(tmp_path, asked):
    store, requests = asked
    write_answers(tmp_path, "ann", dict.fromkeys(requests.values(), "ship"))
    assert collect(store) == collecting.CollectReport(0, 3)
    wider = make_store(tmp_path, task={"kind": "classification", "classes": [*store.loop.task.classes, "ship"]})
    assert collect(wider).new == 3


def test_answers_that_are_exported_again_are_the_same_answers(tmp_path, asked):
    """Each export of a labeling platform holds the earlier answers too (https://github.com/HumanSignal/label-studio/issues/764)."""
    store, requests = asked
    write_answers(tmp_path, "ann", answers(requests))
    assert collect(store).new == 3
    lines = [json.loads(line) for line in path_of(tmp_path).read_text().splitlines()]
    path_of(tmp_path, "second export").write_bytes(path_of(tmp_path).read_bytes())
    moments = [datetime.fromisoformat(line["created_at"]).astimezone(timezone(timedelta(hours=2))) for line in lines]
    traces = {request: trace for trace, request in requests.items()}
    respelled = [
        {"label": line["label"], "created_at": at.isoformat(), "annotator": line["annotator"],
         "trace_id": traces[line["request_id"]]}
        for line, at in zip(lines, moments, strict=True)
    ]  # fmt: skip
    path_of(tmp_path, "third").write_text("".join(json.dumps(line) + "\n" for line in respelled))
    assert collect(store) == collecting.CollectReport(0, 0)
    assert annotators(store) == 3


@pytest.mark.parametrize("step", ["append_annotations", "_refuse", "note_answers_read"])
def test_killed_collection_is_run_again(tmp_path, asked, monkeypatch, step):
    store, requests = asked
    write_answers(tmp_path, "ann", answers(requests) | {"nobody": "earn"})
    with monkeypatch.context() as context:
        context.setattr(collecting, step, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            collect(store)
    collect(store)
    assert (annotators(store), store.read("quarantine").num_rows) == (3, 1)


def test_wait_counts_collected_and_new_answers_and_each_person_once(tmp_path):
    store, requests = pushed_store(tmp_path, 2, labeling={"overlap": 2, "quorum": 1.0})
    write_answers(tmp_path, "ann", answers(requests))
    collect(store)
    look = lambda: progress(store, backend_for(store.loop, None), KEY)  # noqa: E731
    write_answers(tmp_path, "ann", answers(requests), minute=3)  # changed their mind: still one person
    assert (look().answered, look().complete) == (0, False)
    write_answers(tmp_path, "bob", {requests["t0"]: "earn"})
    assert (look().answered, look().complete) == (1, False)
    write_answers(tmp_path, "bob", {requests["t1"]: "earn"})
    assert (look().answered, look().complete) == (2, True)


def test_answers_of_a_request_whose_push_was_not_noted_are_taken(tmp_path, asked):
    """The task was killed between writing the request file and the ledger, and people were fast."""
    store, requests = asked
    rows = [row | {"external_id": None, "pushed_at": None} for row in store.read("requests").to_pylist()]
    store.update_rows("requests", rows_of(store.loop, "requests", rows))
    write_answers(tmp_path, "ann", answers(requests))
    assert collect(store) == collecting.CollectReport(3, 0)


def test_marks_hold_no_person(tmp_path, asked):
    store, requests = asked
    write_answers(tmp_path, "ann", answers(requests))
    collect(store)
    assert '"ann"' not in json.dumps(store.read("answers_read").to_pylist(), default=str)


@pytest.mark.parametrize("lost", ["whole table", "newest version"])
def test_answers_are_read_anew_where_the_table_that_held_them_was_lost(tmp_path, asked, lost):
    store, requests = asked
    first, *others = answers(requests).items()
    write_answers(tmp_path, "ann", dict([first]))
    collect(store)
    write_answers(tmp_path, "bob", dict(others))
    collect(store)
    log = Path(store.uri, "annotations", "_delta_log")
    for path in sorted(log.iterdir())[-1 if lost == "newest version" else 0 :]:
        path.unlink()
    reopened = make_store(tmp_path)
    assert annotators(reopened) == (1 if lost == "newest version" else 0)
    assert collect(reopened).new == (2 if lost == "newest version" else 3)
    assert annotators(reopened) == 3
    assert collect(reopened).new == 0
