"""A bad batch is refused, and says which demand it misses; a good one passes, however small."""

import re
from datetime import UTC, datetime

import pytest

from include.foundation.errors import DataQualityError
from include.foundation.quality.data_docs import newest_results
from include.foundation.store.rows import rows_of
from include.stages.labels import label_validation
from include.stages.labels.batch_figures import class_shifts
from include.stages.labels.label_validation import validate_labels
from tests.builders import CLASSES, DAY, make_store
from tests.include.stages.labels.label_builders import (
    ANNOTATORS,
    ask,
    collect,
    everyone_answers,
    pushed_store,
    truth,
    write_answers,
)

FIGURES = ("agreement", "set_aside", "class_shift", "class_shift_of_drawn_rows", "annotator_share", "hasty_answers")


def quarrel(folder, requests, number=3):
    """Let three people never agree on the first so many requests, and always on the others."""
    for place, name in enumerate(ANNOTATORS):
        quarrelled = sorted(requests)[:number]
        answers = {r: CLASSES[(int(t[1:]) + place) % 3] if t in quarrelled else truth(t) for t, r in requests.items()}
        write_answers(folder, name, answers)


def refused(store):
    collect(store)
    before = store.version("labels"), store.version("quarantine")
    with pytest.raises(DataQualityError) as caught:
        validate_labels(store)
    assert (store.version("labels"), store.version("quarantine")) == before
    return str(caught.value)


def passed(store):
    collect(store)
    return validate_labels(store)


def after_good_history(folder, **overrides):
    """A store with sixty labels of a good day, and the twelve requests of the next."""
    store, requests = pushed_store(folder, 60, **{"selection": {"budget": 60, "diversify": "none"}, **overrides})
    everyone_answers(folder, requests, truth)
    passed(store)
    return store, ask(folder, store, range(100, 112), 1)


def test_people_who_never_agree_are_refused_after_a_good_history(tmp_path):
    store, requests = after_good_history(tmp_path)
    quarrel(tmp_path, requests, 12)
    said = refused(store)
    assert "Krippendorff's alpha is -0.46, at most -0.17, and labels.min_agreement is 0.00" in said
    assert "12 of 12 fully answered requests would get no label" in said


def test_good_batch_is_judged_by_itself_after_people_who_never_agreed(tmp_path):
    store, requests = pushed_store(tmp_path, labels={"min_agreement": -1.0, "max_set_aside": 1.0})
    quarrel(tmp_path, requests, 12)
    passed(store)
    more = ask(tmp_path, store, range(100, 112), 1)
    everyone_answers(tmp_path, more, truth)
    assert passed(store).alpha == 1.0


def test_few_disagreements_about_a_rare_class_are_no_proof(tmp_path):
    """Alpha is far below 0 where one class is almost everything: its interval says how little that means."""
    store, requests = pushed_store(tmp_path, 5, labels={"min_agreement": 0.0}, labeling={"overlap": 2})
    ids = sorted(requests.values())
    write_answers(tmp_path, "ann", dict.fromkeys(ids, "earn"))
    write_answers(tmp_path, "bob", dict.fromkeys(ids, "earn") | dict.fromkeys(ids[:2], "acq"))
    assert passed(store).alpha == pytest.approx(-0.125)


def test_single_request_says_nothing_about_agreement(tmp_path):
    store, requests = pushed_store(tmp_path, 1, labels={"min_agreement": 1.0})
    quarrel(tmp_path, requests, 1)
    assert passed(store).received == 1


@pytest.mark.parametrize(("bound", "is_refused"), [(0.5, True), (0.9, False)])
def test_share_set_aside(tmp_path, bound, is_refused):
    store, requests = pushed_store(
        tmp_path, labels={"min_agreement": -1.0, "max_set_aside": bound, "consensus": "majority"}
    )
    quarrel(tmp_path, requests, 10)
    if is_refused:
        assert "10 of 12 fully answered requests would get no label, a share of 0.83, at least 0.52" in refused(store)
    else:
        assert passed(store).escalated == 10


