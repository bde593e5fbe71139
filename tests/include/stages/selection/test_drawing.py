"""The random stratum: every row as served is equally likely to be drawn, and a content is asked once for all of them."""

from collections import Counter
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from scipy import stats

from include.foundation.decisions import SelectedBatch, find
from include.foundation.errors import NothingToDo
from include.foundation.intervals import Interval
from include.foundation.store.ledgers.deployments import BEGINNING
from include.foundation.store.tables import LoopStore
from include.stages.selection.content import content_key, former_key, split_point
from include.stages.selection.drawing import draw_rows
from include.stages.selection.selecting import select_samples
from include.stages.selection.window import Wanted, WindowReader
from tests.include.stages.selection.selection_builders import (
    DAY,
    add_rows,
    day_interval,
    make_selection_loop,
    make_selection_store,
    prediction_row,
    prediction_rows,
    requests_of,
    say,
)

DRAWS = 200


def popular(*, day: int, copies: int = 12, others: int = 8) -> list[dict[str, Any]]:
    """Return a day on which one content was served often and others once; every day has the same contents."""
    texts = [prediction_row(number)["input_text"] for number in range(others)]
    often = [prediction_row(100 + copy, day=day, input_text=texts[0]) for copy in range(copies)]
    return often + [prediction_row(number, day=day, input_text=text) for number, text in enumerate(texts)]


