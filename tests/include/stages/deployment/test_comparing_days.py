"""Served days are compared once they are over; rows that the two answer differently are drawn, recorded, and asked once."""

import sys
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from include.foundation.config.sections import Split
from include.foundation.errors import DeploymentError, NothingToDo, RegistryError, TrainingError
from include.foundation.store.ledgers.deployments import Deployment, append_deployment, history
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.deployment.comparing_days import compare_days
from include.stages.deployment.comparison_requests import request_drawn
from include.stages.deployment.watching import watch_deployment
from include.stages.selection.content import group_key
from tests.include.stages.deployment.comparison_builders import (
    answer_requests,
    compared,
    make_replaced_store,
    registry_of,
    serve,
)
from tests.include.stages.evaluation.judged_builders import DAY


def run(store, registry=None):
    return compare_days(store, registry or registry_of(store), watch_deployment(store))


def requests(store):
    return store.read("requests").to_pylist()


def test_day_that_is_over_is_compared_on_the_rows_that_the_champion_served(tmp_path):
    store = make_replaced_store(tmp_path, comparison_labels=48)
    serve(store, "aaa*20 aab*3 aba*2 abc*1")
    serve(store, "bbb*5 bba*5", day=-1, version="1")
    serve(store, "aab*7", day=1)
    registry = registry_of(store)
    report = run(store, registry)
    (day,) = compared(store)
    assert (day.rows, day.differing, day.share, day.number, day.day) == (26, 6, 6 / 26, 1, "2026-11-01")
    assert (day.champion, day.predecessor, len(day.drawn)) == ("2", "1", 6)
    assert Counter((row.trace_id[0], row.predecessor, row.champion) for row in day.drawn) == {
        ("a", "a", "b"): 3, ("a", "b", "a"): 2, ("a", "b", "c"): 1,
    }  # fmt: skip
    assert (report.days, report.rows, report.differing, report.requests) == (1, 26, 6, 6)
    registry.load.assert_called_once_with(run_id="run-1", version="1", files_digest="digest-1")


def test_drawn_rows_name_their_group(tmp_path):
    own = make_replaced_store(tmp_path)
    store = LoopStore(own.loop.model_copy(update={"split": Split(group="desk")}), str(tmp_path / "store"))
    serve(store, "aab*4", segment_desk="us")
    serve(store, "aab*4", day=1)
    run(store)
    (day,) = compared(store)
    assert {row.group_key for row in day.drawn} == {group_key(store.loop, {"segment_desk": "us"})}


def test_requests_are_blind_and_known_by_their_day(tmp_path):
    store = make_replaced_store(tmp_path, comparison_labels=10)
    serve(store, "aaa*20 aab*8")
    serve(store, "aaa", day=1)
    run(store)
    (day,) = compared(store)
    asked = requests(store)
    assert len(asked) == 2  # an eighth of those that are allowed, without a suspicion
    assert {(row["batch_id"], row["evidence_for"], row["stratum"], row["split"]) for row in asked} == {
        (day.subject, day.subject, "disagreement", "train")
    }
    assert {(row["hidden_prelabel"], row["inclusion_probability"]) for row in asked} == {(True, 0.25)}
    assert {row["asked_at"] for row in asked} == {DAY + timedelta(days=1)}


def test_run_again_asks_nothing_twice_and_loads_no_model(tmp_path):
    store = make_replaced_store(tmp_path)
    serve(store, "aab*30")
    serve(store, "aab*30", day=1)
    run(store)
    before, registry = requests(store), registry_of(store)
    assert run(store, registry).requests == 0
    assert requests(store) == before
    assert len(compared(store)) == 1
    registry.load.assert_not_called()


def test_killed_between_draw_and_requests_asks_about_the_rows_that_were_drawn(tmp_path, monkeypatch):
    store = make_replaced_store(tmp_path)
    serve(store, "aab*30")
    serve(store, "aab*30", day=1)
    with monkeypatch.context() as killed:
        killed.setattr("include.stages.deployment.comparing_days.request_drawn", lambda *_: sys.exit())
        with pytest.raises(SystemExit):
            run(store)
    (day,) = compared(store)
    assert run(store).requests == 4
    assert {row["trace_id"] for row in requests(store)} == {row.trace_id for row in day.drawn}


def test_content_is_asked_once_and_counts_for_every_row_of_it(tmp_path):
    """Rows are drawn, not contents: what is served ten times as often weighs ten times as much."""
    store = make_replaced_store(tmp_path, comparison_labels=96)
    serve(store, "aab*10 aab*10")
    same = store.read("predictions").to_pylist()
    rows = [row | {"input_text": "often"} if place < 15 else row for place, row in enumerate(same)]
    store.update_rows("predictions", rows_of(store.loop, "predictions", rows))
    serve(store, "aaa", day=1)
    run(store)
    (day,) = compared(store)
    often = [row for row in day.drawn if row.alike == 15]
    assert (len(day.drawn), {row.alike for row in day.drawn}) == (12, {1, 15})
    assert len(requests(store)) == 12 - len(often) + 1
    chances = {row["trace_id"]: row["inclusion_probability"] for row in requests(store)}
    assert {row.asked_trace_id for row in often} == {often[0].trace_id}
    assert chances.pop(often[0].trace_id) == 1.0  # twelve draws of twenty rows cannot miss fifteen
    assert set(chances.values()) == {12 / 20}
    assert request_drawn(store, day) == 0


