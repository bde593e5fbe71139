"""People keep their pseudonyms: a store has one key for good, roles are kept apart, and weak keys are refused."""

import json
from pathlib import Path

import pytest
import yaml

from include.foundation.errors import ConfigError
from include.foundation.lines.values import pseudonym
from include.foundation.store import person_keys
from include.foundation.store.person_keys import Role, check_key, demand_strong, person_key
from include.foundation.store.rows import rows_of
from include.stages.gate.approval import approver_pseudonym
from include.stages.labeling.backends import backend_for
from include.stages.labeling.collecting import collect_annotations
from include.stages.labeling.pushing import push_requests
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import select_samples
from tests.builders import DAY, KEY, day, line, make_store, write_lines
from tests.conftest import ROOT

OTHER = b"another key of the same people"
ROLES: tuple[Role, ...] = ("user", "annotator", "approver")


def answered(folder):
    """A store with six requests that one annotator answered, and that is not collected yet."""
    store = make_store(folder, selection={"budget": 6, "diversify": "none"}, feedback={"uri": str(folder / "feedback")})
    write_lines(folder, [line(n) for n in range(6)])
    signal = {"feedback_id": "f", "trace_id": "t1", "ts": DAY.isoformat(), "kind": "explicit", "signal": "report"}
    write_lines(folder, [signal | {"user_id": "ann"}], "../feedback/f.jsonl")
    pull_logs(store, day(), KEY)
    select_samples(store, day())
    push_requests(store, backend_for(store.loop, None))
    answers = [
        {"trace_id": f"t{n}", "annotator": "ann", "label": "earn", "created_at": DAY.isoformat()} for n in range(6)
    ]
    write_lines(folder, answers, "../labeling/answers/a.jsonl")
    return store


def people(store):
    return {
        *store.read("predictions").column("user_key").to_pylist(),
        *store.read("feedback").column("user_key").to_pylist(),
        *store.read("annotations").column("annotator").to_pylist(),
    }


def actions(store):
    return {
        "logs": lambda key: pull_logs(store, day(1), key),
        "feedback": lambda key: pull_feedback(store, day(), key),
        "answers": lambda key: collect_annotations(store, backend_for(store.loop, None), key),
        "approval": lambda key: approver_pseudonym(store, {"id": "ann"}, key),
    }


@pytest.mark.parametrize("action", ["logs", "feedback", "answers", "approval"])
def test_other_key_is_refused_wherever_people_get_pseudonyms_and_nothing_is_written(tmp_path, action):
    store = answered(tmp_path)
    write_lines(tmp_path, [line(9, when=day(1).start)], "later.jsonl")
    before = people(store)
    with pytest.raises(ConfigError, match="begin a new store") as caught:
        actions(store)[action](OTHER)
    assert OTHER.decode() not in str(caught.value)
    assert people(store) == before
    actions(store)[action](KEY)


def test_answers_collected_again_under_another_key_are_not_doubled(tmp_path):
    store = answered(tmp_path)
    assert collect_annotations(store, backend_for(store.loop, None), KEY).new == 6
    with pytest.raises(ConfigError):
        collect_annotations(store, backend_for(store.loop, None), OTHER)
    assert store.read("annotations").num_rows == 6


def test_one_person_has_another_pseudonym_in_each_role(tmp_path):
    store = make_store(tmp_path)
    assert len({pseudonym("ann", person_key(store, KEY, role)) for role in ROLES} | {pseudonym("ann", KEY)}) == 4
    assert person_key(store, KEY, "user") == person_key(make_store(tmp_path), KEY, "user")
    assert store.version("pseudonym_keys") == 0


def test_key_that_another_task_noted_meanwhile_counts(tmp_path, monkeypatch):
    store = make_store(tmp_path)
    own, now = person_key(store, KEY, "user"), person_keys._noted
    for key in (KEY, OTHER):
        looks = [[]]  # the first look finds none yet
        monkeypatch.setattr(person_keys, "_noted", lambda store, looks=looks: looks.pop() if looks else now(store))
        if key == KEY:
            assert person_key(store, key, "user") == own
        else:
            with pytest.raises(ConfigError, match="begin a new store"):
                person_key(store, key, "user")
    assert store.read("pseudonym_keys").num_rows == 1


