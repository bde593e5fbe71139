"""What a tier cannot decide, what is at stake and what is audited is asked of the next, whose last answer is final."""

import json
from datetime import UTC, datetime

import pytest

from include.foundation.store.ledgers.outcomes import current_labels
from include.stages.labeling.backends import backend_for
from include.stages.labeling.collecting import progress
from include.stages.labeling.pushing import push_requests
from include.stages.labels import label_validation
from include.stages.labels.label_validation import validate_labels
from tests.builders import CLASSES, KEY
from tests.include.stages.labels.label_builders import (
    ANNOTATORS,
    collect,
    everyone_answers,
    pushed_store,
    truth,
    write_answers,
)

START = datetime(2000, 1, 1, tzinfo=UTC)
REVIEWER, EXPERT = {"name": "reviewer"}, {"name": "expert", "overlap": 2}


def tiered(folder, *tiers, audit_share=0.0, rows=6, labels=None, **escalation):
    labels = {"consensus": "majority", "max_set_aside": 1.0, **(labels or {})}
    section = {"tiers": list(tiers), "audit_share": audit_share, **escalation}
    return pushed_store(folder, rows, labels=labels, escalation=section)


def disagree(folder, requests):
    for place, name in enumerate(ANNOTATORS):
        write_answers(folder, name, dict.fromkeys(requests.values(), CLASSES[place]))


def judged(store):
    collect(store)
    report = validate_labels(store)
    push_requests(store, backend_for(store.loop, None))
    return report


def of_tier(store, number):
    rows = store.read("requests", filters=[("tier", "=", number)]).to_pylist()
    return {row["trace_id"]: row for row in rows}


def ids_of_tier(store, number):
    return {trace_id: row["request_id"] for trace_id, row in of_tier(store, number).items()}


def labels_of(store):
    return {row["trace_id"]: row for row in current_labels(store.read("labels")).to_pylist()}


def test_contested_requests_go_to_the_next_tier_whose_answer_is_the_label(tmp_path):
    store, requests = tiered(tmp_path, REVIEWER)
    disagree(tmp_path, requests)
    report = judged(store)
    assert (report.escalated, report.set_aside, report.accepted) == (len(requests), 0, 0)
    first, second = of_tier(store, 1), of_tier(store, 2)
    for trace_id, row in second.items():
        kept = (
            "stratum",
            "split",
            "inclusion_probability",
            "content_key",
            "near_key",
            "batch_id",
            "ts",
            "evidence_for",
        )
        assert [row[name] for name in kept] == [first[trace_id][name] for name in kept]
        assert (row["escalates"], row["hidden_prelabel"]) == (requests[trace_id], True)
        assert row["reasons"][0] == "annotators did not agree", "a blind tier does not read what was answered"
    assert progress(store, backend_for(store.loop, None), KEY).open == len(requests)
    write_answers(tmp_path, "eva", {row["request_id"]: "grain" for row in second.values()}, comment="see page 2")
    assert judged(store).accepted == len(requests)
    for row in labels_of(store).values():
        assert (row["label"], row["tier"], row["decided_by"], row["rationale"]) == (
            "grain",
            2,
            "reviewer",
            "see page 2",
        )
    assert progress(store, backend_for(store.loop, None), KEY).open == 0
    assert not [row for row in store.read("quarantine").to_pylist() if row["stage"] == "labels"]


def test_tier_that_sees_answers_is_told_what_was_said(tmp_path):
    store, requests = tiered(tmp_path, {**REVIEWER, "shows_answers": True})
    disagree(tmp_path, requests)
    judged(store)
    for row in of_tier(store, 2).values():
        assert row["reasons"][0].startswith(
            "annotators did not agree: confidence 0.33 is below 0.80: annotators said {"
        )


def test_last_tier_decides_also_when_its_votes_are_even_or_break_a_rule(tmp_path):
    rule = {"name": "never_grain", "input": "text", "when": "story", "deny": ["grain"]}
    store, requests = tiered(tmp_path, REVIEWER, EXPERT, labels={"rules": [rule]})
    disagree(tmp_path, requests)
    judged(store)
    write_answers(tmp_path, "rev", dict.fromkeys(ids_of_tier(store, 2).values(), "grain"))  # which breaks a rule
    assert judged(store).escalated == len(requests)
    third = ids_of_tier(store, 3)
    write_answers(tmp_path, "eva", dict.fromkeys(third.values(), "grain"))
    write_answers(tmp_path, "eve", dict(zip(third.values(), [*["grain"] * 3, *["earn"] * 3], strict=True)))
    assert (judged(store).accepted, len(labels_of(store))) == (6, 6)
    said = [labels_of(store)[trace_id]["label"] for trace_id in third]
    assert said[:3] == ["grain"] * 3
    assert set(said[3:]) <= {"grain", "earn"}


def test_what_the_last_tier_declines_is_withdrawn_by_people_with_their_reason(tmp_path):
    store, requests = tiered(tmp_path, REVIEWER)
    disagree(tmp_path, requests)
    judged(store)
    write_answers(tmp_path, "rev", dict.fromkeys(ids_of_tier(store, 2).values(), None), comment="unreadable")
    report = judged(store)
    assert (report.accepted, report.set_aside) == (0, len(requests))
    rows = [row for row in store.read("quarantine").to_pylist() if row["stage"] == "labels"]
    assert {row["reason_code"] for row in rows} == {"withdrawn"}
    assert {row["reason"] for row in rows} == {"withdrawn by tier reviewer: unreadable"}