def test_share_set_aside_of_a_small_batch_is_no_proof(tmp_path):
    store, requests = pushed_store(tmp_path, 2, labels={"min_agreement": -1.0})
    quarrel(tmp_path, requests, 2)
    assert passed(store).escalated == 2


@pytest.mark.parametrize(("bound", "is_refused"), [(0.26, True), (0.27, False)])
def test_class_that_is_suddenly_everything(tmp_path, bound, is_refused):
    store, requests = after_good_history(tmp_path, labels={"max_class_shift": bound})
    everyone_answers(tmp_path, requests, lambda _: "grain")
    if is_refused:
        said = refused(store)
        assert "12 of 12 labels are 'grain', and 20 of 60 were before: the share rose by at least 0.27" in said
    else:
        assert passed(store).accepted == 12


def test_shares_of_seeds_and_of_few_labels_are_no_history(tmp_path):
    store, requests = pushed_store(tmp_path, 2, labels={"max_class_shift": 0.3}, selection={"budget": 60})
    everyone_answers(tmp_path, requests, truth)
    assert passed(store).accepted == 2
    more = ask(tmp_path, store, range(100, 160), 1)
    everyone_answers(tmp_path, more, lambda _: "grain")
    assert passed(store).accepted == len(more)


@pytest.mark.parametrize(("bound", "is_refused"), [(0.5, True), (0.8, False)])
def test_person_who_gave_nearly_all_answers(tmp_path, bound, is_refused):
    labels = {"max_annotator_share": bound, "max_set_aside": 1.0, "min_confidence": 0.0}
    store, requests = pushed_store(tmp_path, labels=labels, labeling={"deadline_hours": 1e-6})
    write_answers(tmp_path, "ann", {request: truth(trace) for trace, request in requests.items()})
    if is_refused:
        said = "gave 12 of 12 answers, a share of 1.00, at least 0.74, and labels.max_annotator_share is 0.50"
        assert re.search(f"Annotator [0-9a-f]{{8}} {said}", refused(store))
    else:
        assert passed(store).received == 12


def test_one_person_may_answer_everything_where_one_is_asked(tmp_path):
    store, requests = pushed_store(tmp_path, labels={"max_annotator_share": 0.0}, labeling={"overlap": 1})
    write_answers(tmp_path, "ann", {request: truth(trace) for trace, request in requests.items()})
    assert passed(store).accepted == 12


def test_how_fast_is_too_fast_is_said_by_the_loop_file(tmp_path):
    store, requests = pushed_store(tmp_path, labels={"min_seconds": 5.0})
    everyone_answers(tmp_path, requests, truth, lead_time_seconds=4.0)
    assert "labels.min_seconds, 5 s" in refused(store)


@pytest.mark.parametrize(("seconds", "is_refused"), [(0.4, True), (0.5, False), (None, False)])
def test_answers_that_nobody_can_have_thought_about(tmp_path, seconds, is_refused):
    store, requests = pushed_store(tmp_path)
    everyone_answers(tmp_path, requests, truth, lead_time_seconds=seconds)
    if is_refused:
        assert "36 of 36 answers took less than labels.min_seconds, 0.5 s" in refused(store)
    else:
        assert passed(store).accepted == 12


def test_some_hasty_answers_are_no_bad_batch(tmp_path):
    store, requests = pushed_store(tmp_path)
    for name, seconds in zip(ANNOTATORS, (0.1, 3.0, 4.0), strict=True):
        write_answers(tmp_path, name, {r: truth(t) for t, r in requests.items()}, lead_time_seconds=seconds)
    assert passed(store).accepted == 12


