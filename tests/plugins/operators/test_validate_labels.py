"""Answers become labels by consensus, seeds with them, and only once."""

import json
from dataclasses import replace

import pytest
from feedback_loop.operators.validate_labels import ValidateLabelsOperator

from include.stages.labels.annotator_records import Concern
from include.stages.labels.label_validation import validate_labels
from tests.builders import make_store
from tests.plugins.operators.operator_builders import context, with_store


@pytest.fixture
def seeded(tmp_path):
    folder = tmp_path / "seed"
    folder.mkdir()
    lines = [{"input": {"text": f"story of {word}"}, "label": label} for word in ("ore", "oil", "oats")
             for label in ("earn", "acq")]  # fmt: skip
    (folder / "seed.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines[::2] + lines[1:2]))
    return make_store(tmp_path, training={"seed_labels": str(folder), "seed_holdout_share": 0.0})


def validate(store):
    return with_store(ValidateLabelsOperator(task_id="t", loop="wire"), store).execute(context())


def test_seed_labels_are_admitted_once(seeded):
    first = validate(seeded)
    assert first["seeds"] == seeded.read("labels").num_rows > 0
    assert validate(seeded)["seeds"] == 0


def test_without_answers_there_is_nothing_to_accept(store):
    assert validate(store) | {"seeds": 0} == validate(store)
    assert validate(store)["received"] == 0


def test_lead_is_told_once_of_an_annotator(store, told, monkeypatch):
    told(store.loop)
    report = replace(validate_labels(store), concerns=[Concern("abc sloppy 2026-11", "Annotator abc is sloppy")])
    monkeypatch.setattr("include.stages.labels.label_validation.validate_labels", lambda _: report)
    validate(store)
    validate(store)
    assert [(line["event"], line["message"]) for line in told()] == [("annotator", "Annotator abc is sloppy")]
