"""What a task says of its row, what it keeps to itself, and what a project cannot show."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from include.foundation.errors import ConfigError
from include.stages.labeling.backend_contract import LabelRequest
from include.stages.labeling.label_studio.studio_project import StudioProject
from include.stages.labeling.label_studio.studio_tasks import tasks_of
from tests.builders import make_loop

PROJECT = StudioProject(
    1, "http://studio/projects/1", "label", "text", frozenset({"acq", "earn"}), frozenset({"text"}), True
)
REQUEST = LabelRequest(
    "r1", "t1", {"text": "Net rose"}, {"label": "earn", "confidence": 0.614}, ["low margin 0.04"], 1, "day",
    datetime(2026, 3, 10, 9, 30, tzinfo=UTC), "7", {"desk": "eu"}, ["correction: acq"],
)  # fmt: skip


def test_task_says_why_it_is_there_and_what_the_model_says(tmp_path):
    (task,) = tasks_of([REQUEST], make_loop(tmp_path), PROJECT)
    assert task["data"] == {
        "text": "Net rose", "request_id": "r1", "trace_id": "t1", "batch_id": "day", "tier": 1,
        "about": {
            "why it is here": "low margin 0.04", "the model says": "earn, 61% sure", "model version": "7",
            "served at": "2026-03-10 09:30 UTC", "desk": "eu", "users said": "correction: acq",
        },
    }  # fmt: skip
    (prediction,) = task["predictions"]
    assert prediction["score"] == 0.614
    assert prediction["result"][0]["value"] == {"choices": ["earn"]}


def test_task_that_is_asked_blind_names_no_class(tmp_path):
    (task,) = tasks_of([replace(REQUEST, prelabel=None, feedback=[])], make_loop(tmp_path), PROJECT)
    assert task["predictions"] == []
    assert "earn" not in str(task)
    assert "acq" not in str(task)


def test_inputs_that_are_no_text_are_a_table_and_missing_ones_empty(tmp_path):
    inputs = {name: {"type": kind} for name, kind in {"text": "text", "n": "numeric", "c": "categorical"}.items()}
    loop = make_loop(tmp_path, inputs=inputs | {"v": {"type": "vector", "size": 2}})
    (task,) = tasks_of([replace(REQUEST, input={"text": None, "n": 0.5, "v": [1.0, 0.25]})], loop, PROJECT)
    assert task["data"]["row"] == {"n": 0.5, "c": "", "v": "1, 0.25"}
    assert task["data"]["text"] == ""


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://photos.example/a b.png", ""),
        ("https://photos.example/1.png?size=2", "https://photos.example/1.png?size=2"),
        ("HTTP://photos.example/1.png", "HTTP://photos.example/1.png"),
        ("javascript:alert(1)", ""),
        ("s3://bucket/1.png", ""),
        ("https://", ""),
        (None, ""),
    ],
)
def test_only_what_a_browser_may_load_is_an_image(tmp_path, address, shown):
    inputs = {"text": {"type": "text", "image": True}}
    loop = make_loop(tmp_path, inputs=inputs, labeling={"backend": "label_studio", "uri": None})
    (task,) = tasks_of([replace(REQUEST, input={"text": address})], loop, PROJECT)
    assert (task["data"]["text"], task["data"]["row"]) == (shown, {"text": address or ""})


def test_what_the_project_cannot_show_is_told_before_anything_is_sent(tmp_path):
    project = replace(PROJECT, fields=frozenset({"text", "photo"}), labels=frozenset({"acq"}))
    with pytest.raises(ConfigError, match="cannot show") as refused:
        tasks_of([REQUEST, replace(REQUEST, request_id="r2")], make_loop(tmp_path), project)
    assert refused.value.problems == [
        "it shows $photo, which no input or field of a task is called",
        "label has no choice 'earn'",
    ]
