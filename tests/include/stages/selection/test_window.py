"""A window is looked at once, in parts that may be merged in any order, and nothing is chosen otherwise for it."""

from collections import Counter
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from include.foundation.digests import digest_of
from include.foundation.store.tables import LoopStore
from include.stages.selection import certainty, window
from include.stages.selection.asked import asked_before
from include.stages.selection.certainty import CertaintyStratum
from include.stages.selection.content import content_key
from include.stages.selection.frame import frame_of
from include.stages.selection.nomination_kinds import Bars, Nomination
from include.stages.selection.nominations import nominations_of
from include.stages.selection.passing import Thresholds
from include.stages.selection.quotas import drawn_places
from include.stages.selection.row_keys import RowKeys
from include.stages.selection.selecting import select_samples
from include.stages.selection.shortlisting import Pool, trainable
from include.stages.selection.shortlists import FirstRows, Shortlist
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
)

SEED = (0, day_interval().key)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    monkeypatch.setattr(window, "ROWS", 16)


def segmented_rows(count: int) -> list[dict[str, Any]]:
    generator = np.random.default_rng(5)
    rows = []
    for number in range(count):
        chances = generator.dirichlet([1, 1, 1])
        more = {"segment_desk": ["eu", "us", None][number % 3], "embedding": generator.normal(size=4).tolist()}
        scored = {"probabilities": chances.tolist(), "confidence": float(chances.max())} if number % 7 else {}
        rows.append(prediction_row(number) | {"probabilities": None, "confidence": None} | more | scored)
    return rows


def nominations(store: LoopStore, *, critical_first: bool) -> list[Nomination]:
    return nominations_of(store, None, Bars((), Thresholds(store, day_interval())), critical_first=critical_first)


@pytest.mark.parametrize("diversify", ["clusters", "none"])
@pytest.mark.parametrize("critical_first", [False, True])
@pytest.mark.parametrize("few", [20, 60])
def test_choosing_from_shortlists_is_choosing_from_all_rows(tmp_path, monkeypatch, diversify, critical_first, few):
    """What is looked at is bounded, what is chosen is the same: contents, order, reasons and scores."""
    monkeypatch.setattr(certainty, "reserve", lambda n: few)
    policy = {"budget": 10, "diversify": diversify, "critical": {"desk": ["eu"]}}
    loop = make_selection_loop(segments=["desk"], selection=policy)
    store = make_selection_store(tmp_path, segmented_rows(400), loop=loop, seed=1)
    every, asked = nominations(store, critical_first=critical_first), asked_before(store)
    all_rows = trainable(frame_of(store, store.read("predictions"), SEED), asked)
    expected = CertaintyStratum(loop, all_rows, {}, every).choices(8)
    reader, wanted = WindowReader(store, day_interval()), Wanted(0, every, few + 8)
    found = reader.read(wanted)
    assert max(each.rows.num_rows for each in found.shortlists) <= few + 8 < 100
    nothing = all_rows.at([])
    shortlisted = Pool(reader, found, wanted).candidates(store, asked, nothing)
    chosen = CertaintyStratum(loop, shortlisted, {}, every).choices(8)
    assert [_as_said(all_rows, choice) for choice in expected] == [_as_said(shortlisted, choice) for choice in chosen]
    assert len(chosen) == 8


def _as_said(candidates, choice):
    return candidates.rows.column("trace_id")[choice.position].as_py(), replace(choice, position=0)


def test_random_draw_is_what_digests_of_all_rows_say(tmp_path):
    odd = ['say "hi"', "back\\slash", "tab\there", "plain", "ünïcode", "nul\x01"]
    rows = [prediction_row(n, trace_id=f"{odd[n % 6]}-{n}", segment_desk=f"d{n % 5}") for n in range(80)]
    loop = make_selection_loop(
        segments=["desk"], selection={"budget": 20, "random_share": 0.5, "quota": {"segment": "desk", "rows": 2}}
    )
    store = make_selection_store(tmp_path, rows, loop=loop)
    ordered = sorted(rows, key=lambda row: digest_of(SEED, row["trace_id"]))
    values = [row["segment_desk"] for row in ordered]
    places, chances = drawn_places(values, Counter(values), 10, 2)
    select_samples(store, day_interval())
    drawn = {row["trace_id"]: row["inclusion_probability"] for row in store.read("draws").to_pylist()}
    assert drawn == {ordered[place]["trace_id"]: chance for place, chance in zip(places, chances, strict=True)}


