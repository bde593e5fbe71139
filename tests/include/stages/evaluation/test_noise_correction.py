"""Accuracy corrected for errors of annotators, with what was set aside and what was never answered."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from include.foundation.statistics.estimates import UNKNOWN
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.answered_contents import answered_contents
from include.stages.evaluation.comparing import evaluate
from include.stages.evaluation.noise_correction import noise_correction
from tests.include.stages.evaluation.drawn_builders import annotate, answers_of, ask, set_aside
from tests.include.stages.evaluation.judged_builders import (
    CLASSES,
    DAY,
    answered_row,
    challenger_of,
    champion_of,
    dataset_of,
    make_judged_store,
)

CONTENTS = 200


@pytest.fixture
def store(tmp_path: Path) -> LoopStore:
    return make_judged_store(tmp_path)


def labeled(store: LoopStore, accuracies: list[float]) -> list[dict[str, Any]]:
    """Contents whose label is what most annotators said; the champion is right in 70 % of them, the challenger in 90 %."""
    generator, rows, said = np.random.default_rng(5), [], {}
    for number in range(CONTENTS):
        truth = CLASSES[number % 3]
        champion, challenger = (CLASSES[(number + (number % 10 < wrong)) % 3] for wrong in (3, 1))
        said[number] = answers_of(generator, truth, accuracies)
        label = max(CLASSES, key=said[number].count)
        rows.append(answered_row(number, label + champion + challenger, request_id=f"r{number}"))
    annotate(store, said)
    return rows


def corrected(store: LoopStore, rows: list[dict[str, Any]]):
    tables = rows_of(store.loop, "labels", rows)
    return noise_correction(answered_contents(store, tables), champion_of(store.loop), challenger_of(store.loop))


def test_errors_of_annotators_are_not_those_of_the_models(store: LoopStore) -> None:
    rows = labeled(store, [0.8, 0.75, 0.7])
    plain = np.mean([row["label"] == CLASSES[int(row["input_challenger"])] for row in rows])
    found = corrected(store, rows)
    assert plain < 0.84
    assert found.challenger.value == pytest.approx(0.9, abs=0.03)
    assert found.champion.value == pytest.approx(0.7, abs=0.04)
    assert found.challenger.low < 0.9 < found.challenger.high
    assert (found.set_aside, found.unanswered) == (0, 0)


def test_annotators_who_do_not_err_change_nothing(store: LoopStore) -> None:
    found = corrected(store, labeled(store, [1.0, 1.0, 1.0]))
    assert found.challenger.value == pytest.approx(0.9, abs=0.002)
    assert found.challenger.effective_rows == pytest.approx(CONTENTS, rel=0.02)


def test_only_answers_say_nothing_of_noise_and_it_is_said(store: LoopStore) -> None:
    found = corrected(store, labeled(store, [0.8]))
    assert found.champion == found.challenger == UNKNOWN
    assert str(found).startswith("How often labels are wrong is unknown")


def test_labels_without_answers_are_answers_of_their_own(store: LoopStore) -> None:
    rows = labeled(store, [0.9, 0.9])
    seeds = [answered_row(1000 + place, "aaa", origin="seed") for place in range(40)]
    found = corrected(store, rows + seeds)
    assert found.challenger.rows == CONTENTS + 40


def test_rows_of_one_content_are_one_answer_with_their_weight(store: LoopStore) -> None:
    rows = labeled(store, [0.9, 0.9, 0.9])
    again = [rows[0] | {"trace_id": f"again{place}", "label_id": rows[0]["label_id"]} for place in range(50)]
    found = corrected(store, rows + again)
    assert found.challenger.rows == CONTENTS
    assert found.challenger.effective_rows < 100


def test_what_was_set_aside_counts_by_its_answers(store: LoopStore) -> None:
    """The challenger is wrong wherever annotators quarrel: without these contents it would seem to be right in 90 %."""
    rows = labeled(store, [0.97, 0.97, 0.97])
    before = corrected(store, rows).challenger
    doubtful = [answered_row(CONTENTS + place, "abb") for place in range(40)]
    ask(store, doubtful)
    annotate(store, {CONTENTS + place: ["a", "a", "c"] for place in range(40)})
    for place in range(40):
        set_aside(store, CONTENTS + place)
    found = corrected(store, rows)
    assert (found.set_aside, found.unanswered) == (40, 0)
    assert before.value == pytest.approx(0.9, abs=0.02)
    assert found.challenger.value == pytest.approx(180 / 240, abs=0.03)


def test_what_nobody_answered_widens_the_interval_to_what_it_could_be(store: LoopStore) -> None:
    rows = labeled(store, [0.95, 0.95, 0.95])
    rows = [row | {"decided_at": DAY + timedelta(days=30)} for row in rows]
    before = corrected(store, rows).challenger
    ask(store, [answered_row(CONTENTS + place, "aaa") for place in range(50)])
    found = corrected(store, rows)
    assert (found.set_aside, found.unanswered) == (0, 50)
    assert found.challenger.low == pytest.approx(before.low * 0.8)
    assert found.challenger.high == pytest.approx(before.high * 0.8 + 0.2)
    assert "Of 50 contents nobody answered" in str(found)


def test_what_is_still_to_be_answered_is_not_missing(store: LoopStore) -> None:
    rows = labeled(store, [0.95, 0.95, 0.95])
    ask(store, [answered_row(CONTENTS + place, "aaa") for place in range(50)])
    assert corrected(store, rows).unanswered == 0


def test_evaluation_says_it_beside_the_plain_score(store: LoopStore) -> None:
    rows = labeled(store, [0.8, 0.75, 0.7])
    dataset = dataset_of(store.loop, rows)
    found = evaluate(store, dataset, "d1", champion_of(store.loop), challenger_of(store.loop))
    assert found.corrected is not None
    assert found.corrected.challenger.value > found.scores.challenger.value
    assert str(found.corrected) in found.reasons
    assert evaluate(store, dataset, "d2", None, challenger_of(store.loop)).corrected is None
