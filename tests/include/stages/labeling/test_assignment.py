"""People are asked in turns: alike many rows each, every pair some together, and nobody again in the next tier."""

import json
from collections import Counter
from itertools import combinations

import pytest

from include.stages.labeling.assignment import assigned_people
from tests.builders import make_loop
from tests.include.stages.labels.label_builders import collect, pushed_store, write_answers

SIX = ["ada", "ben", "cleo", "dan", "eva", "fay"]


def assigned(loop, n=600, tier=1):
    return [assigned_people(loop, f"t{place}", "day", tier) for place in range(n)]


def test_everybody_is_asked_as_much_and_every_pair_shares_rows(tmp_path):
    asked = assigned(make_loop(tmp_path, labeling={"people": SIX}))
    assert {len(people) for people in asked} == {3}
    each = Counter(name for people in asked for name in people)
    pairs = Counter(pair for people in asked for pair in combinations(people, 2))
    assert all(value == pytest.approx(300, abs=50) for value in each.values())
    assert all(pairs[pair] == pytest.approx(120, abs=45) for pair in combinations(SIX, 2))


def test_who_joins_takes_over_some_rows_and_changes_no_others(tmp_path):
    before = assigned(make_loop(tmp_path, labeling={"people": SIX[:5]}))
    after = assigned(make_loop(tmp_path, labeling={"people": SIX}))
    for old, new in zip(before, after, strict=True):
        assert old == new or set(new) - set(old) == {"fay"}


def test_nobody_is_asked_again_in_the_next_tier_as_long_as_there_are_others(tmp_path):
    loop = make_loop(
        tmp_path, labeling={"people": SIX}, escalation={"tiers": [{"name": "reviewer", "overlap": 2, "people": SIX}]}
    )
    for first, second in zip(assigned(loop), assigned(loop, tier=2), strict=True):
        assert (len(second), set(first) & set(second)) == (2, set())
    few = make_loop(
        tmp_path, labeling={"people": SIX[:3]}, escalation={"tiers": [{"name": "reviewer", "people": SIX[:3]}]}
    )
    assert {len(people) for people in assigned(few, tier=2)} == {1}


def test_people_asked_about_a_row_are_of_several_groups_and_those_of_one_share_rows(tmp_path):
    groups = {"eu": SIX[:4], "us": SIX[4:5]}  # fay is of none
    asked = assigned(make_loop(tmp_path, labeling={"people": SIX, "overlap": 2, "groups": groups}))
    within = sum(set(people) <= set(SIX[:4]) for people in asked)
    assert 0 < within < 0.1 * len(asked)
    pairs = Counter(pair for people in asked for pair in combinations(people, 2))
    assert all(pairs[pair] > 0 for pair in combinations(SIX, 2))
    each = Counter(name for people in asked for name in people)
    assert each.keys() == set(SIX)
    without = assigned(make_loop(tmp_path, labeling={"people": SIX, "overlap": 2}))
    assert sum(set(people) <= set(SIX[:4]) for people in without) > 0.3 * len(asked)


def test_without_names_nobody_is_named(tmp_path):
    assert assigned(make_loop(tmp_path), 3) == [[], [], []]


def test_requests_say_who_is_asked_and_only_their_answers_count(tmp_path):
    store, requests = pushed_store(tmp_path, labeling={"people": SIX})
    [path] = (tmp_path / "labeling" / "requests").glob("*.jsonl")
    for line in map(json.loads, path.read_text().splitlines()):
        assert line["assigned_to"] == assigned_people(
            store.loop, line["trace_id"], store.read("requests")["batch_id"][0].as_py(), 1
        )
        assert len(line["assigned_to"]) == 3
    write_answers(tmp_path, "ada", dict.fromkeys(requests.values(), "earn"))
    write_answers(tmp_path, "stranger", dict.fromkeys(requests.values(), "earn"))
    report = collect(store)
    assert (report.new, report.refused) == (12, 12)
    refused = [row for row in store.read("quarantine").to_pylist() if row["stage"] == "answers"]
    assert {row["reason_code"] for row in refused} == {"not_of_the_tier"}
