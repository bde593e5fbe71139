"""What each tier did and cost, and how often the next confirmed it."""

from datetime import timedelta

import pytest

from include.foundation.statistics.estimates import UNKNOWN
from include.foundation.store.rows import rows_of
from include.stages.labeling.backends import backend_for
from include.stages.labeling.pushing import push_requests
from include.stages.labels.label_validation import validate_labels
from include.stages.reports.tier_work import tier_work
from tests.include.stages.labels.label_builders import ANNOTATORS, collect, pushed_store, truth, write_answers

REVIEWER = {"name": "reviewer", "price_per_minute": 2.0}


@pytest.fixture
def audited(tmp_path):
    """Six labels of the first tier, all audited: the reviewer says otherwise on one, and does not answer another."""
    store, requests = pushed_store(
        tmp_path,
        6,
        labels={"consensus": "majority"},
        labeling={"price_per_minute": 0.5},
        escalation={"tiers": [REVIEWER], "audit_share": 1.0},
    )
    for name in ANNOTATORS:
        answers = {request: truth(trace_id) for trace_id, request in requests.items()}
        write_answers(tmp_path, name, answers, **({"lead_time_seconds": 10} if name != "cat" else {}))
    collect(store)
    validate_labels(store)
    push_requests(store, backend_for(store.loop, None))
    second = {
        row["trace_id"]: row["request_id"] for row in store.read("requests", filters=[("tier", "=", 2)]).to_pylist()
    }
    wrong, unanswered, *right = sorted(second)
    said = {second[trace_id]: truth(trace_id) for trace_id in right}
    said[second[wrong]] = next(name for name in ("earn", "acq", "grain") if name != truth(wrong))
    write_answers(tmp_path, "rev", said, lead_time_seconds=30)
    collect(store)
    validate_labels(store)
    return store, {*requests.values(), *second.values()}, second[unanswered]


def test_minutes_and_prices_make_what_a_tier_costs(audited):
    store, requests, _ = audited
    first, reviewer = tier_work(store, requests)
    assert (first.name, first.asked, first.answered, first.labels) == ("first", 6, 6, 6)
    assert (first.minutes, first.timed, first.cost) == (pytest.approx(2), (12, 18), pytest.approx(1))
    assert (reviewer.name, reviewer.asked, reviewer.answered, reviewer.labels) == ("reviewer", 6, 5, 5)
    assert (reviewer.minutes, reviewer.timed, reviewer.cost) == (pytest.approx(2.5), (5, 5), pytest.approx(5))


def test_audits_say_how_often_a_tier_was_right_with_an_interval(audited):
    store, requests, _ = audited
    first, reviewer = tier_work(store, requests)
    assert (first.confirmed.value, first.confirmed.rows) == (pytest.approx(0.8), 5)
    assert first.confirmed.low == pytest.approx(0.2836, abs=1e-4)  # Clopper & Pearson of 4 of 5
    assert reviewer.confirmed == UNKNOWN


def test_work_is_that_on_the_requests_in_question(audited):
    store, _, unanswered = audited
    [reviewer] = tier_work(store, {unanswered})
    assert (reviewer.asked, reviewer.answered, reviewer.minutes, reviewer.cost) == (1, 0, None, None)
    assert tier_work(store, set()) == []


def test_service_level_counts_what_was_answered_in_full_or_is_late(audited):
    store, requests, unanswered = audited
    first, reviewer = tier_work(store, requests)
    assert (first.in_time.value, first.in_time.rows) == (1.0, 6)
    assert (reviewer.in_time.value, reviewer.in_time.rows) == (1.0, 5), "what is still in time does not count"
    [row] = store.read("requests", filters=[("request_id", "=", unanswered)]).to_pylist()
    late = row | {"pushed_at": row["pushed_at"] - timedelta(hours=100)}
    store.update_rows("requests", rows_of(store.loop, "requests", [late]))
    assert tier_work(store, requests)[1].in_time.value == pytest.approx(5 / 6)
    [row] = (
        store.read("requests", filters=[("request_id", "in", sorted(requests)), ("tier", "=", 1)])
        .slice(0, 1)
        .to_pylist()
    )
    answered = [
        each["created_at"]
        for each in store.read("annotations", filters=[("request_id", "=", row["request_id"])]).to_pylist()
    ]
    early = row | {"pushed_at": max(answered) - timedelta(hours=30)}
    store.update_rows("requests", rows_of(store.loop, "requests", [early]))
    assert tier_work(store, {row["request_id"]})[0].hours == pytest.approx(30)