def draws_of(store: LoopStore, **conditions: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = store.read(
        "draws", filters=[(name, "=", value) for name, value in conditions.items()] or None
    ).to_pylist()
    return rows


def label_of(request: dict[str, Any], **changes: Any) -> dict[str, Any]:
    copied = ("trace_id", "request_id", "split", "stratum", "inclusion_probability", "content_key", "near_key", "ts")
    said = {"label_id": f"l-{request['request_id']}", "label": "acq", "decided_by": "majority", "origin": "annotation"}
    return {name: request[name] for name in copied} | said | {"decided_at": request["ts"]} | changes


def test_every_row_is_drawn_as_often_as_its_probability_says_however_often_its_content_was_served(tmp_path):
    rows = popular(day=0)
    store = make_selection_store(tmp_path, rows)
    counts: Counter[str] = Counter()
    for hours in range(DRAWS):
        interval = Interval(DAY - timedelta(hours=hours), DAY + timedelta(hours=1))
        drawn = draw_rows(store, interval, WindowReader(store, interval).read(Wanted(5)).first).to_pylist()
        assert {row["inclusion_probability"] for row in drawn} == {5 / 20}
        counts.update(row["trace_id"] for row in drawn)
    low, high = stats.binom.interval(1 - 1e-3 / len(rows), DRAWS, 5 / 20)
    rates = [counts[row["trace_id"]] / DRAWS for row in rows]
    say(f"{DRAWS} draws, stored {5 / 20}, observed {min(rates)} to {max(rates)}")
    assert all(low <= counts[row["trace_id"]] <= high for row in rows)
    assert np.isclose(sum(rates), 5)


def test_a_content_is_asked_once_and_its_answer_counts_for_every_drawn_row_of_it(tmp_path):
    loop = make_selection_loop(selection={"budget": 10, "random_share": 1.0})
    store = make_selection_store(tmp_path, [*popular(day=0), *popular(day=1)], loop=loop)
    first, second = (select_samples(store, day_interval(day)) for day in range(2))
    drawn = draws_of(store)
    assert len(drawn) == first.drawn + second.drawn == 20
    keys = [row["content_key"] for row in requests_of(store)]
    assert len(keys) == len(set(keys)) == first.requests + second.requests < 20
    asked = {row["content_key"]: row["trace_id"] for row in requests_of(store)}
    assert all(row["asked_trace_id"] == asked[row["content_key"]] for row in drawn)
    assert "drawn rows have the answer of an earlier request" in find(store, SelectedBatch)[-1].reasons[0]


def test_measuring_never_runs_dry(tmp_path):
    """Every content has been asked: rows are drawn all the same, and nobody is asked."""
    store = make_selection_store(tmp_path, [row for day in range(4) for row in popular(day=day, others=2)])
    reports = [select_samples(store, day_interval(day)) for day in range(4)]
    assert [report.drawn for report in reports] == [4] * 4
    assert reports[-1].requests == 0
    assert select_samples(store, day_interval(3)) == reports[-1]


def test_the_split_of_a_content_never_changes(tmp_path):
    loops = [
        make_selection_loop(selection={"budget": 8, "random_share": share}, labeling={"hidden_prelabel_share": 1.0})
        for share in (0.0, 1.0)
    ]
    store = make_selection_store(tmp_path, [*prediction_rows(8), *prediction_rows(8, day=1)], loop=loops[0])
    repeated = [
        prediction_row(number, day=1, input_text=prediction_row(number)["input_text"]) for number in range(50, 58)
    ]
    add_rows(
        store, "predictions", [row | {"input_text": prediction_row(n)["input_text"]} for n, row in enumerate(repeated)]
    )
    select_samples(store, day_interval(0))
    later = LoopStore(loops[1], str(tmp_path / "store"))
    select_samples(later, day_interval(1), budget=16)
    splits: dict[str, set[str]] = {}
    for row in requests_of(later):
        splits.setdefault(row["content_key"], set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    asked = {row["trace_id"] for row in requests_of(later)}
    assert {row["asked_trace_id"] for row in draws_of(later)} <= asked
    again = [row for row in requests_of(later) if (row["stratum"], row["split"]) == ("random", "train")]
    assert len(again) == 8
    assert all(row["hidden_prelabel"] for row in again)


def test_a_content_that_was_answered_beside_a_prelabel_is_asked_again_without_one(tmp_path):
    """Annotators who accept what they are shown confirm the model that predicted it: such an answer judges nothing."""
    loops = [
        make_selection_loop(
            selection={"budget": 4, "random_share": share}, labeling={"overlap": 1, "hidden_prelabel_share": 0.0}
        )
        for share in (0.0, 1.0, 1.0)
    ]
    texts = [prediction_row(number)["input_text"] for number in range(4)]
    rows = [prediction_row(number, day=day, input_text=text) for day in range(3) for number, text in enumerate(texts)]
    make_selection_store(tmp_path, rows)
    stores = [LoopStore(loop, str(tmp_path / "store")) for loop in loops]
    reports = [select_samples(store, day_interval(day)) for day, store in enumerate(stores)]
    assert [report.requests for report in reports] == [4, 4, 0]
    requests = {row["trace_id"]: row for row in requests_of(stores[0])}
    assert [requests[name]["hidden_prelabel"] for name in sorted(requests)] == [False] * 4 + [True] * 4
    assert {row["split"] for row in requests.values()} == {"train"}  # as it was
    drawn = draws_of(stores[0])
    assert all(requests[row["asked_trace_id"]]["hidden_prelabel"] for row in drawn)
    assert sum(row["asked_trace_id"] != row["trace_id"] for row in drawn) == 4


def test_a_content_that_repeats_is_asked_without_a_prelabel(tmp_path):
    loop = make_selection_loop(
        selection={"budget": 9, "random_share": 0.0}, labeling={"overlap": 1, "hidden_prelabel_share": 0.0}
    )
    store = make_selection_store(tmp_path, popular(day=0), loop=loop)
    select_samples(store, day_interval())
    hidden = {row["content_key"]: row["hidden_prelabel"] for row in requests_of(store)}
    assert hidden.pop(content_key(loop, prediction_row(0)))
    assert set(hidden.values()) == {False}


def test_small_segment_values_get_their_quota_with_known_probabilities(tmp_path):
    loop = make_selection_loop(
        selection={"budget": 10, "random_share": 0.6, "quota": {"segment": "desk", "rows": 2}}, segments=["desk"]
    )
    rows = [prediction_row(n, segment_desk="eu" if n < 50 else "us" if n < 54 else None) for n in range(56)]
    store = make_selection_store(tmp_path, rows, loop=loop)
    select_samples(store, day_interval())
    drawn = Counter((row["segment_desk"], row["inclusion_probability"]) for row in draws_of(store))
    assert drawn == {("eu", 2 / 50): 2, ("us", 2 / 4): 2, (None, 2 / 2): 2}
    asked = {row["trace_id"]: row["inclusion_probability"] for row in requests_of(store) if row["stratum"] == "random"}
    assert asked == {row["trace_id"]: row["inclusion_probability"] for row in draws_of(store)}


def test_a_group_is_in_one_split(tmp_path):
    loop = make_selection_loop(
        selection={"budget": 30, "random_share": 0.2}, segments=["document"], split={"group": "document"}
    )
    rows = [prediction_row(n, day=day, segment_document=f"doc{n % 10}") for day in range(3) for n in range(60)]
    store = make_selection_store(tmp_path, rows, loop=loop)
    for day in range(3):
        select_samples(store, day_interval(day))
    splits: dict[str, set[str]] = {}
    for row in requests_of(store):
        splits.setdefault(row["group_key"], set()).add(row["split"])
    assert set().union(*splits.values()) == {"train", "holdout"}
    assert all(len(found) == 1 for found in splits.values())
    assert len(draws_of(store)) == 18


def test_what_comes_from_one_source_is_in_one_split_where_sources_are_groups(tmp_path):
    loop = make_selection_loop(selection={"budget": 30, "random_share": 0.5}, split={"group": "source_id"})
    rows = [prediction_row(n, source_id=f"shop {n % 10}") for n in range(60)]
    store = make_selection_store(tmp_path, rows, loop=loop)
    select_samples(store, day_interval())
    splits: dict[str, set[str]] = {}
    for row in requests_of(store):
        splits.setdefault(row["group_key"], set()).add(row["split"])
    assert set().union(*splits.values()) == {"train", "holdout"}
    assert all(len(found) == 1 for found in splits.values())


def test_the_split_of_a_group_does_not_depend_on_what_was_drawn(tmp_path):
    """Served often or seldom, drawn first or chosen first: half of the groups are held out, and always the same."""
    found: list[dict[str, str]] = []
    for seed in range(2):
        policy = {"budget": 80, "random_share": 0.5, "seed": seed}
        loop = make_selection_loop(selection=policy, segments=["user"], split={"group": "user"})
        rows = [prediction_row(n, segment_user=f"u{n % 40}" if n % 2 else "often") for n in range(200)]
        store = make_selection_store(tmp_path / str(seed), rows, loop=loop)
        select_samples(store, day_interval())
        found.append({row["group_key"]: row["split"] for row in requests_of(store)})
    both = found[0].keys() & found[1].keys()
    assert len(both) > 10
    assert {key: found[0][key] for key in both} == {key: found[1][key] for key in both}
    shares = [split_point(f"group {n}") < 0.5 for n in range(1000)]
    assert 0.45 < np.mean(shares) < 0.55


def test_certain_rows_keep_away_from_near_duplicates_of_what_was_asked(tmp_path):
    rows = [*prediction_rows(4), *prediction_rows(4, day=1)]
    loud = [
        row | {"trace_id": f"loud-{row['trace_id']}", "input_text": row["input_text"].upper() + "!"} for row in rows[:4]
    ]
    loop = make_selection_loop(selection={"budget": 4, "random_share": 0.0})
    store = make_selection_store(tmp_path, rows, loop=loop)
    select_samples(store, day_interval(0))
    add_rows(store, "predictions", [row | {"ts": rows[-1]["ts"], "day": rows[-1]["day"]} for row in loud])
    select_samples(store, day_interval(1), budget=8)
    assert {row["trace_id"][:2] for row in requests_of(store)} == {"d0", "d1"}


def test_an_answer_that_may_not_be_right_any_more_is_asked_for_again(tmp_path):
    loop = make_selection_loop(selection={"budget": 3, "random_share": 1.0}, split={"answer_days": 3})
    same = [prediction_row(n, day=day, input_text=f"story {n}") for day in (0, 3, 5) for n in range(3)]
    store = make_selection_store(tmp_path, same, loop=loop)
    asked = [select_samples(store, day_interval(day)).requests for day in (0, 3, 5)]
    assert asked == [3, 0, 3]


def test_contents_that_an_earlier_version_asked_are_known(tmp_path):
    """Its keys were of near duplicates: only the very content that was labeled has the label."""
    rows = [prediction_row(0, input_text="Zone 1"), prediction_row(1, input_text="zone 2")]
    loop = make_selection_loop(selection={"budget": 2, "random_share": 1.0})
    store = make_selection_store(tmp_path, rows, loop=loop)
    asked = prediction_row(7, input_text="Zone 1")
    request = {
        "request_id": "r",
        "trace_id": "old",
        "split": "holdout",
        "stratum": "random",
        "inclusion_probability": 0.5,
    }
    request |= {"content_key": former_key(loop, asked), "near_key": None, "ts": asked["ts"]}
    add_rows(store, "labels", [label_of(request, input_text="Zone 1")])
    select_samples(store, day_interval())
    found = {row["trace_id"]: row["asked_trace_id"] for row in draws_of(store)}
    assert found == {rows[0]["trace_id"]: "old", rows[1]["trace_id"]: rows[1]["trace_id"]}
    assert [row["trace_id"] for row in requests_of(store)] == [rows[1]["trace_id"]]


@pytest.mark.parametrize(
    ("ts", "split", "asked"),
    [
        (DAY - timedelta(days=2), "holdout", 0),
        (DAY - timedelta(days=2), "train", 1),
        (DAY - timedelta(days=9), "holdout", 1),
        (BEGINNING, "holdout", 1),
    ],
)
def test_a_recent_seed_label_that_is_held_out_answers_for_drawn_rows_of_its_content(tmp_path, ts, split, asked):
    store = make_selection_store(
        tmp_path, prediction_rows(1), loop=make_selection_loop(selection={"random_share": 1.0})
    )
    key = content_key(store.loop, prediction_row(0))
    seed: dict[str, Any] = {
        "request_id": None,
        "trace_id": "seed-0",
        "split": split,
        "stratum": "seed",
        "inclusion_probability": 1.0,
    }
    seed |= {"content_key": key, "near_key": "n", "ts": ts}
    add_rows(store, "labels", [label_of(seed, decided_by="seed", origin="seed")])
    assert select_samples(store, day_interval()).requests == asked
    (draw,) = draws_of(store)
    assert draw["asked_trace_id"] == (draw["trace_id"] if asked else "seed-0")


def test_nothing_is_drawn_without_a_budget_or_rows(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(3))
    with pytest.raises(NothingToDo):
        select_samples(store, day_interval(), budget=0)
    with pytest.raises(NothingToDo):
        select_samples(store, day_interval(5))
    assert draws_of(store) == []


def test_certain_rows_are_certain_whatever_was_drawn_before_them(tmp_path):
    """Stored as 1: of what chance left, the most informative contents are always chosen, and nothing else is."""
    rows = prediction_rows(20)
    for seed in range(12):
        policy = {"budget": 8, "random_share": 0.5, "diversify": "none", "seed": seed}
        store = make_selection_store(tmp_path / str(seed), rows, loop=make_selection_loop(selection=policy))
        select_samples(store, day_interval())
        drawn = {row["trace_id"] for row in draws_of(store)}
        left = [row["trace_id"] for row in reversed(rows) if row["trace_id"] not in drawn]  # the least sure come last
        assert {row["trace_id"] for row in requests_of(store, stratum="certainty")} == set(left[:4])
