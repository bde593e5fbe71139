from pathlib import Path
from typing import Any

import pytest

from include.foundation.errors import NothingToDo
from include.foundation.store.tables import LoopStore
from include.stages.selection.selecting import select_samples
from tests.include.stages.selection.selection_builders import (
    add_rows,
    day_interval,
    make_selection_loop,
    make_selection_store,
    prediction_row,
    prediction_rows,
    report_row,
    requests_of,
    sampling_frame,
)

ONLY_REPORTS = {"uri": "feedback", "max_request_share": 1.0}
SURE = make_selection_loop(selection={"budget": 4, "random_share": 0.0}, feedback=ONLY_REPORTS)


def reasons_of(store: LoopStore) -> dict[str, str]:
    return {row["trace_id"]: row["reasons"][0] for row in requests_of(store, stratum="certainty")}


def test_reported_row_is_asked_for_although_the_model_was_sure(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(30), loop=SURE)
    sure = prediction_row(0)["trace_id"]
    add_rows(store, "feedback", [report_row(sure)])
    assert select_samples(store, day_interval()).reported == 1
    assert reasons_of(store)[sure] == "reported by a user: wrong desk"
    request = requests_of(store, trace_id=sure)[0]
    assert (request["split"], request["inclusion_probability"]) == ("train", 1.0)


def test_reported_row_without_probabilities_is_asked_for(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(10, probabilities=None, confidence=None), loop=SURE)
    add_rows(store, "feedback", [report_row(prediction_row(3)["trace_id"])])
    select_samples(store, day_interval())
    reasons = reasons_of(store)
    assert reasons[prediction_row(3)["trace_id"]].startswith("reported by a user")
    assert {row["score"] for row in requests_of(store)} == {None}


@pytest.mark.parametrize(
    ("signal", "reason"),
    [
        ({"comment": "x" * 500}, "x" * 120),
        ({"comment": None}, "no comment"),
        ({"comment": "", "signal": "correction", "value": '{"label":"earn"}'}, "should be earn"),
        ({"comment": "a bank", "signal": "correction", "value": '"earn"'}, "should be earn, a bank"),
        ({"comment": "", "signal": "correction", "value": '["earn"]'}, '["earn"]'),
    ],
)
def test_reported_row_carries_a_short_reason(tmp_path, signal, reason):
    store = make_selection_store(tmp_path, prediction_rows(5), loop=SURE)
    sure = prediction_row(0)["trace_id"]
    add_rows(store, "feedback", [report_row(sure, **signal)])
    select_samples(store, day_interval())
    assert reasons_of(store)[sure] == f"reported by a user: {reason}"


@pytest.mark.parametrize("signal", [{"kind": "implicit"}, {"kind": "automated"}, {"signal": "thumbs_up"}])
def test_signal_that_is_no_explicit_report_nominates_nothing(tmp_path, signal):
    store = make_selection_store(tmp_path, prediction_rows(30), loop=SURE)
    add_rows(store, "feedback", [report_row(prediction_row(0)["trace_id"], **signal)])
    assert select_samples(store, day_interval()).reported == 0


def test_reports_are_capped_at_the_certainty_budget(tmp_path):
    loop = make_selection_loop(selection={"budget": 5, "random_share": 0.4}, feedback=ONLY_REPORTS)
    store = make_selection_store(tmp_path, prediction_rows(30), loop=loop)
    add_rows(store, "feedback", [report_row(row["trace_id"]) for row in prediction_rows(30)])
    report = select_samples(store, day_interval())
    assert (report.random, report.certainty, report.reported) == (2, 3, 3)


def test_reported_row_of_an_earlier_day_is_asked_for_with_the_next_batch(tmp_path):
    store = make_selection_store(tmp_path, [*prediction_rows(30), *prediction_rows(30, day=1)], loop=SURE)
    select_samples(store, day_interval(0))
    requested = {row["trace_id"] for row in requests_of(store)}
    late = next(row["trace_id"] for row in prediction_rows(30) if row["trace_id"] not in requested)
    add_rows(store, "feedback", [report_row(late, ts=day_interval(1).start)])
    report = select_samples(store, day_interval(1))
    assert (report.reported, report.frame_rows, report.requests) == (1, 30, 4)
    assert requests_of(store, trace_id=late)[0]["batch_id"] == day_interval(1).key


