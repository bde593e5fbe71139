"""What each tier did and cost, and how often the next confirmed it."""

import pytest

from include.foundation.statistics.estimates import UNKNOWN
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
