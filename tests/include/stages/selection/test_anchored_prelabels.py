"""Pre-labels that people follow too much are no longer shown, but for a share that goes on measuring."""

import pytest

from include.stages.selection.selecting import select_samples
from tests.include.stages.selection.selection_builders import (
    CLASSES,
    DAY,
    add_rows,
    day_interval,
    make_selection_loop,
    make_selection_store,
    prediction_row,
    prediction_rows,
    requests_of,
)


def selected(folder, gave_where_shown, **labeling):
    """The certainty stratum of a day, of confidences above and below 0.7, after 300 answers at confidence 0.6."""
    loop = make_selection_loop(selection={"budget": 320, "random_share": 0.1, "diversify": "none"}, labeling=labeling)
    rows = [prediction_row(n, day=9, confidence=[0.6, 0.8][n % 2]) for n in range(600)]
    store = make_selection_store(folder, [*prediction_rows(300), *rows], loop=loop)
    asked = [
        {"request_id": f"r{n:04d}", "trace_id": f"d0-{n:05d}", "content_key": f"k{n}", "batch_id": "old", "tier": 1,
         "stratum": "certainty", "split": "train", "inclusion_probability": 1.0, "reasons": ["r"], "ts": DAY,
         "prelabel": CLASSES[0], "prelabel_confidence": 0.6, "asked_at": DAY, "hidden_prelabel": n % 3 == 0,
         "shown_probability": 2 / 3}
        for n in range(300)
    ]  # fmt: skip
    said = [
        {"annotation_id": f"a{n}", "request_id": f"r{n:04d}", "trace_id": f"d0-{n:05d}", "annotator": "ann",
         "label": CLASSES[0] if n % 10 < (5 if n % 3 == 0 else gave_where_shown) else CLASSES[1],
         "created_at": DAY, "source": "f"}
        for n in range(300)
    ]  # fmt: skip
    add_rows(store, "requests", asked)
    add_rows(store, "annotations", said)
    select_samples(store, day_interval(9))
    return requests_of(store, stratum="certainty", batch_id=day_interval(9).key)


def hidden_share(requests, confidence):
    hidden = [row["hidden_prelabel"] for row in requests if row["prelabel_confidence"] == confidence]
    assert len(hidden) > 100
    return sum(hidden) / len(hidden)


def chances(requests, confidence):
    return {
        row["shown_probability"] and round(row["shown_probability"], 9)
        for row in requests
        if row["prelabel_confidence"] == confidence
    }


def test_prelabels_that_are_followed_too_much_are_hidden_up_to_their_confidence(tmp_path):
    requests = selected(tmp_path, gave_where_shown=8)
    assert hidden_share(requests, 0.6) == pytest.approx(0.9, abs=0.09)
    assert hidden_share(requests, 0.8) == pytest.approx(0.1, abs=0.09)
    assert chances(requests, 0.6) == {0.1}
    assert chances(requests, 0.8) == {0.9}


@pytest.mark.parametrize(("gave", "labeling"), [(5, {}), (8, {"max_anchoring": 0.5})])
def test_prelabels_that_are_not_shown_to_be_followed_too_much_stay(tmp_path, gave, labeling):
    requests = selected(tmp_path, gave_where_shown=gave, **labeling)
    assert hidden_share(requests, 0.6) == pytest.approx(0.1, abs=0.09)
    assert chances(requests, 0.6) == {0.9}


def test_nothing_is_measured_where_nothing_is_hidden(tmp_path):
    requests = selected(tmp_path, gave_where_shown=5, hidden_prelabel_share=0.0)
    assert not any(row["hidden_prelabel"] for row in requests)
    assert {row["shown_probability"] for row in requests} == {None}
