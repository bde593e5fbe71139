"""Gold questions look like any other, lead to no label, and say how often each annotator is right."""

import json

import pytest

from include.foundation.store.ledgers.outcomes import current_labels
from include.stages.labeling.backends import backend_for
from include.stages.labeling.collecting import progress
from include.stages.labeling.pushing import push_requests
from include.stages.labels.label_validation import validate_labels
from include.stages.reports.gold_answers import gold_answers
from include.stages.selection.selecting import select_samples
from tests.builders import CLASSES, KEY, day
from tests.include.stages.labels.label_builders import (
    ANNOTATORS,
    ask,
    collect,
    everyone_answers,
    pushed_store,
    truth,
    write_answers,
)


@pytest.fixture
def first_day(tmp_path):
    """A loop whose first day was labeled alike by all, so that the second one may be asked with gold questions."""
    store, first = pushed_store(
        tmp_path,
        12,
        selection={"budget": 12, "diversify": "none"},
        labels={"consensus": "majority"},
        labeling={"gold_share": 0.5},
    )
    everyone_answers(tmp_path, first, truth)
    collect(store)
    validate_labels(store)
    return tmp_path, store, first


def second_day(folder, store):
    return ask(folder, store, range(30, 42), 1)


def gold_of(store):
    rows = store.read("requests", filters=[("stratum", "=", "gold")]).to_pylist()
    return {row["trace_id"]: row["request_id"] for row in rows}


def test_known_rows_are_asked_again_beside_the_batch_and_nothing_tells_them_apart(first_day):
    folder, store, first = first_day
    everything = second_day(folder, store)
    gold = gold_of(store)
    assert len(gold) == 6
    holdout = store.read("requests", filters=[("split", "=", "holdout")]).column("trace_id").to_pylist()
    assert gold.keys() < first.keys() - set(holdout)
    assert not set(gold.values()) & set(first.values())
    lines = [
        json.loads(line)
        for path in (folder / "labeling" / "requests").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    asked = {line["request_id"]: line for line in lines}
    for trace_id, request_id in gold.items():
        assert {k: v for k, v in asked[request_id].items() if k != "request_id"} == {
            k: v for k, v in asked[first[trace_id]].items() if k != "request_id"
        }
    assert len(everything) == 18
    report = select_samples(store, day(1))
    assert (report.requests, report.random + report.certainty) == (12, 12)


def test_answers_to_gold_questions_lead_to_no_label_and_say_who_is_right(first_day):
    folder, store, _ = first_day
    everything = second_day(folder, store)
    gold = gold_of(store)
    before = {row["trace_id"]: row["label_id"] for row in current_labels(store.read("labels")).to_pylist()}
    everyone_answers(folder, {name: request for name, request in everything.items() if name not in gold}, truth)
    for place, name in enumerate(ANNOTATORS):
        right = {request: truth(trace_id) for trace_id, request in gold.items()}
        wrong = {request: CLASSES[(CLASSES.index(label) + 1) % 3] for request, label in right.items()}
        write_answers(folder, name, right if place else wrong)
    collect(store)
    assert validate_labels(store).received == 12
    after = {row["trace_id"]: row["label_id"] for row in current_labels(store.read("labels")).to_pylist()}
    assert {name: after[name] for name in before} == before
    assert len(after) == 24
    assert sorted(share.value or 0.0 for share in gold_answers(store).values()) == [0.0, 1.0, 1.0]
    assert {share.rows for share in gold_answers(store).values()} == {6}
    assert progress(store, backend_for(store.loop, None), KEY).open == 0
    assert push_requests(store, backend_for(store.loop, None)).asked == 0


def test_without_known_answers_there_are_no_gold_questions(tmp_path):
    store, requests = pushed_store(tmp_path, 12, labeling={"gold_share": 0.5})
    assert (len(requests), gold_of(store), gold_answers(store)) == (12, {}, {})
