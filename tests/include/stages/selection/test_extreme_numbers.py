"""The largest numbers there are, and numbers far from all others, stop no selection, and are told."""

import numpy as np
import pytest

from include.foundation.decisions import SelectedBatch, latest
from include.foundation.store.rows import rows_of
from include.stages.selection.diversity import NEAR_DUPLICATE
from include.stages.selection.selecting import select_samples
from include.stages.selection.vectors import features
from include.stages.selection.window import Wanted, WindowReader
from tests.include.stages.selection.selection_builders import (
    day_interval,
    make_selection_loop,
    make_selection_store,
    prediction_rows,
)

INPUTS = {"amount": {"type": "numeric"}, "pair": {"type": "vector", "size": 2}}


def rows_with(*extremes):
    """Return thirty rows, some of whose amounts, and elements of the pair, are extreme."""
    amounts = np.random.default_rng(1).normal(100, 15, 30)
    amounts[: len(extremes)] = extremes
    rows = prediction_rows(30)
    for row, amount in zip(rows, amounts, strict=True):
        del row["input_text"]
        row |= {"input_amount": float(amount), "input_pair": [float(amount), 1.0]}
    return rows


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "extremes", [(1.79e308,), (1.79e308, -1.79e308), (1.79e308,) * 3, (5e-324,), (1e200, 1e-200), (1e308,) * 9]
)
def test_largest_and_smallest_numbers_are_selected_from(tmp_path, extremes):
    store = make_selection_store(tmp_path, rows_with(*extremes), loop=make_selection_loop(inputs=INPUTS))
    assert select_samples(store, day_interval()).requests >= 7


def test_number_far_from_all_others_is_told(tmp_path):
    store = make_selection_store(tmp_path, rows_with(1.79e308, 99.0, -1e12), loop=make_selection_loop(inputs=INPUTS))
    select_samples(store, day_interval())
    told = latest(store, SelectedBatch, day_interval().key).reasons[-1]
    assert told.startswith("2 numbers are far from all others: amount of d0-0000")
    assert told.endswith("; see whether they are right.")


def test_ordinary_numbers_are_not_told_of(tmp_path):
    store = make_selection_store(tmp_path, rows_with(), loop=make_selection_loop(inputs=INPUTS))
    select_samples(store, day_interval())
    assert "far from" not in " ".join(latest(store, SelectedBatch, day_interval().key).reasons)


def test_rows_beside_an_extreme_one_are_still_told_apart():
    """With a plain standard deviation all but the extreme one would look alike, and only one of them would be asked about."""
    loop = make_selection_loop(inputs={"amount": {"type": "numeric"}})
    rows = [{key: value for key, value in row.items() if key != "input_pair"} for row in rows_with(1e9)]
    found = features(loop, rows_of(loop, "predictions", rows))
    alike = (found[1:] @ found[1:].T).toarray()
    assert np.median(alike[~np.eye(29, dtype=bool)]) < NEAR_DUPLICATE


@pytest.mark.parametrize(("far", "told"), [(1049.9, 0), (1050.1, 2)])
def test_number_is_far_from_a_thousand_widths_of_the_middle_half(tmp_path, far, told):
    loop = make_selection_loop(inputs={"amount": {"type": "numeric"}})
    rows = prediction_rows(43)
    for row, amount in zip(rows, [*np.linspace(-1, 1, 41), -far, far], strict=True):  # the middle half is 1.05 wide
        del row["input_text"]
        row["input_amount"] = float(amount)
    reader = WindowReader(make_selection_store(tmp_path, rows, loop=loop), day_interval())
    assert reader.read(Wanted()).far_out() == [(rows[place]["trace_id"], "amount") for place in (41, 42)][:told]
    assert (
        WindowReader(make_selection_store(tmp_path / "none", [], loop=loop), day_interval()).read(Wanted()).far_out()
        == []
    )