def test_a_content_that_is_served_again_and_again_leaves_room_for_others(tmp_path):
    often = [prediction_row(n, input_text="the same", probabilities=[0.34, 0.33, 0.33]) for n in range(600)]
    others = [prediction_row(n, probabilities=[0.6, 0.3, 0.1]) for n in range(600, 640)]
    loop = make_selection_loop(selection={"budget": 10, "random_share": 0.0}, labeling={"hidden_prelabel_share": 0.0})
    store = make_selection_store(tmp_path, [*often, *others], loop=loop)
    report = select_samples(store, day_interval())
    requests = requests_of(store)
    assert report.certainty == len({row["content_key"] for row in requests}) == 10
    hidden = {row["content_key"]: row["hidden_prelabel"] for row in requests}
    assert hidden.pop(content_key(loop, often[0]))  # it repeats, and its answer may judge
    assert not any(hidden.values())


def test_best_rows_that_were_asked_before_do_not_hide_those_behind_them(tmp_path, monkeypatch):
    """The shortlist is full of what was asked: rows are read again, without that."""
    monkeypatch.setattr("include.stages.selection.selecting.reserve", lambda n: n)
    texts = [prediction_row(n)["input_text"] for n in range(60)]
    unsure = [prediction_row(n, input_text=text, probabilities=[0.4, 0.3, 0.3]) for n, text in enumerate(texts)]
    again = [row | {"trace_id": f"again-{row['trace_id']}"} for row in (prediction_row(n, day=1) for n in range(60))]
    again = [
        row | {"input_text": text, "probabilities": [0.4, 0.3, 0.3]} for row, text in zip(again, texts, strict=True)
    ]
    behind = [prediction_row(n, day=1, probabilities=[0.9, 0.05, 0.05]) for n in range(60, 75)]
    loop = make_selection_loop(selection={"budget": 60, "random_share": 0.0})
    store = make_selection_store(tmp_path, [*unsure, *again, *behind], loop=loop)
    assert select_samples(store, day_interval()).certainty == 60
    assert select_samples(store, day_interval(1), budget=6).certainty == 6
    asked = {row["trace_id"] for row in requests_of(store, batch_id=day_interval(1).key)}
    assert asked < {row["trace_id"] for row in behind}


def test_draw_that_a_run_with_another_budget_made_is_asked_about(tmp_path, monkeypatch):
    store = make_selection_store(tmp_path, prediction_rows(60))
    kept = store.append_computed
    monkeypatch.setattr(
        store, "append_computed", lambda name, *given, **more: kept(name, *given, **more) if name == "draws" else 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        select_samples(store, day_interval(), budget=30)
    monkeypatch.undo()
    report = select_samples(store, day_interval(), budget=20)
    drawn = set(store.read("draws").column("trace_id").to_pylist())
    assert report.random == len(drawn) == 12
    assert {row["trace_id"] for row in requests_of(store, stratum="random")} == drawn


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ({"number": 0.0}, {"number": -0.0}, True),
        ({"number": None}, {"number": 0.0}, False),
        ({"text": "caf\u00e9"}, {"text": "cafe\u0301"}, True),
        ({"text": "zone 1"}, {"text": "Zone 1"}, False),
        ({"kind": "\u212b"}, {"kind": "\u00c5"}, True),
        ({"pair": [0.0, 1.0]}, {"pair": [-0.0, 1.0]}, True),
        ({"pair": [1.0, 0.0]}, {"pair": [0.0, 1.0]}, False),
        ({"text": None}, {"text": ""}, False),
        ({"text": None, "kind": "a"}, {"text": "a", "kind": None}, False),
    ],
)
def test_rows_share_a_hash_of_their_inputs_where_they_share_the_content_key(tmp_path, first, second, same):
    inputs = {"number": "numeric", "text": "text", "kind": "categorical"}
    types = {name: {"type": kind} for name, kind in inputs.items()} | {"pair": {"type": "vector", "size": 2}}
    loop = make_selection_loop(inputs=types)
    plain = {"number": 1.0, "text": "a", "kind": "b", "pair": [1.0, 2.0]}
    rows = [
        {key: value for key, value in prediction_row(place).items() if key != "input_text"}
        | {f"input_{name}": value for name, value in (plain | inputs).items()}
        for place, inputs in enumerate((first, second))
    ]
    store = make_selection_store(tmp_path, rows, loop=loop)
    contents = RowKeys(loop, 0).of(store.read("predictions"))[1]
    assert (contents[0] == contents[1]) == same == (content_key(loop, rows[0]) == content_key(loop, rows[1]))