def test_content_that_was_asked_about_before_is_not_asked_again(tmp_path):
    store = make_replaced_store(tmp_path, comparison_labels=60)
    serve(store, "aab*3")
    serve(store, "aab*3", day=1)
    again = [row | {"input_text": "the same"} for row in store.read("predictions").to_pylist()]
    store.update_rows("predictions", rows_of(store.loop, "predictions", again))
    run(store)
    serve(store, "aaa", day=2)
    assert run(store).requests == 0
    (request,) = requests(store)
    assert [len(day.drawn) for day in compared(store)] == [3, 3]
    assert {row.asked_trace_id for day in compared(store) for row in day.drawn} == {request["trace_id"]}


def test_answer_of_long_ago_does_not_count_and_the_content_is_asked_again(tmp_path):
    """What is right may have changed since; a champion that learnt that would lose to what was right before."""
    store = make_replaced_store(tmp_path)
    for day in (-60, -59, 0, 1):
        serve(store, "aab", day=day)
    again = [row | {"input_text": "the same"} for row in store.read("predictions").to_pylist()]
    store.update_rows("predictions", rows_of(store.loop, "predictions", again))
    assert run(store).requests == 2
    assert sorted(row["ts"] for row in requests(store)) == [DAY - timedelta(days=60), DAY]


def test_only_the_newest_days_are_caught_up_with_and_each_has_its_number(tmp_path):
    store = make_replaced_store(tmp_path)
    for day in range(12):
        serve(store, "aaa*3 aab*2", day=day)
    run(store)
    assert [(day.day, day.number) for day in compared(store)] == [
        (f"2026-11-{4 + n:02}", n) for n in range(1, 9) if n < 8
    ]
    serve(store, "aaa", day=12)
    run(store)
    assert (compared(store)[-1].day, compared(store)[-1].number) == ("2026-11-12", 8)


def test_day_of_more_rows_than_are_read_is_compared_on_a_sample(tmp_path, monkeypatch):
    monkeypatch.setattr("include.stages.deployment.comparing_days.MOST_ROWS", 10)
    store = make_replaced_store(tmp_path)
    serve(store, "aaa*30 aab*30")
    serve(store, "aaa", day=1)
    run(store)
    (day,) = compared(store)
    assert (day.rows, 0 < day.differing < 10) == (10, True)


@pytest.mark.parametrize("error", [RegistryError("gone"), DeploymentError("changed"), TrainingError("fails")])
def test_predecessor_that_cannot_be_asked_is_no_failure(tmp_path, error):
    store = make_replaced_store(tmp_path)
    serve(store, "aab*30")
    serve(store, "aab*30", day=1)
    registry = registry_of(store)
    registry.load.side_effect = error
    with pytest.raises(NothingToDo, match=f"Version 2 is not compared with its predecessor: {error}"):
        run(store, registry)
    registry.run_of.side_effect = {}.get
    with pytest.raises(NothingToDo, match="MLflow has no version 1 any more"):
        run(store, registry)
    assert compared(store) == []


def test_first_version_is_compared_with_none(tmp_path):
    store = make_replaced_store(tmp_path)
    append_deployment(store, Deployment("3", "2", "adopt", "a person said so", "third", None))
    serve(store, "aab*3", version="3")
    with pytest.raises(NothingToDo, match="Version 3 is compared with none"):
        run(store)


def test_no_label_is_asked_for_where_the_loop_file_allows_none(tmp_path):
    store = make_replaced_store(tmp_path, comparison_labels=0)
    serve(store, "aab*30")
    serve(store, "aab*30", day=1)
    with pytest.raises(NothingToDo, match="Version 2 is compared with none"):
        run(store)
    assert requests(store) == []


def test_verdict_on_a_version_that_was_replaced_since_compares_nothing(tmp_path):
    store = make_replaced_store(tmp_path)
    serve(store, "aab*30")
    serve(store, "aab*30", day=1)
    verdict = watch_deployment(store)
    append_deployment(
        store, replace(history(store)[-1], model_version="3", previous_version="2", evidence_digest="third")
    )
    with pytest.raises(NothingToDo, match="Version 3 went live since"):
        compare_days(store, registry_of(store), verdict)


def test_each_deployment_is_compared_anew(tmp_path):
    """After a rollback the version before is champion again, and what was drawn for its former life does not count."""
    store = make_replaced_store(tmp_path)
    serve(store, "aab*30")
    serve(store, "aab*30", day=1)
    run(store)
    answer_requests(store)
    append_deployment(store, Deployment("3", "2", "deploy", "better", "third", None))
    append_deployment(store, Deployment("2", "3", "rollback", "worse", "fourth", None))
    serve(store, "aab*20", day=2)
    serve(store, "aab*20", day=3)
    run(store)
    assert [(day.number, day.rows) for day in compared(store)] == [(1, 30), (1, 20)]