def test_reports_beyond_the_budget_wait_for_the_next_batch(tmp_path):
    store = make_selection_store(tmp_path, [*prediction_rows(6), *prediction_rows(30, day=1)], loop=SURE)
    add_rows(store, "feedback", [report_row(row["trace_id"]) for row in prediction_rows(6)])
    assert select_samples(store, day_interval(0)).reported == 4
    assert select_samples(store, day_interval(1)).reported == 2


def test_reports_that_waited_longest_come_first(tmp_path):
    store = make_selection_store(tmp_path, [*prediction_rows(6), *prediction_rows(30, day=1)], loop=SURE)
    select_samples(store, day_interval(0))
    add_rows(store, "feedback", [report_row(row["trace_id"]) for row in prediction_rows(30, day=1)])
    add_rows(store, "feedback", [report_row(row["trace_id"]) for row in prediction_rows(6)])
    select_samples(store, day_interval(1))
    batch = requests_of(store, batch_id=day_interval(1).key)
    requested = sorted(row["trace_id"] for row in batch)
    assert [name[:2] for name in requested[:2]] == ["d0", "d0"]
    assert requested[2:] == ["d1-00000", "d1-00001"]


def test_reported_row_that_was_asked_for_is_not_asked_again(tmp_path):
    store = make_selection_store(tmp_path, [*prediction_rows(3), *prediction_rows(30, day=1)], loop=SURE)
    select_samples(store, day_interval(0))
    add_rows(store, "feedback", [report_row(prediction_row(0)["trace_id"])])
    assert select_samples(store, day_interval(1)).reported == 0


def test_report_of_one_repeat_nominates_the_row_that_stands_for_it(tmp_path):
    rows = [*prediction_rows(30), *(prediction_row(100 + copy, input_text="The same") for copy in range(9))]
    frame = make_selection_store(tmp_path / "frame", rows, loop=SURE)
    filters = [("ts", ">=", day_interval().start)]
    seed = (SURE.selection.seed, day_interval().key)
    kept = set(sampling_frame(frame, filters, seed).rows.column("trace_id").to_pylist())
    unkept = next(row["trace_id"] for row in rows[-9:] if row["trace_id"] not in kept)
    add_rows(frame, "feedback", [report_row(unkept)])
    assert select_samples(frame, day_interval()).reported == 1
    assert requests_of(frame, trace_id=unkept) == []


def test_reported_row_of_an_earlier_day_never_joins_the_random_draw(tmp_path):
    loop = make_selection_loop(selection={"budget": 10, "random_share": 0.5})
    store = make_selection_store(tmp_path, [*prediction_rows(30), *prediction_rows(4, day=1)], loop=loop)
    add_rows(store, "feedback", [report_row(prediction_row(0)["trace_id"])])
    report = select_samples(store, day_interval(1))
    assert (report.frame_rows, report.random) == (4, 4)
    assert {row["trace_id"][:2] for row in requests_of(store, stratum="random")} == {"d1"}
    assert [row["stratum"] for row in requests_of(store, trace_id=prediction_row(0)["trace_id"])] == ["certainty"]


def test_report_of_a_later_day_does_not_reach_back(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(5, day=1), loop=SURE)
    add_rows(store, "feedback", [report_row(prediction_row(0, day=1)["trace_id"])])
    with pytest.raises(NothingToDo, match="No row"):
        select_samples(store, day_interval(0))


@pytest.mark.parametrize(("said", "logged", "reported"), [(28, 56, 1), (29, 40, 0), (28, 57, 0)], ids=str)
def test_report_is_acted_on_for_four_weeks_and_so_is_what_was_logged_as_long_before_it(
    tmp_path, said, logged, reported
):
    late = prediction_row(0, day=61 - logged)
    store = make_selection_store(tmp_path, [late, *prediction_rows(30, day=60)], loop=SURE)
    add_rows(store, "feedback", [report_row(late["trace_id"], ts=day_interval(61 - said).start)])
    assert select_samples(store, day_interval(60)).reported == reported


