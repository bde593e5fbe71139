import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.foundation.config.sections import Task
from include.foundation.store.rows import rows_of
from include.stages.evaluation.judged_rows import JudgedRows, judged_rows
from tests.include.stages.evaluation.judged_builders import (
    CLASSES,
    answered_row,
    answered_rows,
    challenger_of,
    champion_of,
    make_judged_loop,
)

ANSWERS = st.lists(
    st.tuples(*[st.sampled_from(CLASSES)] * 3, st.floats(0.01, 1), st.sampled_from(["eu", "us", None])), max_size=25
)


def judge_rows(answers, score: str = "accuracy") -> JudgedRows:
    loop = make_judged_loop(score=score)
    rows = [
        answered_row(place, "".join(row[:3]), inclusion_probability=row[3], segment_desk=row[4])
        for place, row in enumerate(answers)
    ]
    return judged_rows(loop, rows_of(loop, "labels", rows), champion_of(loop), challenger_of(loop))


def test_judged_rows_no_rows_is_empty_everywhere() -> None:
    rows = judge_rows([])
    assert rows.scaled_differences() == ()
    assert rows.challenger_right.shape == rows.differences.shape == rows.confidence.shape == (0,)


def test_judged_rows_no_champion_has_no_differences() -> None:
    loop = make_judged_loop()
    table = rows_of(loop, "labels", [answered_row(0, "aba")])
    rows = judged_rows(loop, table, None, challenger_of(loop))
    assert (rows.champion_scores, rows.differences.tolist()) == (None, [0])


@pytest.mark.parametrize("score", ["accuracy", "balanced_accuracy"])
@settings(deadline=None)
@given(answers=ANSWERS)
def test_scaled_differences_any_rows_keep_the_sign_of_the_production_mean(score: str, answers) -> None:
    rows = judge_rows(answers, score)
    multiset = rows.scaled_differences()
    assert sum(count for _, count, _ in multiset) == len(answers)
    assert all(0 < weight <= 1 and abs(difference) <= weight for difference, _, weight in multiset)
    if answers:
        total = sum(difference * count for difference, count, _ in multiset)
        weight = sum(share * count for _, count, share in multiset)
        mean = np.average(rows.differences, weights=1 / rows.inclusion_probabilities)
        assert total / weight == pytest.approx(mean, abs=1e-6)


@settings(deadline=None)
@given(answers=ANSWERS)
def test_where_all_segment_values_is_every_row_once(answers) -> None:
    rows = judge_rows(answers)
    parts = [rows.where("desk", value) for value in ("eu", "us", None, "unheard of")]
    assert sum(len(part.labels) for part in parts) == len(answers)
    assert sum(part.challenger_right.sum() for part in parts) == rows.challenger_right.sum()
    assert parts[-1].scaled_differences() == ()


def test_model_of_former_names_is_judged_as_if_it_spoke_todays():
    answers = [("a", "a", "b", 0.5, "eu"), ("b", "c", "b", 0.5, "us"), ("c", "c", "a", 0.5, None)]
    plain = judge_rows(answers)
    loop = make_judged_loop()
    task = Task(kind="classification", classes=["a", "b", "see"], renamed={"c": "see"})
    changed = loop.model_copy(update={"task": task})
    rows = [
        answered_row(n, "".join(row[:3]), inclusion_probability=0.5, segment_desk=row[4])
        for n, row in enumerate(answers)
    ]
    judged = judged_rows(changed, rows_of(loop, "labels", rows), champion_of(changed), challenger_of(changed))
    assert judged.labels == ["a", "b", "see"]
    assert judged.differences.tolist() == plain.differences.tolist()
    assert judged.champion_scores.tolist() == plain.champion_scores.tolist()


def test_labels_of_a_retired_class_judge_nobody():
    task = Task(kind="classification", classes=["a", "b"], retired=["c"])
    loop = make_judged_loop().model_copy(update={"task": task})
    rows = [answered_row(0, "aac"), answered_row(1, "ccc")]
    judged = judged_rows(loop, rows_of(loop, "labels", rows), champion_of(loop), challenger_of(loop))
    assert (judged.labels, judged.champion_scores.tolist(), judged.challenger_scores.tolist()) == (["a"], [1.0], [0.0])
    assert judged.challenger_predictions.tolist() == ["c"]


def test_drawn_differences_rows_of_a_group_are_one_bet(tmp_path):
    loop = make_judged_loop()
    rows = (
        answered_rows("aba*3", group_key="one", inclusion_probability=1.0)
        + answered_rows("aba aab*3", 10, group_key="two", inclusion_probability=1.0)
        + answered_rows("aab", 20, inclusion_probability=1.0)
    )
    judged = judged_rows(loop, rows_of(loop, "labels", rows), champion_of(loop), challenger_of(loop))
    assert (
        judged.drawn_differences(10)
        == judged.drawn_differences(5, 2.0)
        == ((-0.2, 1, 0.4), (-0.1, 1, 0.1), (0.3, 1, 0.3))
    )
    assert judged.scaled_differences() == ((-0.5, 1, 1.0), (-0.25, 1, 0.25), (0.75, 1, 0.75))


def test_drawn_differences_no_row_is_no_bet():
    loop = make_judged_loop()
    judged = judged_rows(loop, rows_of(loop, "labels", []), champion_of(loop), challenger_of(loop))
    assert judged.drawn_differences() == judged.scaled_differences() == ()
