"""What became of contested requests, and what is held for a person, as the release notes say it."""

import pytest

from include.stages.labels.label_validation import validate_labels
from include.stages.reports.contested import contested, held, second_readings
from tests.include.stages.labels.label_builders import ANNOTATORS, collect, pushed_store, truth, write_answers
from tests.include.stages.labels.test_escalation import ids_of_tier, judged

SAID = {"t0": ("earn", "acq", "grain"), "t1": ("acq", "earn", "grain"), "t2": (None, None, "grain")}


@pytest.fixture
def contest(tmp_path):
    """Three contested requests of a loop without tiers, and three on which all agree."""
    labels = {"consensus": "majority", "max_set_aside": 1.0, "min_agreement": -1.0}
    store, requests = pushed_store(tmp_path, 6, labels=labels)
    for place, name in enumerate(ANNOTATORS):
        said = {r: SAID[t][place] if t in SAID else truth(t) for t, r in requests.items()}
        write_answers(tmp_path, name, said)
    judged(store)
    return store


def all_requests(store):
    return set(store.read("requests").column("request_id").to_pylist())


def test_each_contested_request_has_its_cause_its_answers_and_what_became_of_it(contest, tmp_path):
    asked = ids_of_tier(contest, 3)
    write_answers(tmp_path, "lea", {asked["t0"]: "acq"}, comment="page 2")
    write_answers(tmp_path, "lea", {asked["t2"]: None}, comment="no story")
    collect(contest)
    validate_labels(contest)
    found = [
        (each.trace_id, each.cause, each.said, each.outcome, each.decided_by, each.rationale)
        for each in contested(contest, all_requests(contest))
    ]
    assert found == [
        ("t0", "ambiguous", "1 acq, 1 earn, 1 grain", "acq", "lead", "page 2"),
        ("t1", "ambiguous", "1 acq, 1 earn, 1 grain", "not decided yet", "lead", ""),
        ("t2", "declined", "2 declined, 1 grain", "withdrawn", "lead", "withdrawn by tier lead: no story"),
    ]
    assert second_readings(contest, all_requests(contest))["became"] == "1 decided, 1 not decided yet, 1 withdrawn"
    waiting = held(contest)
    assert waiting is not None
    assert (waiting.count, waiting.request_ids) == (1, [asked["t1"]])
    assert "names the request_id" in waiting.where


def test_held_of_a_label_studio_loop_names_the_project(contest):
    labeling = contest.loop.labeling.model_copy(update={"backend": "label_studio"})
    contest.loop = contest.loop.model_copy(update={"labeling": labeling})
    waiting = held(contest)
    assert waiting is not None
    assert f"project '{contest.loop.name}: lead'" in waiting.where


def test_nothing_is_said_of_what_nobody_contests(tmp_path):
    store, requests = pushed_store(tmp_path, 3)
    assert (contested(store, set(requests.values())), contested(store, set()), held(store)) == ([], [], None)


def test_audits_are_not_contested(tmp_path):
    store, requests = pushed_store(tmp_path, 3, escalation={"tiers": [{"name": "reviewer"}], "audit_share": 1.0})
    for name in ANNOTATORS:
        write_answers(tmp_path, name, {request: truth(trace_id) for trace_id, request in requests.items()})
    assert judged(store).audited == 3
    assert (contested(store, all_requests(store)), held(store)) == ([], None)