def test_every_demand_is_on_the_page_of_the_batch(tmp_path):
    store, requests = after_good_history(tmp_path)
    everyone_answers(tmp_path, requests, truth, lead_time_seconds=4.0)
    passed(store)
    (_, result), _ = newest_results(store)
    judged = {item["expectation_config"]["kwargs"]["column"]: item["success"] for item in result.details["results"]}
    assert judged == dict.fromkeys(FIGURES, True)
    assert result.details["title"].startswith("12 answered requests until")


def test_refused_batch_has_a_page_that_says_what_is_missed(tmp_path):
    store, requests = pushed_store(tmp_path)
    quarrel(tmp_path, requests, 12)
    refused(store)
    ((_, result),) = newest_results(store)
    assert not result.success


def test_late_answers_are_no_batch(tmp_path, monkeypatch):
    store, requests = pushed_store(tmp_path)
    everyone_answers(tmp_path, requests, truth)
    passed(store)
    write_answers(tmp_path, "dan", {request: truth(trace) for trace, request in requests.items()})
    collect(store)
    given = []
    monkeypatch.setattr(label_validation, "demand_good_batch", lambda *arguments: given.append(arguments[2]))
    assert validate_labels(store).received == 0
    assert given == [[]]


def test_rows_on_which_models_disagree_tell_nothing_of_the_shares_of_classes(tmp_path):
    store, requests = after_good_history(tmp_path, labels={"max_class_shift": 0.0})
    rows = [row | {"stratum": "disagreement"} for row in store.read("requests").to_pylist()]
    store.update_rows("requests", rows_of(store.loop, "requests", rows))
    everyone_answers(tmp_path, requests, lambda _: "grain")
    assert passed(store).accepted == 12


def drawn(number, label, chance):
    return {
        "label_id": f"d{number:03d}", "trace_id": f"d{number}", "request_id": f"q{number}", "label": label,
        "decided_by": "majority", "origin": "fresh", "split": "holdout", "stratum": "random",
        "inclusion_probability": chance, "content_key": f"d{number}", "supersedes": None,
        "ts": DAY, "decided_at": DAY, "input_text": "x",
    }  # fmt: skip


def shift_of_drawn_rows(folder, now, before):
    store = make_store(folder)
    store.append_new("labels", rows_of(store.loop, "labels", [drawn(n, *each) for n, each in enumerate(before)]))
    figures = class_shifts(store, [drawn(n, *each) for n, each in enumerate(now)])
    return {figure.name: figure for figure in figures}["class_shift_of_drawn_rows"]


def test_shares_of_drawn_rows_are_of_what_they_stand_for(tmp_path):
    """Half of the labels before are grain, but each of these stands for a tenth of what the others do."""
    before = [("grain", 1.0)] * 150 + [("earn", 0.1)] * 150
    now = [("grain", 0.5)] * 120 + [("earn", 0.5)] * 120
    found = shift_of_drawn_rows(tmp_path, now, before)
    assert 0.25 < found.value < 0.41
    assert "120 of 240 rows as they were served are 'grain'" in found.says


def test_new_class_among_drawn_rows_is_a_shift(tmp_path):
    found = shift_of_drawn_rows(tmp_path, [("acq", 1.0)] * 60, [("earn", 1.0)] * 60)
    assert found.value > 0.8


def test_answers_in_a_burst_are_hasty_where_nothing_says_how_long_they_took(tmp_path):
    store, requests = pushed_store(tmp_path)
    for name in ANNOTATORS:
        for place, (trace, request) in enumerate(sorted(requests.items())):
            moment = datetime(2026, 3, 12, 8, 0, 0, 200_000 + 20_000 * place, tzinfo=UTC)
            write_answers(tmp_path, name, {request: truth(trace)}, created_at=moment.isoformat())
    assert "33 of 33 answers took less than labels.min_seconds, 0.5 s" in refused(store)


def test_answers_of_one_moment_say_nothing_of_how_long_they_took(tmp_path):
    store, requests = pushed_store(tmp_path)
    everyone_answers(tmp_path, requests, truth)
    assert passed(store).accepted == 12
