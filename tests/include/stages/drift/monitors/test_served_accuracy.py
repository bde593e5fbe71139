"""Accuracy of what was served, corrected for errors of annotators, with what was set aside or never answered."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from include.foundation.intervals import Interval
from include.foundation.statistics.estimates import UNKNOWN, weighted_mean
from include.foundation.store.ledgers.served_confidence import served_beside
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.drift.monitors.labeled_rows import random_labels
from include.stages.drift.monitors.served_accuracy import served_accuracy
from tests.include.stages.evaluation.drawn_builders import annotate, answers_of, ask, set_aside
from tests.include.stages.evaluation.judged_builders import CLASSES, DAY, answered_row, make_judged_store

CONTENTS = 150
END = DAY + timedelta(days=30)


@pytest.fixture
def store(tmp_path: Path) -> LoopStore:
    return make_judged_store(tmp_path)


def served(store: LoopStore, accuracies: list[float]) -> float:
    """Serve contents, which annotators answer, and return the share right by their labels; version 1 says "a" to all."""
    generator, rows, said = np.random.default_rng(3), [], {}
    for number in range(CONTENTS):
        said[number] = answers_of(generator, CLASSES[number % 10 // 9], accuracies)
        label = max(CLASSES, key=said[number].count)
        rows.append(answered_row(number, label + "aa", request_id=f"r{number}", predicted="a", model_version="1"))
    ask(store, rows)
    annotate(store, said)
    store.append_new("labels", rows_of(store.loop, "labels", rows))
    return float(np.mean([row["label"] == "a" for row in rows]))


def measured(store: LoopStore, version: str = "1", unknown: str = ""):
    rows = [row for row in random_labels(store, Interval(DAY, END)) if row.model_version == version]
    known = [row for row in rows if row.label != unknown]
    return served_accuracy(store, known, version, DAY - timedelta(days=1), END, served_beside(store, known))


def test_errors_of_annotators_are_not_those_of_the_version(store: LoopStore) -> None:
    plain = served(store, [0.85, 0.8, 0.8])
    found = measured(store)
    assert plain < 0.89
    assert found.value == pytest.approx(0.9, abs=0.04)
    assert found.low < 0.9 < found.high


def test_labels_that_were_read_are_not_read_again(store: LoopStore, monkeypatch: pytest.MonkeyPatch) -> None:
    served(store, [0.85, 0.8, 0.8])
    rows, reads, read = random_labels(store, Interval(DAY, END)), [], store.read
    beside = served_beside(store, rows)
    monkeypatch.setattr(
        LoopStore, "read", lambda _, table, *args, **named: reads.append(table) or read(table, *args, **named)
    )
    assert served_accuracy(store, rows, "1", DAY - timedelta(days=1), END, beside) != UNKNOWN
    assert (reads.count("labels"), reads.count("draws")) == (1, 1)  # of what has no label


def test_without_errors_it_is_the_share_of_labels(store: LoopStore) -> None:
    plain, found = served(store, [1.0, 1.0, 1.0]), measured(store)
    exact = weighted_mean([1.0] * 135 + [0.0] * 15, [0.2] * 150)
    assert found.value == pytest.approx(plain, abs=0.002)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=0.005)


def test_another_version_and_only_answers_are_unknown(store: LoopStore) -> None:
    served(store, [0.9])
    assert measured(store) == UNKNOWN
    assert measured(store, "2") == UNKNOWN


def test_rows_of_classes_that_it_could_not_know_do_not_count(store: LoopStore) -> None:
    served(store, [1.0, 1.0, 1.0])
    found = measured(store, unknown="b")
    assert found.value == pytest.approx(1.0, abs=0.002)


def test_set_aside_counts_by_its_answers_and_unanswered_is_a_bound(store: LoopStore) -> None:
    served(store, [1.0, 1.0, 1.0])
    before = measured(store)
    doubtful = [answered_row(CONTENTS + place, "baa") for place in range(30)]
    ask(store, doubtful)
    annotate(store, {CONTENTS + place: ["b", "b", "c"] for place in range(30)})
    for place in range(30):
        set_aside(store, CONTENTS + place)
    aside = measured(store)
    assert aside.rows == before.rows + 30
    assert aside.value == pytest.approx(135 / 180, abs=0.01)
    ask(store, [answered_row(CONTENTS + 100 + place, "aaa") for place in range(20)])
    wider = measured(store)
    assert wider.value == pytest.approx(aside.value)
    assert (wider.low, wider.high) == pytest.approx((aside.low * 0.9, aside.high * 0.9 + 0.1))
