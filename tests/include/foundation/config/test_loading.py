"""A loop file is refused with all its problems, where they are, and the nearest valid name."""

import json
import subprocess
import sys

import pytest
import yaml

from include.foundation.config.loading import load_loop, loop_named
from include.foundation.config.loop_file import Loop
from include.foundation.config.sections import Section
from include.foundation.errors import ConfigError
from tests.conftest import ROOT

SKETCH = """
name: newswire
owner: editorial-ml
description: Route newswire stories to a topic desk.
task: {kind: classification, classes: [acq, crude, earn, grain, interest, money-fx, ship, trade]}
inputs: {text: {type: text}}
logs: {uri: data/newswire/logs, format: jsonl, schedule: "@daily"}
training: {factory: "include.factories:text_classifier"}
segments: [desk]
feedback: {uri: data/newswire/feedback}
drift: {reference_days: 28, false_alarm_rate: 0.05, confirm: 2 of 3, cooldown_days: 3}
selection: {budget: 60, random_share: 0.2, score: margin, diversify: clusters}
labeling: {backend: label_studio, connection: label_studio, overlap: 3, deadline_hours: 72, hidden_prelabel_share: 0.1}
labels: {consensus: dawid_skene, min_confidence: 0.8, rules: []}
retrain: {min_new_labels: 50, cooldown_hours: 24}
gate: {score: accuracy, rule: superior, margin: 0.0, error_budget: 0.05, slices: [desk], approval: required}
deploy: {strategy: alias, watch_days: 7, max_drop: 0.02}
"""
REQUIRED = ("name", "owner", "description", "task", "inputs", "logs", "training")


def write(tmp_path, text, name="newswire"):
    path = tmp_path / f"{name}.yaml"
    path.write_text(text)
    return path


def changed(tmp_path, **sections):
    raw = yaml.safe_load(SKETCH)
    for key, value in sections.items():
        raw[key] = {**raw.get(key, {}), **value} if isinstance(value, dict) else value
    return write(tmp_path, yaml.safe_dump(raw))


def test_sketch_of_the_design_is_a_valid_loop_file(tmp_path):
    loop = load_loop(write(tmp_path, SKETCH))
    assert loop.drift.confirm_k == 2
    assert loop.gate.approval == "required"


def test_every_key_but_the_first_seven_has_a_default(tmp_path):
    raw = {key: value for key, value in yaml.safe_load(SKETCH).items() if key in REQUIRED}
    assert load_loop(write(tmp_path, yaml.safe_dump(raw))).selection.budget > 0
    for key in REQUIRED[1:]:
        less = {name: value for name, value in raw.items() if name != key}
        with pytest.raises(ConfigError, match=f"{key}: missing"):
            load_loop(write(tmp_path, yaml.safe_dump(less)))


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        pytest.param(
            {"selection": {"budgte": 3}}, "selection.budgte: unknown key, did you mean 'budget'", id="misspelt"
        ),
        pytest.param({"selection": {"random_share": 1.5}}, "selection.random_share: got 1.5", id="out-of-range"),
        pytest.param({"selection": {"budget": "many"}}, "selection.budget: got 'many'", id="wrong-type"),
        pytest.param({"selection": {"score": "margins"}}, "selection.score: got 'margins'", id="unknown-strategy"),
        pytest.param({"drift": {"confirm": "3 of 2"}}, "k must be at most m", id="k-above-m"),
        pytest.param({"gate": {"slices": ["dsk"]}}, "gate.slices: 'dsk' is not one of segments", id="unknown-slice"),
        pytest.param({"gate": {"rule": "non_inferior"}}, "needs a margin above 0", id="contradiction"),
        pytest.param(
            {"inputs": {"pixels": {"type": "vector"}}}, "size goes with type vector", id="vector-without-size"
        ),
        pytest.param({"task": {"classes": ["a", "a"]}}, "listed more than once: a", id="class-twice"),
        pytest.param({"training": {"factory": "no colon"}}, "training.factory", id="factory"),
        pytest.param({"name": "Newswire"}, "name: got 'Newswire'", id="name"),
        pytest.param(
            {"labels": {"rules": [{"name": "r", "input": "title", "when": "x", "deny": ["earn"]}]}},
            "input 'title' is not one of",
            id="rule",
        ),
        pytest.param({"tasks": {"timeout_minutes": 0}}, "tasks.timeout_minutes: got 0", id="no-time"),
        pytest.param({"gate": {"approvers": [{"id": 3, "name": "Ada"}]}}, "gate.approvers.0.id: got 3", id="approver"),
        pytest.param(
            {"notify": [{"evnts": ["failure"], "notifier": "a.B"}]},
            "notify.0.evnts: unknown key, did you mean 'events'",
            id="notify-key",
        ),
        pytest.param({"notify": [{"events": ["rolback"], "notifier": "a.B"}]}, "got 'rolback'", id="notify-event"),
        pytest.param({"notify": [{"events": [], "notifier": "a.B"}]}, "notify.0.events: got []", id="notify-nothing"),
        pytest.param(
            {"notify": [{"events": ["failure"], "notifier": "a:B"}]}, "notify.0.notifier: got 'a:B'", id="notify-path"
        ),
        pytest.param(
            {"notify": [{"events": ["failure"], "notifier": "a.B", "params": ["x"]}]},
            "notify.0.params: got ['x']",
            id="notify-params",
        ),
        pytest.param(
            {"notify": [{"events": ["failure"], "notifier": "a.B", "params": {"slack_token": "xoxb"}}]},
            "notify.0.params: slack_token would keep a secret in the loop file",
            id="notify-secret",
        ),
    ],
)
def test_problem_is_said_where_it_is(tmp_path, sections, said):
    with pytest.raises(ConfigError) as caught:
        load_loop(changed(tmp_path, **sections))
    assert said in str(caught.value)
    assert "newswire.yaml" in str(caught.value)