def some_rows(places):
    return pa.table({"trace_id": [str(place) for place in places], "desk": [f"d{place % 3}" for place in places]})


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), min_size=1, max_size=40), st.data())
def test_shortlists_merge_in_any_order(pairs, data):
    """Also where contents repeat, with the same or another score."""
    capacity, count = data.draw(st.integers(1, 6)), len(pairs)
    scores, contents = (np.array(column) for column in zip(*pairs, strict=True))
    keys = np.random.default_rng(0).permutation(count).astype(np.uint64)
    whole = Shortlist(capacity, some_rows(range(count)), scores.astype(float), keys, contents.astype(np.uint64))
    parts = [whole.at(np.flatnonzero(part)) for part in _parted(data, count)]
    empty = whole.at(np.empty(0, np.int64))
    one_by_one = empty
    for part in parts:
        one_by_one = one_by_one.merged([part])
    pairwise = empty.merged([empty.merged(parts[1:]), empty.merged(parts[:1])])
    together = empty.merged([whole])
    best = {content: max((score, -int(key)) for score, key, of in zip(scores, keys, contents, strict=True) if of == content)
            for content in contents.tolist()}  # fmt: skip
    expected = [str(keys.tolist().index(-key)) for _, key in sorted(best.values(), reverse=True)[:capacity]]
    for found in (one_by_one, pairwise, together):
        assert found.rows.column("trace_id").to_pylist() == expected
        assert found.is_cut or len(best) <= capacity


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 30), st.integers(0, 5), st.booleans(), st.data())
def test_first_rows_merge_in_any_order(count, n, by_value, data):
    rows, keys = some_rows(range(count)), np.random.default_rng(1).permutation(count).astype(np.uint64)
    segment = "desk" if by_value else None
    whole = FirstRows.of(n, segment, rows, keys)
    parts = [
        FirstRows.of(n, segment, rows.filter(pa.array(part, pa.bool_())), keys[np.array(part, bool)])
        for part in _parted(data, count)
    ]
    empty = FirstRows.of(n, segment, rows.slice(0, 0), keys[:0])
    for found in (empty.merged(parts), empty.merged(parts[1:]).merged([empty.merged(parts[:1])])):
        assert found.rows.equals(whole.rows)
        assert found.sizes == whole.sizes
    assert whole.sizes.total() == count


def _parted(data, count):
    """Return which rows are in each of three parts."""
    parts = np.array(data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)), dtype=np.int64)
    return [parts == part for part in range(3)]


def test_window_counts_what_was_served(tmp_path):
    rows = [*prediction_rows(40), *prediction_rows(5, day=1)]
    rows[3] |= {"probabilities": None, "confidence": None, "model_version": "2"}
    store = make_selection_store(tmp_path, rows)
    add_rows(store, "predictions", [prediction_row(99, ts=DAY, model_version="3")])
    found = WindowReader(store, day_interval()).read(Wanted())
    assert (found.rows, sorted(found.versions), found.unscored) == (41, ["1", "2", "3"], 1)
