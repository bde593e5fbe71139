import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.stages.evaluation.row_scores import class_weights, row_scores
from tests.include.stages.evaluation.judged_builders import CLASSES, make_judged_loop

BALANCED = make_judged_loop(score="balanced_accuracy")
ROWS = st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=1, max_size=30)


def test_row_scores_accuracy_is_one_where_right() -> None:
    loop = make_judged_loop()
    weights = class_weights(loop, ["a", "b"], [1, 1])
    assert row_scores(loop, ["a", "b", "c"], ["a", "c", "c"], weights).tolist() == [1, 0, 1]


def test_row_scores_balanced_accuracy_gives_rare_classes_more() -> None:
    weights = class_weights(BALANCED, ["a", "a", "a", "a", "b"], [1] * 5)
    assert weights.tolist() == [0.25, 1, 1]
    assert row_scores(BALANCED, ["a", "b", "b"], ["a", "b", "a"], weights).tolist() == [0.25, 1, 0]


def test_class_weights_unequal_probabilities_follow_production() -> None:
    assert class_weights(BALANCED, ["a", "b"], [0.5, 0.1]).tolist() == pytest.approx([1, 0.2, 1])


@pytest.mark.parametrize("loop", [make_judged_loop(), BALANCED])
def test_row_scores_no_rows_is_empty(loop) -> None:
    weights = class_weights(loop, [], [])
    assert weights.tolist() == [1, 1, 1]
    assert row_scores(loop, [], [], weights).shape == (0,)


@given(rows=ROWS)
def test_row_scores_balanced_accuracy_mean_is_proportional_to_the_mean_recall(rows) -> None:
    labels, predictions = (list(part) for part in zip(*rows, strict=True))
    weights = class_weights(BALANCED, labels, np.ones(len(labels)))
    scores = row_scores(BALANCED, labels, predictions, weights)
    present = sorted(set(labels))
    recalls = [np.mean([s == name for t, s in rows if t == name]) for name in present]
    perfect = row_scores(BALANCED, labels, labels, weights)
    assert scores.mean() / perfect.mean() == pytest.approx(np.mean(recalls))
    assert ((scores >= 0) & (scores <= 1)).all()