def test_all_problems_of_a_file_are_said_at_once(tmp_path):
    path = changed(
        tmp_path, selection={"budgte": 3, "random_share": 7}, drift={"reference_days": 2}, gate={"approval": "maybe"}
    )
    with pytest.raises(ConfigError) as caught:
        load_loop(path)
    assert len(caught.value.problems) == 4


def test_file_must_be_yaml_a_mapping_and_give_each_key_once(tmp_path):
    for text, said in (
        ("a: [", "is not YAML"),
        ("[1]", "expected a mapping"),
        ("name: a\nname: b", "name: key given twice"),
    ):
        with pytest.raises(ConfigError, match=said):
            load_loop(write(tmp_path, text))


def test_name_must_be_the_stem(tmp_path):
    with pytest.raises(ConfigError, match="the file's stem is the loop's name"):
        load_loop(write(tmp_path, SKETCH, "other"))


def test_unknown_loop_names_the_nearest(monkeypatch, tmp_path):
    monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(tmp_path))
    write(tmp_path, SKETCH)
    with pytest.raises(ConfigError, match="did you mean 'newswire'"):
        loop_named("newswires")


def test_digest_covers_defaults_and_changes_with_any_value(tmp_path):
    first = load_loop(write(tmp_path, SKETCH)).digest
    assert load_loop(changed(tmp_path, retrain={"min_new_labels": 50})).digest == first
    assert load_loop(changed(tmp_path, retrain={"min_new_labels": 51})).digest != first


def test_configuration_cannot_be_changed_after_it_was_read(tmp_path):
    with pytest.raises(ValueError, match="frozen"):
        load_loop(write(tmp_path, SKETCH)).selection.budget = 3  # type: ignore[misc]


def test_schema_documents_every_key():
    done = subprocess.run(
        [sys.executable, "-m", "include", "schema"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    schema = json.loads(done.stdout)
    assert set(schema["required"]) == set(REQUIRED)
    for name, section in schema["$defs"].items():
        for key, field in section["properties"].items():
            assert field.get("description") or "$ref" in json.dumps(field), f"{name}.{key} has no description"


def test_sections_refuse_unknown_keys_and_are_frozen():
    for section in Section.__subclasses__():
        assert section.model_config["extra"] == "forbid"
        assert section.model_config["frozen"]
    assert issubclass(Loop, Section)
