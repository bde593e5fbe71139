"""Of whom the lead is told, and what is said of them."""

import numpy as np
import pytest

from include.foundation.statistics.annotator_quality import AnnotatorQuality
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.stages.labels import answered_requests
from include.stages.labels.annotator_records import concerns, current_records, note_by_month, records_by_month
from include.stages.labels.label_validation import validate_labels
from tests.builders import CLASSES
from tests.include.stages.labels.label_builders import (
    ANNOTATORS,
    ask,
    collect,
    everyone_answers,
    pushed_store,
    truth,
    write_answers,
)


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """A store of 78 requests whose third annotator is wrong in six of ten."""
    folder = tmp_path_factory.mktemp("sloppy")
    store, requests = pushed_store(folder, 78)
    generator = np.random.default_rng(1)
    for name in ANNOTATORS:
        errs = generator.random(len(requests)) < (0.6 if name == ANNOTATORS[2] else 0.03)
        answers = {
            request: CLASSES[(CLASSES.index(truth(trace)) + int(wrong) * int(generator.integers(1, 3))) % 3]
            for (trace, request), wrong in zip(sorted(requests.items()), errs, strict=True)
        }
        write_answers(folder, name, answers)
    collect(store)
    return store


def test_sloppy_annotator_is_told_of_and_the_others_are_not(answered):
    report = validate_labels(answered)
    (told,) = report.concerns
    name, verdict, month = told.subject.split()
    assert (verdict, month) == ("sloppy", "2026-03")
    assert report.annotators[name][1] == min(accuracy for _, accuracy in report.annotators.values())
    assert told.message.startswith(f"Annotator {name[:8]} is right less often than the team by more than ten points: ")
    assert name not in told.message
    assert validate_labels(answered).concerns == report.concerns


def test_records_are_those_that_labels_rest_on(answered):
    records = current_records(answered)
    assert sorted(record.verdict for record in records.values()) == ["sloppy", "steady", "steady"]


def test_who_got_worse_is_told_of_with_before_and_lately():
    before, lately, all_of_it = (Estimate(value, value - 0.1, value + 0.1, 30, 20.0) for value in (0.9, 0.5, 0.8))
    record = AnnotatorQuality(90, all_of_it, before, lately, Estimate(-0.4, -0.6, -0.2, 60, 20.0), "worse")
    steady = AnnotatorQuality(5, all_of_it, UNKNOWN, UNKNOWN, UNKNOWN, "unknown")
    (told,) = concerns({"abcdefghij": record, "other": steady}, "2026-11")
    assert told.subject == "abcdefghij worse 2026-11"
    assert told.message == (
        "Annotator abcdefgh is right less often than before: 80 % (70 to 90) of 90 answers, 90 % (80 to 100) before and "
        "50 % (40 to 60) lately. Consensus weighs their answers by it"
    )


def test_each_month_is_kept_beyond_the_requests_that_are_looked_at(tmp_path, monkeypatch):
    store, requests = pushed_store(tmp_path, 6)
    everyone_answers(tmp_path, requests, truth)
    collect(store)
    validate_labels(store)
    first = records_by_month(store)
    assert {tuple(month for month, _ in months) for months in first.values()} == {("2026-03",)}
    assert {found.rows for months in first.values() for _, found in months} == {6}
    monkeypatch.setattr(answered_requests, "RECENT", 3)
    more = ask(tmp_path, store, range(100, 103), 1)
    everyone_answers(tmp_path, more, truth, created_at="2026-04-02T08:00:00+00:00")
    collect(store)
    validate_labels(store)
    version = store.version("annotator_records")
    for months in records_by_month(store).values():
        assert [(month, found.rows) for month, found in months] == [("2026-03", 6), ("2026-04", 3)]
        assert all(found.low < found.value < found.high for _, found in months)
    validate_labels(store)
    assert store.version("annotator_records") == version, "what is known is not written again"


def test_month_is_noted_anew_only_while_more_of_it_is_looked_at(tmp_path):
    store, _ = pushed_store(tmp_path, 1)
    for rows, accuracy in ((5, 0.8), (9, 0.9), (2, 0.1)):
        note_by_month(store, {("abc", "2026-03"): Estimate(accuracy, 0.0, 1.0, rows, float(rows))})
    [(month, found)] = records_by_month(store)["abc"]
    assert (month, found.rows, found.value) == ("2026-03", 9, 0.9)
