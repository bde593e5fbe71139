"""Classes, slices and the difference are held against what is true where answers tell, and against labels otherwise."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from include.foundation.decisions import Evaluation
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.comparing import evaluate
from tests.include.stages.evaluation.drawn_builders import annotate, answers_of
from tests.include.stages.evaluation.judged_builders import (
    CLASSES,
    answered_row,
    challenger_of,
    champion_of,
    dataset_of,
    make_judged_store,
)

CONTENTS = 240


@pytest.fixture
def store(tmp_path: Path) -> LoopStore:
    return make_judged_store(tmp_path, slices=["desk"])


def evaluated(store: LoopStore, accuracies: list[float], first: bool = False) -> Evaluation:
    """The challenger is right in 9 of 10 of each class, the champion in 7; the label is what most annotators said."""
    generator, rows, said = np.random.default_rng(5), list[dict[str, Any]](), dict[int, list[str]]()
    for number in range(CONTENTS):
        place = number // 3 % 10
        truth = CLASSES[number % 3]
        champion, challenger = (CLASSES[(number + (place < wrong)) % 3] for wrong in (3, 1))
        said[number] = answers_of(generator, truth, accuracies)
        label = max(CLASSES, key=said[number].count)
        desk = "eu" if place % 2 else "us"
        rows.append(answered_row(number, label + champion + challenger, request_id=f"r{number}", segment_desk=desk))
    annotate(store, said)
    live = None if first else champion_of(store.loop)
    return evaluate(store, dataset_of(store.loop, rows), "d", live, challenger_of(store.loop))


def test_recall_is_of_what_is_true_where_people_err(store: LoopStore) -> None:
    found = evaluated(store, [0.8, 0.75, 0.75])
    for name in CLASSES:
        scores = found.per_class[name]
        assert scores.of_labels is not None
        assert scores.recall.value > scores.of_labels.value
        assert scores.recall.value == pytest.approx(0.9, abs=0.06)
        assert scores.recall.low < 0.9 < scores.recall.high
        assert scores.precision == pytest.approx(0.9, abs=0.06)
    assert found.as_given == ""


def test_slices_and_difference_are_of_what_is_true(store: LoopStore) -> None:
    found = evaluated(store, [0.8, 0.75, 0.75])
    difference = found.corrected.difference
    assert difference.value > found.scores.difference.value
    assert difference.low < 0.2 < difference.high
    eu, us = found.slices
    assert [part.corrected.challenger.rows for part in (eu, us)] == [CONTENTS // 2] * 2
    assert eu.best.champion.value == pytest.approx(0.8, abs=0.06)
    assert us.best.champion.value == pytest.approx(0.6, abs=0.07)
    assert eu.best.challenger.value > eu.scores.challenger.value + 0.03


def test_people_who_do_not_err_change_nothing(store: LoopStore) -> None:
    found = evaluated(store, [1.0, 1.0, 1.0])
    for scores in found.per_class.values():
        assert scores.recall.value == pytest.approx(scores.of_labels.value, abs=0.004)
        assert (scores.recall.low, scores.recall.high) == pytest.approx((0.81, 0.956), abs=0.025)


def test_single_answers_leave_labels_as_given_and_it_is_said(store: LoopStore) -> None:
    found = evaluated(store, [0.8])
    assert all(scores.of_labels is None for scores in found.per_class.values())
    assert all(part.best is part.scores for part in found.slices)
    assert found.as_given in found.reasons
    assert "accuracy may be off by 1 point" in found.as_given


def test_classes_of_the_first_model_are_corrected_as_well(store: LoopStore) -> None:
    found = evaluated(store, [0.8, 0.75, 0.75], first=True)
    assert found.corrected is None
    assert np.mean([scores.recall.value for scores in found.per_class.values()]) == pytest.approx(0.9, abs=0.04)


def test_seeds_alone_are_labels_as_given(store: LoopStore) -> None:
    rows = [answered_row(number, "aaa", origin="seed", stratum="seed", ts=None) for number in range(60)]
    found = evaluate(store, dataset_of(store.loop, rows), "d", None, challenger_of(store.loop))
    assert found.as_given.startswith("All figures are of labels as given")


def test_retired_or_unseen_class_is_unknown(store: LoopStore) -> None:
    rows = [answered_row(number, "aaa", request_id=f"r{number}") for number in range(60)]
    annotate(store, {number: ["a", "a", "a"] for number in range(60)})
    found = evaluate(store, dataset_of(store.loop, rows), "d", champion_of(store.loop), challenger_of(store.loop))
    assert found.per_class["a"].recall.value == pytest.approx(1.0, abs=0.01)
    assert found.per_class["b"].precision is None
