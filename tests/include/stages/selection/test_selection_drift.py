"""What a drift verdict asks of selection: labels of a segment, none of broken rows, and the random draw untouched."""

import pytest

from include.foundation.decisions import SelectedBatch, find, record
from include.stages.drift.detection import detect_drift
from include.stages.selection.selecting import select_samples
from tests.builders import day, make_store
from tests.decision_builders import make_column_finding, make_drift_verdict
from tests.include.stages.drift.drift_builders import DRIFT, fill
from tests.include.stages.selection.selection_builders import (
    DAY,
    add_rows,
    day_interval,
    letters,
    make_selection_loop,
    make_selection_store,
    prediction_row,
    report_row,
    requests_of,
)

EU = "in a drifted segment: desk=eu"
RANDOM = {("random", "holdout", 4 / 60)}


def optional(kind):
    return {"text": {"type": "text"}, "more": {"type": kind, "required": False}}


def desk_rows(count=60, **overrides):
    """Rows of which every sixth is of desk eu, surer than all others: no score would choose one of these."""
    return [
        prediction_row(number, segment_desk="us", probabilities=[0.4, 0.35, 0.25], confidence=0.4) | overrides
        if number % 6
        else prediction_row(number, segment_desk="eu", probabilities=[0.98, 0.01, 0.01], confidence=0.98) | overrides
        for number in range(count)
    ]


def desk_store(folder, rows=None, inputs=None):
    loop = make_selection_loop(segments=["desk"], **({"inputs": inputs} if inputs else {}))
    return make_selection_store(folder, desk_rows() if rows is None else rows, loop=loop)


def judged(store, route, *, segments=(), columns=(), outcome="alarm", number=0):
    verdict = make_drift_verdict(day_interval(number).key, outcome, route=route, segments=segments, columns=columns)
    return record(store, verdict)


def column(name, statistic="missing", *, flagged=True):
    return make_column_finding(name, statistic=statistic, flagged=flagged)


def batch(store):
    """Return the requests of the day, without what differs between tables of different loops."""
    return [(row["trace_id"], row["stratum"], row["reasons"]) for row in requests_of(store)]


def undrifted(folder):
    store = desk_store(folder / "undrifted")
    select_samples(store, day_interval())
    return batch(store)


def random_ids(found):
    return [trace_id for trace_id, stratum, _ in found if stratum == "random"]


def eu_of(found):
    return [trace_id for trace_id, _, reasons in found if reasons == [EU]]


@pytest.mark.parametrize("outcome", ["drift", "alarm"])
def test_half_of_what_is_chosen_is_of_the_segment_that_the_verdict_wants_labels_of(tmp_path, outcome):
    store = desk_store(tmp_path)
    judged(store, "label_segment", segments=["desk=eu"], outcome=outcome)
    report = select_samples(store, day_interval())
    assert (report.random, report.certainty) == (4, 6)
    assert len(eu_of(batch(store))) == 3
    assert all(int(trace_id[-5:]) % 6 == 0 for trace_id in eu_of(batch(store)))


def test_rows_of_a_drifted_segment_are_certain_and_the_random_draw_stays_what_it_was(tmp_path):
    """Metrics weigh by these probabilities: a verdict must not lean on the draw."""
    store = desk_store(tmp_path)
    judged(store, "label_segment", segments=["desk=eu"])
    select_samples(store, day_interval())
    kinds = {(row["stratum"], row["split"], row["inclusion_probability"]) for row in requests_of(store)}
    assert kinds == RANDOM | {("certainty", "train", 1.0)}
    assert random_ids(batch(store)) == random_ids(undrifted(tmp_path))
    nominated = set(eu_of(batch(store)))
    assert nominated
    assert not nominated & set(random_ids(batch(store)))


def test_reports_of_users_come_before_the_drifted_segment(tmp_path):
    store = desk_store(tmp_path)
    add_rows(store, "feedback", [report_row(f"d0-{number:05d}") for number in (1, 2, 3, 4)])
    judged(store, "label_segment", segments=["desk=eu"])
    report = select_samples(store, day_interval())
    assert report.reported == len([1 for _, _, reasons in batch(store) if reasons[0].startswith("reported")]) > 0
    assert len(eu_of(batch(store))) == (6 - report.reported) // 2


def test_small_segment_gives_what_it_has_and_the_score_chooses_the_rest(tmp_path):
    rows = [row | {"segment_desk": "eu" if number == 7 else "us"} for number, row in enumerate(desk_rows())]
    store = desk_store(tmp_path, rows)
    judged(store, "label_segment", segments=["desk=eu", "desk=gone"])
    report = select_samples(store, day_interval())
    assert (report.random, report.certainty) == (4, 6)
    assert eu_of(batch(store)) == ["d0-00007"]


def test_row_of_the_segment_that_was_drawn_at_random_is_not_chosen_again(tmp_path):
    held_out = random_ids(undrifted(tmp_path))
    rows = [row | {"segment_desk": "eu" if row["trace_id"] in held_out else "us"} for row in desk_rows()]
    store = desk_store(tmp_path, rows)
    judged(store, "label_segment", segments=["desk=eu"])
    assert select_samples(store, day_interval()).certainty == 6
    assert eu_of(batch(store)) == []
    assert len({trace_id for trace_id, _, _ in batch(store)}) == 10


@pytest.mark.parametrize(
    ("route", "segments"),
    [
        pytest.param("label_segment", [], id="the-window-as-a-whole"),
        *(pytest.param(route, ["desk=eu"], id=route) for route in ("retrain", "watch", "none", "fix_data")),
    ],
)
def test_other_routes_choose_as_if_there_were_no_verdict(tmp_path, route, segments):
    store = desk_store(tmp_path)
    judged(store, route, segments=segments)
    select_samples(store, day_interval())
    assert batch(store) == undrifted(tmp_path)