ROWS = {
    "predictions": {"trace_id": "t", "ts": DAY, "day": "2026-03-10", "model_version": "1", "predicted": "earn"},
    "feedback": {"feedback_id": "f", "trace_id": "t", "ts": DAY, "kind": "explicit", "signal": "report"},
    "annotations": {
        "annotation_id": "a", "request_id": "r", "trace_id": "t", "label": "earn", "created_at": DAY, "source": "f",
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("table", "person"),
    [("predictions", {"user_key": "5b"}), ("feedback", {"user_key": "5b"}), ("annotations", {"annotator": "5b"})],
)
def test_store_with_pseudonyms_of_an_earlier_version_goes_on_with_one_key(tmp_path, table, person):
    store = make_store(tmp_path)
    store.append_new(table, rows_of(store.loop, table, [ROWS[table] | person]))
    assert person_key(store, KEY, "annotator") == KEY
    with pytest.raises(ConfigError):
        person_key(store, OTHER, "user")


def test_rows_of_nobody_are_no_pseudonyms_of_an_earlier_version(tmp_path):
    store = make_store(tmp_path)
    for table in ("predictions", "feedback"):
        store.append_new(table, rows_of(store.loop, table, [ROWS[table]]))
    assert person_key(store, KEY, "annotator") != KEY


def test_check_refuses_another_key_and_notes_none(tmp_path):
    store = make_store(tmp_path)
    check_key(store, OTHER)
    assert store.version("pseudonym_keys") is None
    person_key(store, KEY, "user")
    check_key(store, KEY)
    with pytest.raises(ConfigError, match="first password"):
        check_key(store, OTHER)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (b"fifteen bytes 1", "15 bytes, expected at least 16"),
        (b"a" * 16, "1 different signs"),
        (b"abcdeabdceabcdea", "5 different signs"),
        (b"Passw0rd" * 2, "repeats itself"),
        (b"my-Password-of-2026", "is a placeholder"),
        (b"Change-me-before-use", "is a placeholder"),
        (b"keep-it-up-keep-it-up", "repeats itself"),
        (b"p4ssw0rdp4ssw0rdp", "repeats itself"),
        (b"0123456789abcdef", "counts up or down"),
        (b"zyxwvutsrqponmlk", "counts up or down"),
        (b"1234567890123456", "repeats itself"),
    ],
)
def test_key_that_is_easily_guessed_is_refused_and_not_shown(key, why):
    with pytest.raises(ConfigError, match=why) as caught:
        demand_strong(key)
    assert key.decode() not in str(caught.value)


@pytest.mark.parametrize(
    "key", [KEY, b"sixteen bytes ok", b"0f1e2d3c4b5a6978", b"Zr8-wq1_Lx0PhT5y", b"aZ8q_-Zq8a-_Z8_a"]
)
def test_key_that_is_hard_to_guess_is_taken(key):
    demand_strong(key)


def test_placeholders_of_the_examples_are_refused():
    settings = yaml.safe_load(Path(ROOT, "airflow_settings.yaml").read_text())
    example = Path(ROOT, ".env.example").read_text()
    placeholders = [
        settings["airflow"]["connections"][0]["conn_password"],
        *(text.partition("=")[2] for text in example.splitlines() if text.startswith("PSEUDONYM_KEY")),
    ]
    assert len(placeholders) == 2
    for placeholder in placeholders:
        with pytest.raises(ConfigError, match="placeholder"):
            demand_strong(placeholder.encode())


def test_fingerprint_does_not_give_the_key_away(tmp_path):
    store = make_store(tmp_path)
    person_key(store, KEY, "user")
    (entry,) = store.read("pseudonym_keys").to_pylist()
    assert KEY.decode() not in json.dumps(entry, default=str)
    assert len(entry["fingerprint"]) == 16
