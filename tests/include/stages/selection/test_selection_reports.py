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

SURE = make_selection_loop(selection={"budget": 4, "random_share": 0.0})


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
        ({"comment": "", "signal": "correction", "value": '{"label":"earn"}'}, "should be {'label': 'earn'}"),
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
    loop = make_selection_loop(selection={"budget": 5, "random_share": 0.4})
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
