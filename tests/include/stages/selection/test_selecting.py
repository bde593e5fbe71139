import itertools
from datetime import timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from include.foundation.decisions import SelectedBatch, find
from include.foundation.errors import ContractError, NothingToDo
from include.foundation.store.rows import rows_of
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import random_rows, select_samples
from include.stages.selection.vectors import features
from tests.builders import DAY, KEY, day, line, make_store, write_lines
from tests.include.stages.selection.selection_builders import (
    CLASSES,
    day_interval,
    make_selection_loop,
    make_selection_store,
    prediction_row,
    prediction_rows,
    requests_of,
    say,
)

A_DAY = timedelta(days=1)


def test_selection_splits_the_budget_into_holdout_and_train(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(30))
    report = select_samples(store, day_interval())
    assert (report.random, report.certainty, report.requests, report.frame_rows) == (4, 6, 10, 30)
    kinds = {(row["stratum"], row["split"], row["inclusion_probability"]) for row in requests_of(store)}
    assert kinds == {("random", "holdout", 4 / 30), ("certainty", "train", 1.0)}


def test_selection_says_why_each_row_was_chosen(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(30))
    select_samples(store, day_interval())
    assert {tuple(row["reasons"]) for row in requests_of(store, stratum="random")} == {("random draw: 4 of 30 rows",)}
    reasons = [row["reasons"][0] for row in requests_of(store, stratum="certainty")]
    assert all(reason.startswith("the model is unsure: margin score 0.") for reason in reasons)


def test_reasons_name_no_class_since_annotators_read_them_where_the_prelabel_is_hidden(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(30))
    select_samples(store, day_interval())
    assert not [row["reasons"] for row in requests_of(store) if any(name in row["reasons"][0] for name in CLASSES)]


def test_selection_asks_in_log_time_and_with_the_prediction_as_prelabel(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(30))
    select_samples(store, day_interval())
    logged = {row["trace_id"]: row for row in prediction_rows(30)}
    for row in requests_of(store):
        assert row["asked_at"] == day_interval().end
        assert row["prelabel"] == logged[row["trace_id"]]["predicted"]
        assert row["prelabel_confidence"] == logged[row["trace_id"]]["confidence"]
        assert (row["external_id"], row["evidence_for"]) == (None, None)


def test_selection_counts_rows_that_came_after_the_draw_of_their_day(tmp_path):
    """A file that was damaged and mended: its rows can be in no draw."""
    store = make_store(tmp_path)
    for number, lines in enumerate([[line(n) for n in range(9)], [line(n, when=DAY + A_DAY) for n in range(10, 19)]]):
        write_lines(tmp_path, [*lines, *([line(30), line(31)] if number else [])], f"{number}.jsonl")
        pull_logs(store, day(number), KEY)
        select_samples(store, day(number))
    first, second = find(store, SelectedBatch)
    assert not any("logged before it" in reason for reason in first.reasons)
    assert second.reasons[1].startswith("2 rows that were read for it were logged before it")
    assert second.frame_rows == 9


def test_selection_again_returns_the_same_report_and_writes_nothing(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(30))
    first = select_samples(store, day_interval())
    versions = [store.version(name) for name in ("requests", "decisions")]
    assert select_samples(store, day_interval(), budget=25) == first
    assert [store.version(name) for name in ("requests", "decisions")] == versions


def test_selection_does_not_depend_on_the_order_rows_came_in(tmp_path):
    batches = []
    for seed in range(2):
        store = make_selection_store(tmp_path / str(seed), prediction_rows(40), seed=seed)
        select_samples(store, day_interval())
        batches.append(requests_of(store))
    assert batches[0] == batches[1]


def test_selection_looks_at_its_interval_only(tmp_path):
    rows = [*prediction_rows(5, day=0), *prediction_rows(5, day=1), *prediction_rows(5, day=2)]
    store = make_selection_store(tmp_path, rows)
    report = select_samples(store, day_interval(1))
    assert report.frame_rows == 5
    assert {row["trace_id"][:2] for row in requests_of(store)} == {"d1"}


def test_selection_asks_for_a_content_once_to_train_on_it_and_once_to_judge(tmp_path):
    texts = ["oil rig", "wheat crop", "net income", "cargo port", "rate cut"]
    same = [prediction_row(number, day=day, input_text=text) for day in range(3) for number, text in enumerate(texts)]
    blind = make_selection_loop(labeling={"hidden_prelabel_share": 1.0})
    store = make_selection_store(tmp_path, same, loop=blind)
    select_samples(store, day_interval(0), budget=3)
    select_samples(store, day_interval(1), budget=9)
    select_samples(store, day_interval(2))
    keys = [(row["content_key"], row["stratum"]) for row in requests_of(store)]
    assert len(keys) == len(set(keys))
    assert len({content for content, _ in keys}) == 5


def test_selection_asks_for_everything_when_the_frame_is_smaller_than_the_budget(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(7))
    report = select_samples(store, day_interval(), budget=10)
    assert (report.random, report.certainty) == (4, 3)