def report_by(person: str | None, number: int, **overrides: Any) -> dict[str, Any]:
    name = prediction_row(number)["trace_id"]
    return report_row(name, user_key=person, feedback_id=f"f-{person}-{number}", **overrides)


def crowded_store(folder: Path, *reports: dict[str, Any], **feedback: Any) -> LoopStore:
    """Return a store with 60 rows and reports, of whose runs 16 rows are chosen."""
    policy = {"budget": 20, "random_share": 0.2, "diversify": "none"}
    loop = make_selection_loop(selection=policy, feedback={"uri": "feedback"} | feedback)
    store = make_selection_store(folder, prediction_rows(60), loop=loop)
    add_rows(store, "feedback", list(reports))
    return store


@pytest.mark.parametrize("most", [1, 3, 5])
def test_reports_of_one_person_take_a_few_rows_however_many_they_are(tmp_path, most):
    feedback = {"max_person_requests": most, "max_request_share": 1.0}
    store = crowded_store(tmp_path, *(report_by("a", number) for number in range(40)), **feedback)
    report = select_samples(store, day_interval())
    assert (report.certainty, report.reported) == (16, most)


@pytest.mark.parametrize(("share", "reported"), [(0.0, 0), (0.01, 1), (0.25, 4), (0.5, 8), (1.0, 16)])
def test_reports_of_many_people_take_a_share_of_the_chosen_rows(tmp_path, share, reported):
    reports = [report_by(f"p{number}", number) for number in range(60)]
    store = crowded_store(tmp_path, *reports, max_request_share=share)
    report = select_samples(store, day_interval())
    assert (report.certainty, report.reported) == (16, reported)


def test_people_take_turns_so_that_who_reports_once_does_not_wait(tmp_path):
    busy, quiet = [report_by("a", number) for number in range(30)], [report_by("b", 50), report_by("c", 51)]
    store = crowded_store(tmp_path, *busy, *quiet)
    select_samples(store, day_interval())
    reported = [name for name, reason in reasons_of(store).items() if reason.startswith("reported")]
    assert {prediction_row(50)["trace_id"], prediction_row(51)["trace_id"]} <= set(reported)
    assert len(reported) <= 3 + 2


def test_those_who_are_not_known_take_turns_as_one_person_and_only_the_share_bounds_them(tmp_path):
    unknown = [report_by(None, number) for number in range(30)]
    store = crowded_store(tmp_path, *unknown, *(report_by("a", number) for number in range(40, 45)))
    select_samples(store, day_interval())
    reported = {name for name, reason in reasons_of(store).items() if reason.startswith("reported")}
    of_a = {prediction_row(number)["trace_id"] for number in range(40, 45)}
    assert (len(reported), len(reported & of_a)) == (8, 3)


def test_row_that_several_people_reported_takes_the_turn_of_one(tmp_path):
    reports = [report_by(person, number) for number in range(4) for person in ("a", "b")]
    store = crowded_store(tmp_path, *reports, max_person_requests=2)
    assert select_samples(store, day_interval()).reported == 4


def test_reports_that_wait_hide_no_row_from_being_chosen(tmp_path):
    """Else whoever reports the rows that the model is least sure of would keep the loop from learning them."""
    unsure = [number for number in range(60) if number % 50 >= 40]
    store = crowded_store(tmp_path, *(report_by("a", number) for number in unsure), max_person_requests=1)
    select_samples(store, day_interval())
    asked = {row["trace_id"] for row in requests_of(store)}
    assert {prediction_row(number)["trace_id"] for number in unsure} <= asked


def test_reports_that_wait_are_acted_on_in_the_next_run(tmp_path):
    store = crowded_store(tmp_path, *(report_by("a", number) for number in range(5)), max_person_requests=3)
    add_rows(store, "predictions", prediction_rows(30, day=1))
    assert select_samples(store, day_interval(0)).reported == 3
    assert select_samples(store, day_interval(1)).reported == 2
