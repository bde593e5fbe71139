"""The verdict on a champion that has a predecessor: broken, harder, kept, or what is missing, and what would change it."""

from datetime import timedelta

import pytest

from include.foundation.store.rows import rows_of
from include.stages.deployment.comparing_days import compare_days
from include.stages.deployment.watching import watch_deployment
from tests.include.stages.deployment.comparison_builders import (
    answer_requests,
    make_replaced_store,
    registry_of,
    serve,
)
from tests.include.stages.evaluation.judged_builders import answered_rows

ALIKE, WORSE, BETTER = "aaa*60 aab*10 aba*10", "aaa*60 aab*18 aba*2", "aaa*60 aab*2 aba*18"


def live(store, days, answers, first=0):
    """Serve and compare days, and label what was asked; the last day is not over yet."""
    for day in range(first, first + days):
        serve(store, answers, day=day)
        verdict = watch_deployment(store)
        if verdict.ask:
            compare_days(store, registry_of(store), verdict)
            answer_requests(store)
    return watch_deployment(store)


def label_random(store, right, wrong, day=0):
    """Label random rows that version 2 answered."""
    rows = [
        row | {"predicted": "a" if place < right else "b", "model_version": "2", "ts": row["ts"] + timedelta(days=day)}
        for place, row in enumerate(answered_rows(f"aaa*{right + wrong}", start=10_000 * (day + 1)))
    ]
    store.append_new("labels", rows_of(store.loop, "labels", rows))


@pytest.mark.parametrize("good_days", [1, 12])
def test_champion_that_becomes_worse_is_broken_whenever_that_comes(tmp_path, good_days):
    store = make_replaced_store(tmp_path)
    assert live(store, good_days, ALIKE).outcome in {"inconclusive", "kept"}
    verdict = live(store, 12, WORSE, first=good_days)
    assert (verdict.outcome, verdict.predecessor, verdict.ask) == ("broken", "1", 0)
    assert verdict.worse_e_value >= verdict.needed == 20
    assert verdict.difference.high < 0
    assert verdict.reasons[-1] == "Version 1 is put back."


def test_more_labels_are_asked_for_once_there_is_a_suspicion(tmp_path):
    store = make_replaced_store(tmp_path, comparison_labels=10)
    assert live(store, 1, WORSE).ask == 2
    asked = [live(store, 1, WORSE, first=day).ask for day in range(1, 6)]
    assert 10 in asked
    assert live(make_replaced_store(tmp_path / "better", comparison_labels=10), 6, BETTER).ask == 2


def test_champion_that_is_better_is_kept_and_says_what_would_change_that(tmp_path):
    verdict = live(make_replaced_store(tmp_path), 12, BETTER)
    assert (verdict.outcome, verdict.difference.low > -0.02) == ("kept", True)
    assert verdict.reasons[0].startswith(
        "On the same rows, of which they answer 25.0% differently, version 2 scores 0."
    )
    assert verdict.reasons[-1] == "What would change that: 4 labels a day, asked for where the two differ."


def test_champion_that_answers_as_its_predecessor_is_kept_without_a_label(tmp_path):
    verdict = live(make_replaced_store(tmp_path), 3, "aaa*50")
    assert (verdict.outcome, verdict.difference.rows, verdict.score.rows) == ("kept", 0, 0)


def test_undecided_is_inconclusive_and_says_what_will_tell(tmp_path):
    verdict = live(make_replaced_store(tmp_path), 3, ALIKE)
    assert verdict.outcome == "inconclusive"
    assert verdict.reasons[-1] == "What will tell: 4 labels a day, asked for where the two differ."


def test_traffic_that_got_harder_for_both_is_told_and_never_broken(tmp_path):
    store = make_replaced_store(tmp_path)
    live(store, 5, BETTER)
    label_random(store, 10, 90, day=5)
    verdict = live(store, 10, "abb*40 aaa*20 aab*2 aba*18", first=5)
    assert (verdict.outcome, verdict.e_value >= verdict.needed > verdict.worse_e_value) == ("harder", True)
    assert verdict.reasons[-1] == "What is served got harder for both: a rollback would not help, retrain."


def test_score_below_the_promise_that_no_comparison_explains_is_told_as_that(tmp_path):
    store = make_replaced_store(tmp_path)
    label_random(store, 10, 90)
    verdict = live(store, 2, ALIKE)
    assert verdict.outcome == "below_promise"
    assert verdict.reasons[-1].startswith("Retrain. What tells whether a rollback helps: 4 labels a day")


def test_predecessor_that_cannot_be_asked_leaves_the_promise_alone(tmp_path):
    store = make_replaced_store(tmp_path)
    label_random(store, 100, 0)
    verdict = watch_deployment(store)
    assert (verdict.outcome, verdict.worse_e_value) == ("kept", 1.0)
    assert verdict.reasons[0] == "Version 2 was not compared with version 1 of late; see request_comparison."
    label_random(store, 0, 200, day=1)
    assert watch_deployment(store).outcome == "below_promise"


def test_comparison_of_long_ago_says_nothing_of_now(tmp_path):
    store = make_replaced_store(tmp_path)
    live(store, 8, BETTER, first=-60)
    label_random(store, 10, 0)
    serve(store, "aaa*5")
    verdict = watch_deployment(store)
    assert verdict.difference.value is None
    assert verdict.outcome == "inconclusive"