def test_selection_draws_at_random_before_anything_else_when_rows_are_few(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(3))
    report = select_samples(store, day_interval(), budget=10)
    assert (report.random, report.certainty) == (3, 0)
    assert {row["inclusion_probability"] for row in requests_of(store)} == {1.0}


@pytest.mark.parametrize("budget", [0, -1])
def test_selection_without_a_budget_has_nothing_to_do(tmp_path, budget):
    store = make_selection_store(tmp_path, prediction_rows(3))
    with pytest.raises(NothingToDo, match=f"budget is {budget}"):
        select_samples(store, day_interval(), budget=budget)
    assert (store.version("requests"), store.version("decisions")) == (None, None)


def test_selection_from_an_empty_interval_has_nothing_to_do(tmp_path):
    with pytest.raises(NothingToDo, match="No row"):
        select_samples(make_selection_store(tmp_path, []), day_interval())


def test_selection_without_probabilities_covers_the_inputs_and_says_so(tmp_path):
    """A model that logs no probabilities must still get labels to train on, or its loop would never turn."""
    rows = [prediction_row(number, probabilities=None, confidence=None) for number in range(20)]
    store = make_selection_store(tmp_path, rows)
    report = select_samples(store, day_interval())
    chosen = requests_of(store, stratum="certainty")
    assert report.random == 4
    assert len(chosen) == report.certainty > 0
    assert {row["score"] for row in chosen} == {None}
    assert all("chosen to cover different inputs" in row["reasons"][0] for row in chosen)
    assert "20 rows have no probabilities" in " ".join(find(store, SelectedBatch)[0].reasons)


def test_selection_reads_older_rows_after_a_class_was_appended(tmp_path):
    loop = make_selection_loop(task={"kind": "classification", "classes": [*CLASSES, "trade"]})
    store = make_selection_store(tmp_path, prediction_rows(20), loop=loop)
    assert select_samples(store, day_interval()).certainty == 6


def test_selection_refuses_probabilities_that_do_not_sum_to_one(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(20, probabilities=[0.5, 0.2, 0.2]))
    with pytest.raises(ContractError, match=r"sum to 0\.900"):
        select_samples(store, day_interval())
    assert store.version("requests") is None


@pytest.mark.parametrize("diversify", ["clusters", "none"])
def test_selection_takes_no_two_certain_rows_that_nearly_say_the_same(tmp_path, diversify):
    words = " ".join(f"word{letter}" for letter in "abcdefghijklmnopqrst")
    rows = [prediction_row(number, input_text=f"{words} {'xyz' * (number + 1)}") for number in range(20)]
    loop = make_selection_loop(selection={"budget": 10, "random_share": 0.0, "diversify": diversify})
    store = make_selection_store(tmp_path, [*rows, *prediction_rows(30)[20:]], loop=loop)
    select_samples(store, day_interval())
    requested = {row["trace_id"] for row in requests_of(store)}
    chosen = [row for row in [*rows, *prediction_rows(30)[20:]] if row["trace_id"] in requested]
    vectors = features(loop, rows_of(loop, "predictions", chosen)).toarray()
    assert len(chosen) == 10
    assert all(first @ second < 0.95 for first, second in itertools.combinations(vectors, 2))


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_prelabels_of_random_rows_are_hidden_and_a_share_of_the_others(tmp_path, share):
    loop = make_selection_loop(
        selection={"budget": 300, "random_share": 0.5}, labeling={"hidden_prelabel_share": share}
    )
    store = make_selection_store(tmp_path, prediction_rows(600), loop=loop)
    select_samples(store, day_interval())
    assert [row["hidden_prelabel"] for row in requests_of(store, stratum="random")] == [True] * 150
    hidden = [row["hidden_prelabel"] for row in requests_of(store, stratum="certainty")]
    say(f"{sum(hidden)} of {len(hidden)} hidden, expected {share}")
    assert len(hidden) == 150
    assert abs(sum(hidden) - share * 150) <= 3.6 * (150 * share * (1 - share)) ** 0.5


def test_selection_records_its_numbers_and_policy(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(30))
    report = select_samples(store, day_interval())
    decision = find(store, SelectedBatch, day_interval().key)[0]
    assert (decision.outcome, decision.random, decision.certainty) == ("asked", 4, 6)
    assert decision.policy == store.loop.selection.model_dump(mode="json")
    assert str(report.requests) in decision.reasons[0]


@settings(max_examples=15, deadline=None)
@given(rows=st.integers(1, 25), budget=st.integers(1, 30), share=st.floats(0, 1))
def test_selection_never_asks_for_more_than_the_budget(tmp_path_factory, rows, budget, share):
    loop = make_selection_loop(selection={"random_share": share})
    store = make_selection_store(tmp_path_factory.mktemp("budget"), prediction_rows(rows), loop=loop)
    report = select_samples(store, day_interval(), budget=budget)
    requests = requests_of(store)
    assert report.requests == len(requests) <= min(budget, rows)
    assert report.random == min(rows, random_rows(budget, share))


@given(budget=st.integers(1, 10_000), share=st.floats(0, 1))
def test_random_rows_are_within_the_budget_and_none_only_without_a_share(budget, share):
    assert 0 <= random_rows(budget, share) <= budget
    assert (random_rows(budget, share) == 0) == (share == 0)
