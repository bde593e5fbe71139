"""Answers become labels by consensus, seeds with them, and only once."""

import json

import pytest
from feedback_loop.operators.validate_labels import ValidateLabelsOperator

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
