"""What judges a challenger: recent rows as they were served, and none of a group that it was trained on."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from include.foundation.config.sections import Split
from include.foundation.store.ledgers.labeled_draws import joined
from include.foundation.store.rows import rows_of
from include.stages.evaluation.comparing import evaluate
from include.stages.evaluation.recent_holdout import as_of_tomorrow, holdout_history, judging_rows
from include.stages.labels.datasets import Dataset
from include.stages.selection.first_asks import FirstAsks
from tests.builders import make_tiny_loop
from tests.include.stages.evaluation.judged_builders import (
    DAY,
    answered_row,
    answered_rows,
    challenger_of,
    champion_of,
    dataset_of,
    make_judged_loop,
    make_judged_store,
)


def draw_row(number: int, asked: int, **changes: Any) -> dict[str, Any]:
    return {
        "batch_id": "b", "trace_id": f"t{number:05d}", "stratum": "random", "inclusion_probability": 0.1,
        "ts": DAY + timedelta(minutes=number), "model_version": "1", "predicted": "a", "content_key": f"c{asked}",
        "asked_trace_id": f"t{asked:05d}", "drawn_at": DAY, "segment_desk": "us",
    } | changes  # fmt: skip


def with_draws(loop, labels, draws) -> Dataset:
    parts = dataset_of(loop, labels)
    table = rows_of(loop, "labels", labels)
    drawn = joined(rows_of(loop, "draws", draws), table, former=table.slice(0, 0))
    return Dataset(parts.digest, parts.version, parts.train, parts.holdout, drawn)


def ids(rows) -> list[str]:
    found: list[str] = rows.column("trace_id").to_pylist()
    return found


@pytest.fixture
def drawn():
    """A content that is held out, one that is trained on and that a row repeats, and one that was asked for a drawn row."""
    labels = [answered_row(0, "aab"), answered_row(1, "aba", split="train"), answered_row(2, "aba", split="train")]
    return labels, [draw_row(0, 0), draw_row(5, 0), draw_row(6, 1), draw_row(2, 2)]


def test_rows_count_as_they_were_served_also_where_their_content_is_trained_on(drawn):
    loop = make_judged_loop()
    history = holdout_history(loop, with_draws(loop, *drawn))
    assert ids(history) == ["t00000", "t00002", "t00005", "t00006"]
    assert history.column("segment_desk").to_pylist() == ["us"] * 4
    assert history.column("input_text").to_pylist() == ["a", "c", "a", "b"]


def test_no_row_counts_whose_group_is_trained_on(drawn):
    labels, draws = drawn
    loop = make_tiny_loop(
        ("a", "b", "c"), inputs=make_judged_loop().model_dump()["inputs"], segments=["desk"], split={"group": "desk"}
    )
    assert ids(holdout_history(loop, with_draws(loop, labels, draws))) == ["t00000", "t00005"]


@pytest.mark.parametrize(("days", "fewest", "judging"), [(2, 1, 3), (2, 4, 4), (30, 1, 6), (1, 100, 6)])
def test_challenger_is_judged_on_recent_rows(days, fewest, judging):
    loop = make_judged_loop()
    loop = loop.model_copy(update={"split": Split(holdout_days=days, holdout_rows=fewest)})
    labels = [answered_row(number, "aaa", ts=DAY + timedelta(days=number)) for number in range(6)]
    dataset = dataset_of(loop, labels)
    assert ids(judging_rows(loop, dataset, first=False)) == [f"t{n:05d}" for n in range(6)][-judging:]
    assert judging_rows(loop, dataset, first=True).num_rows == 6


def test_longer_history_stands_beside_what_judges(tmp_path):
    """Better now, worse a year ago: the verdict rests on now."""
    store = make_judged_store(tmp_path)
    now, before = answered_rows("aba*300"), answered_rows("aab*300", 300, ts=DAY - timedelta(days=365))
    evaluation = evaluate(
        store, dataset_of(store.loop, now + before), "d", champion_of(store.loop), challenger_of(store.loop)
    )
    assert evaluation.scores.difference.value == pytest.approx(1.0)
    assert evaluation.longer is not None
    assert evaluation.longer.difference.value == pytest.approx(0.0)
    assert sum(row.times for row in evaluation.differences.random) == 300


def test_all_of_a_short_history_judges_and_stands_alone(tmp_path):
    store = make_judged_store(tmp_path)
    rows = answered_rows("aba*30")
    found = evaluate(store, dataset_of(store.loop, rows), "d", champion_of(store.loop), challenger_of(store.loop))
    assert found.longer is None


def test_a_label_that_was_learnt_by_heart_counts_against_a_challenger_but_never_for_it(tmp_path):
    store = make_judged_store(tmp_path)
    labels = [
        answered_row(0, "aba", split="train", stratum="certainty"),
        answered_row(1, "aab", split="train", stratum="certainty"),
        answered_row(2, "aba", split="train", stratum="disagreement", evidence_for="key-2"),
    ]
    draws = [draw_row(10 + number, number) for number in range(3)]
    dataset = with_draws(store.loop, labels, draws)
    found = evaluate(store, dataset, "d", champion_of(store.loop), challenger_of(store.loop))
    assert [(row.value, row.times) for row in found.differences.random] == [(-1.0, 1), (0.0, 1), (1.0, 1)]
    assert found.scores.difference.value == pytest.approx(1 / 3)


def test_what_it_knows_of_a_content_by_another_label_counts_for_a_challenger(tmp_path):
    """The content is trained on; the drawn row was asked about anew, and nothing trains on that label."""
    store = make_judged_store(tmp_path)
    labels = [
        answered_row(0, "aba", split="train", stratum="certainty", content_key="c"),
        answered_row(1, "aba", split="train", content_key="c"),
    ]
    dataset = with_draws(store.loop, labels, [draw_row(1, 1), draw_row(10, 1)])
    found = evaluate(store, dataset, "d", champion_of(store.loop), challenger_of(store.loop))
    assert [(row.value, row.times) for row in found.differences.random] == [(1.0, 2)]


def test_rows_of_groups_that_were_known_before_count_and_held_out_ones_stand_for_new_groups():
    """Of ten rows four are of known groups, three of held-out ones, and three of new groups that are trained on now."""
    loop = make_judged_loop()
    loop = loop.model_copy(update={"split": Split(group="text")})
    groups = ["known"] * 4 + ["held"] * 3 + ["new"] * 3
    labels = [
        answered_row(number, "aaa", group_key=group, split="holdout" if group == "held" else "train")
        for number, group in enumerate(groups)
    ]
    draws = [draw_row(number, number, group_key=group) for number, group in enumerate(groups)]
    asks = FirstAsks(groups={"known": DAY - timedelta(days=1), "new": DAY + timedelta(days=1)})
    history = holdout_history(loop, with_draws(loop, labels, draws), asks)
    assert ids(history) == [f"t{number:05d}" for number in range(7)]
    assert history.column("inclusion_probability").to_pylist() == pytest.approx([0.1] * 4 + [0.05] * 3)
    without = holdout_history(loop, with_draws(loop, labels, draws), FirstAsks())
    assert ids(without) == ["t00004", "t00005", "t00006"]


@pytest.mark.parametrize(("share", "of_all"), [(0.5, 0.5), (0.1, 0.1), (0.99, 0.5), (0.25, 0.25), (None, 0.25)])
def test_rows_that_models_knew_stand_for_the_share_that_they_know_today(share, of_all):
    """Of eight rows two were known; rows of one are never taken for more than three times as many."""
    loop = make_judged_loop()
    labels = [answered_row(number, "aaa", split="train" if number < 2 else "holdout") for number in range(8)]
    history = holdout_history(loop, with_draws(loop, labels, [draw_row(number, number) for number in range(8)]))
    asks = FirstAsks({"c0": DAY - timedelta(days=1), "c1": DAY - timedelta(days=1)})
    chances = np.array(as_of_tomorrow(history, asks, share).column("inclusion_probability").to_pylist())
    assert (1 / chances)[:2].sum() / (1 / chances).sum() == pytest.approx(of_all)
    assert chances.max() <= 0.1 + 1e-12


def test_without_a_row_that_was_known_all_stand_for_what_they_did():
    loop = make_judged_loop()
    history = holdout_history(loop, with_draws(loop, [answered_row(0, "aaa")], [draw_row(0, 0)]))
    assert as_of_tomorrow(history, FirstAsks(), 0.5).equals(history)


def test_intervals_are_by_group(tmp_path):
    store = make_judged_store(tmp_path)
    rows = answered_rows("aaa*50 aab*50")
    widths = []
    for changes in ({}, {"group_key": "d"}):
        grouped = [
            row | {key: f"{value}{place // 10}" for key, value in changes.items()} for place, row in enumerate(rows)
        ]
        dataset = dataset_of(store.loop, grouped)
        scores = evaluate(store, dataset, "d", champion_of(store.loop), challenger_of(store.loop)).scores
        widths.append((scores.challenger.high - scores.challenger.low, scores.difference.high - scores.difference.low))
    assert all(by_group > 1.5 * by_row for by_row, by_group in zip(*widths, strict=True))
