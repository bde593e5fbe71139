"""What every labeling backend promises: a request is pushed once in effect, and each answer comes back once."""

from datetime import timedelta
from itertools import count

import pytest

from include.foundation.errors import LabelingError
from include.foundation.lines.sources import LogFile
from include.foundation.store.objects.object_store import ObjectStore
from include.foundation.store.objects.s3_objects import client_options
from include.stages.labeling import collecting
from include.stages.labeling.collecting import collect_annotations
from include.stages.labeling.pushing import push_requests
from tests.builders import DAY, KEY
from tests.include.stages.labeling.platforms import OfFiles, OfManifests, asked
from tests.include.stages.logs.s3_server import BUCKET


@pytest.fixture(params=["files", "manifests", "manifests-on-s3"])
def backed(request, tmp_path):
    """A store with twelve requests that are not pushed, and the platform of its loop."""
    if request.param == "files":
        store = asked(tmp_path)
        return store, OfFiles(store.loop, {})
    if request.param == "manifests":
        store = asked(tmp_path, backend="manifests")
        return store, OfManifests(store.loop, {})
    options = client_options(request.getfixturevalue("s3_options"))
    uri = f"s3://{BUCKET}/{tmp_path.name}/labeling"
    store = asked(tmp_path, backend="manifests", uri=uri, connection="aws")
    return store, OfManifests(store.loop, options)


def requested(store):
    return sorted(store.read("requests").column("request_id").to_pylist())


def pushed(platform):
    return sorted(task["request_id"] for task in platform.tasks())


def test_pushing_twice_makes_one_task_a_request(backed):
    store, platform = backed
    assert push_requests(store, platform.backend).pushed == 12
    assert push_requests(store, platform.backend).asked == 0
    assert pushed(platform) == requested(store)
    assert len(set(store.read("requests").column("external_id").to_pylist())) == 12


def test_push_killed_before_the_ledger_was_written_is_not_repeated(backed, monkeypatch):
    store, platform = backed
    monkeypatch.setattr(type(store), "update_rows", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        push_requests(store, platform.backend)
    monkeypatch.undo()
    report = push_requests(store, platform.backend)
    assert (report.pushed, report.already_there) == (0, 12)
    assert pushed(platform) == requested(store)


@pytest.mark.parametrize("is_written", [False, True], ids=["before", "after"])
def test_push_killed_at_any_file_makes_one_task_a_request(backed, monkeypatch, is_written):
    store, platform = backed
    write = ObjectStore.write
    for deadly in count(1):
        written = []

        def killed(objects, uri, content, deadly=deadly, written=written):
            written.append(uri)
            if len(written) < deadly or is_written:
                write(objects, uri, content)
            if len(written) == deadly:
                raise KeyboardInterrupt

        monkeypatch.setattr(ObjectStore, "write", killed)
        try:
            push_requests(store, platform.backend)
        except KeyboardInterrupt:
            continue
        break
    assert pushed(platform) == requested(store)


def test_backend_that_loses_tasks_fails_the_push_and_names_them(backed, monkeypatch):
    store, platform = backed
    monkeypatch.setattr(type(platform.backend), "push", lambda *_: None)
    with pytest.raises(LabelingError, match="12 of 12 requests"):
        push_requests(store, platform.backend)
    assert set(store.read("requests").column("external_id").to_pylist()) == {None}


def test_each_answer_comes_back_once_and_only_what_is_new_is_read(backed, monkeypatch):
    store, platform = backed
    backend = platform.backend
    push_requests(store, backend)
    platform.answer(0, "ada", "earn", DAY)
    platform.answer(0, "ben", None, DAY)
    platform.answer(1, "ada", "acq", DAY)
    monkeypatch.setattr(collecting, "note_answers_read", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        collect_annotations(store, backend, KEY)
    monkeypatch.undo()
    assert collect_annotations(store, backend, KEY).new == 0
    before, opened = set(platform.files("answers")), set()
    platform.answer(1, "ben", "earn", DAY + timedelta(hours=1))
    for name in ("opened", "blocks"):
        read = getattr(LogFile, name)
        monkeypatch.setattr(LogFile, name, lambda file, *a, read=read: opened.add(file.name) or read(file, *a))
    assert collect_annotations(store, backend, KEY).new == 1
    assert collect_annotations(store, backend, KEY).new == 0
    assert set(platform.files("answers")) - before <= opened
    opened.clear()
    assert collect_annotations(store, backend, KEY).new == 0
    assert not opened
    rows = store.read("annotations").to_pylist()
    tasks = [task["request_id"] for task in platform.tasks()]
    assert sorted((tasks.index(row["request_id"]), row["label"]) for row in rows) == [
        (0, ""), (0, "earn"), (1, "acq"), (1, "earn"),
    ]  # fmt: skip
    assert not {"ada", "ben"} & set(store.read("annotations").column("annotator").to_pylist())
    assert len({row["annotator"] for row in rows}) == 2


def test_answer_to_nobodys_request_of_no_class_or_from_the_future_is_refused_without_its_person(backed):
    store, platform = backed
    backend = platform.backend
    push_requests(store, backend)
    platform.answer(0, "ada@example.org", "weather", DAY)
    platform.answer(1, "", "earn", DAY)
    platform.answer(2, "ada@example.org", "earn", DAY + timedelta(days=36_500))
    platform.answer(3, "ada@example.org", "earn", DAY)
    report = collect_annotations(store, backend, KEY)
    assert (report.new, report.refused) == (1, 3)
    rows = store.read("quarantine").to_pylist()
    assert sorted(row["reason_code"] for row in rows) == ["from_the_future", "missing_field", "unknown_label"]
    assert not [row for row in rows if "ada" in row["raw"] + row["reason"]]
    assert collect_annotations(store, backend, KEY).refused == 0
