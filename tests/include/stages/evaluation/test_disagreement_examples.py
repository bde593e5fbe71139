from pathlib import Path

import pytest

from include.stages.evaluation.comparing import evaluate
from include.stages.evaluation.disagreement_examples import MOST, disagreement_examples
from include.stages.evaluation.judged_rows import judged_rows
from tests.include.stages.evaluation.judged_builders import (
    answered_rows,
    challenger_of,
    champion_of,
    dataset_of,
    make_judged_store,
)


def judged(store, answers, start=0, *, first=False):
    rows = dataset_of(store.loop, answered_rows(answers, start)).holdout
    return judged_rows(store.loop, rows, None if first else champion_of(store.loop), challenger_of(store.loop))


@pytest.fixture
def store(tmp_path: Path):
    return make_judged_store(tmp_path)


def test_examples_are_rows_on_which_one_is_right_the_challengers_first(store) -> None:
    examples = disagreement_examples([judged(store, "aab aba abc aaa")])
    assert examples == (("l00001", "a", "b", "a"), ("l00000", "a", "a", "b"))


def test_a_row_that_both_parts_have_is_one_example(store) -> None:
    rows = judged(store, "aba*2")
    assert [example.label_id for example in disagreement_examples([rows, rows])] == ["l00000", "l00001"]


def test_there_are_at_most_some_of_each_model(store) -> None:
    examples = disagreement_examples([judged(store, f"aba*{MOST + 3} aab*{MOST + 3}")])
    assert [example.challenger for example in examples] == ["a"] * MOST + ["b"] * MOST


@pytest.mark.parametrize(("answers", "first"), [("aaa*3", False), ("", False), ("aba*3", True)])
def test_without_a_disagreement_or_a_champion_there_is_none(store, answers, first) -> None:
    assert disagreement_examples([judged(store, answers, first=first)]) == ()


def test_an_evaluation_keeps_them(store) -> None:
    dataset = dataset_of(store.loop, answered_rows("aaa*9 aba"))
    evaluation = evaluate(store, dataset, "d1", champion_of(store.loop), challenger_of(store.loop))
    assert [example.label_id for example in evaluation.examples] == ["l00009"]