def test_high_stakes_wait_for_the_next_tier_though_the_first_agrees(tmp_path):
    stakes = [{"name": "grain", "classes": ["grain"]}, {"name": "three", "input": "text", "when": r"xxx D"}]
    store, requests = tiered(tmp_path, {**REVIEWER, "shows_answers": True}, high_stakes=stakes)
    everyone_answers(tmp_path, requests, truth)
    judged(store)
    escalated = of_tier(store, 2)
    assert escalated.keys() == {trace_id for trace_id in requests if truth(trace_id) == "grain"} | {"t3"}
    assert labels_of(store).keys() == requests.keys() - escalated.keys()
    assert {row["reasons"][0] for row in escalated.values()} == {"high stakes: grain", "high stakes: three"}


def test_share_of_labels_is_audited_and_the_answer_of_the_next_tier_counts(tmp_path):
    store, requests = tiered(tmp_path, REVIEWER, audit_share=1.0)
    everyone_answers(tmp_path, requests, truth)
    report = judged(store)
    assert (report.accepted, report.audited) == (len(requests), len(requests))
    assert len(labels_of(store)) == len(requests), "an audit holds no label up"
    asked = ids_of_tier(store, 2)
    write_answers(tmp_path, "rev", {request: truth(trace_id) for trace_id, request in asked.items()})
    assert judged(store).accepted == len(requests)
    assert {row["tier"] for row in labels_of(store).values()} == {2}
    assert progress(store, backend_for(store.loop, None), KEY).open == 0
    assert judged(store).received == 0


def test_answers_that_come_after_the_next_tier_was_asked_decide_nothing(tmp_path):
    store, requests = tiered(tmp_path, REVIEWER)
    disagree(tmp_path, requests)
    judged(store)
    write_answers(tmp_path, "late", dict.fromkeys(requests.values(), "earn"))
    write_answers(tmp_path, "later", dict.fromkeys(requests.values(), "earn"))
    assert judged(store).received == 0
    assert labels_of(store) == {}


@pytest.mark.parametrize("dies_at", ["rows_of", "audit_rows", "demand_good_batch"])
def test_killed_anywhere_and_run_again_nothing_is_asked_twice_or_lost(tmp_path, monkeypatch, dies_at):
    store, requests = tiered(tmp_path, REVIEWER, audit_share=1.0)
    contested = dict(sorted(requests.items())[:3])
    agreed = dict(sorted(requests.items())[3:])
    disagree(tmp_path, contested)
    everyone_answers(tmp_path, agreed, truth)
    collect(store)
    calls = 0

    def die(*arguments, **named):
        nonlocal calls
        calls += 1
        if calls > (dies_at == "rows_of"):
            raise KeyboardInterrupt
        return alive(*arguments, **named)

    alive = getattr(label_validation, dies_at)
    with monkeypatch.context() as patched:
        patched.setattr(label_validation, dies_at, die)
        with pytest.raises(KeyboardInterrupt):
            validate_labels(store)
    validate_labels(store)
    assert len(of_tier(store, 2)) == len(requests)
    assert labels_of(store).keys() == agreed.keys()
    assert validate_labels(store).received == 0


def test_second_reader_is_somebody_else_and_of_the_tier(tmp_path):
    store, requests = tiered(tmp_path, {**REVIEWER, "people": ["rev", "ann"]})
    disagree(tmp_path, requests)
    judged(store)
    second = ids_of_tier(store, 2)
    write_answers(tmp_path, "ann", dict.fromkeys(second.values(), "grain"))  # answered in the first tier
    write_answers(tmp_path, "zoe", dict.fromkeys(second.values(), "grain"))  # is not of the tier
    assert progress(store, backend_for(store.loop, None), KEY).answered == 0
    report = collect(store)
    assert (report.new, report.refused) == (0, 2 * len(second))
    refused = [row for row in store.read("quarantine").to_pylist() if row["stage"] == "answers"]
    assert {row["reason_code"] for row in refused} == {"answered_before", "not_of_the_tier"}
    assert not [row for row in refused if '"ann"' in row["raw"] or '"zoe"' in row["raw"]], "people are pseudonyms"
    write_answers(tmp_path, "rev", dict.fromkeys(second.values(), "grain"))
    assert progress(store, backend_for(store.loop, None), KEY).answered == len(second)
    assert judged(store).accepted == len(second)
    assert collect(store).refused == 0


def test_answer_that_names_the_row_is_one_to_the_first_tier(tmp_path):
    store, requests = tiered(tmp_path, REVIEWER)
    disagree(tmp_path, requests)
    judged(store)
    path = tmp_path / "labeling" / "answers" / "dan.jsonl"
    answer = {"annotator": "dan", "label": "grain", "created_at": "2026-03-12T08:00:00+00:00"}
    path.write_text("".join(json.dumps({**answer, "trace_id": trace_id}) + "\n" for trace_id in requests))
    assert judged(store).received == 0
    asked = store.read("annotations", filters=[("created_at", ">", START)]).column("request_id").to_pylist()
    assert set(ids_of_tier(store, 2).values()).isdisjoint(asked)


def test_tier_has_an_overlap_and_a_deadline_of_its_own(tmp_path):
    store, requests = tiered(tmp_path, {**EXPERT, "deadline_hours": 1e-6})
    disagree(tmp_path, requests)
    judged(store)
    look = progress(store, backend_for(store.loop, None), KEY)
    assert (look.open, look.complete, look.reason) == (6, True, "deadline: 1e-06 hours passed, 0 of 6 answered")
    write_answers(tmp_path, "eva", dict.fromkeys(ids_of_tier(store, 2).values(), "grain"))
    assert progress(store, backend_for(store.loop, None), KEY).answered == 0, "two are asked"
    assert judged(store).accepted == 6, "what came in until the deadline decides"