@pytest.mark.parametrize("number", [-1, 1], ids=["the-day-before", "the-day-after"])
def test_verdict_on_another_interval_nominates_nothing(tmp_path, number):
    """An alarm of yesterday does not spend today's labels: today has its own verdict."""
    store = desk_store(tmp_path)
    judged(store, "label_segment", segments=["desk=eu"], number=number)
    select_samples(store, day_interval())
    assert batch(store) == undrifted(tmp_path)


def test_interval_judged_again_is_chosen_from_by_its_newest_verdict(tmp_path):
    store = desk_store(tmp_path)
    judged(store, "label_segment", segments=["desk=eu"])
    judged(store, "none", outcome="stable")
    select_samples(store, day_interval())
    assert batch(store) == undrifted(tmp_path)


def test_selection_run_again_keeps_its_batch_whatever_verdict_came_since(tmp_path):
    store = desk_store(tmp_path)
    judged(store, "label_segment", segments=["desk=eu"])
    first, asked = select_samples(store, day_interval()), requests_of(store)
    judged(store, "label_segment", segments=["desk=us"])
    assert select_samples(store, day_interval()) == first
    assert requests_of(store) == asked
    assert len(find(store, SelectedBatch)) == 1


def test_drifted_rows_are_nominated_the_same_whatever_order_they_came_in(tmp_path):
    batches = []
    for seed in range(2):
        loop = make_selection_loop(segments=["desk"])
        store = make_selection_store(tmp_path / str(seed), desk_rows(), loop=loop, seed=seed)
        judged(store, "label_segment", segments=["desk=eu"])
        select_samples(store, day_interval())
        batches.append(batch(store))
    assert batches[0] == batches[1]


def broken(folder, *columns):
    """Return a store whose odd rows lack the input ``more``, after choosing from it."""
    rows = [row | {"input_more": None if number % 2 else 1.0} for number, row in enumerate(desk_rows())]
    store = desk_store(folder, rows, optional("numeric"))
    judged(store, "fix_data", columns=columns)
    select_samples(store, day_interval())
    return store


def lacking(store, stratum):
    return sum(int(row["trace_id"][-5:]) % 2 for row in requests_of(store, stratum=stratum))


def test_rows_that_lack_what_the_verdict_found_missing_are_not_chosen(tmp_path):
    store = broken(tmp_path, column("input_more"))
    assert lacking(store, "certainty") == 0
    assert len(requests_of(store, stratum="certainty")) == 6


@pytest.mark.parametrize(
    ("kind", "value"),
    [("numeric", float), pytest.param("categorical", lambda place: "abc"[place % 3], id="categorical"),
     pytest.param("text", lambda place: f"some {letters(place)}", id="text")],
)  # fmt: skip
def test_rows_that_a_real_verdict_calls_broken_are_not_chosen(tmp_path, kind, value):
    """The verdict names columns as drift watches them; selection must know them again."""
    selection = {"budget": 12, "random_share": 0.2}
    store = make_store(tmp_path, inputs=optional(kind), drift=DRIFT, selection=selection)
    text = {"input_text": lambda place: f"one {letters(place)} two {letters(2 * place)}"}
    fill(store, 0, 14, **text, input_more=value)
    fill(store, 14, 1, **text, input_more=lambda place: None if place % 2 else value(place))
    assert detect_drift(store, day(14)).route == "fix_data"
    select_samples(store, day(14))
    chosen = requests_of(store, stratum="certainty")
    assert len(chosen) == 10
    assert not [row for row in chosen if int(row["trace_id"].split("-")[1]) % 2]


def test_broken_rows_stay_in_the_random_draw_since_users_met_them_too(tmp_path):
    store = broken(tmp_path, column("input_more"))
    asked = requests_of(store, stratum="random")
    assert {(row["stratum"], row["split"], row["inclusion_probability"]) for row in asked} == RANDOM
    assert random_ids(batch(store)) == random_ids(undrifted(tmp_path))
    assert lacking(store, "random") > 0


@pytest.mark.parametrize(
    "found",
    [column("input_more", "unseen"), column("input_more", flagged=False), column("predicted"), column("gone")],
    ids=["unseen-categories", "not-flagged", "another-column", "no-column-of-the-table"],
)
def test_rows_are_left_out_only_for_a_value_that_was_found_missing(tmp_path, found):
    assert lacking(broken(tmp_path, found), "certainty") > 0


def test_day_on_which_every_row_is_broken_asks_for_the_random_draw_only(tmp_path):
    rows = [row | {"input_more": None} for row in desk_rows()]
    store = desk_store(tmp_path, rows, optional("numeric"))
    judged(store, "fix_data", columns=[column("input_more")])
    report = select_samples(store, day_interval())
    assert (report.random, report.certainty) == (4, 0)


def test_broken_row_that_a_user_reported_is_asked_about(tmp_path):
    rows = [row | {"input_more": None} for row in desk_rows()]
    store = desk_store(tmp_path, rows, optional("numeric"))
    reported = next(row["trace_id"] for row in rows if row["trace_id"] not in random_ids(undrifted(tmp_path)))
    add_rows(store, "feedback", [report_row(reported, ts=DAY)])
    judged(store, "fix_data", columns=[column("input_more")])
    select_samples(store, day_interval())
    assert [row["trace_id"] for row in requests_of(store, stratum="certainty")] == [reported]
