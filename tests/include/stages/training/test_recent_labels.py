"""Where what is right changes, a challenger is trained on recent labels."""

from datetime import timedelta

import pytest

from include.foundation.store.ledgers.deployments import BEGINNING
from include.foundation.store.rows import rows_of
from include.stages.training import recent_labels
from include.stages.training.deciding import decide_retrain
from include.stages.training.fitting import fitted
from include.stages.training.recent_labels import training_dataset
from tests.include.stages.training.challenger_builders import (
    DAY,
    label_row,
    make_label_store,
    make_text_loop,
    publish_labels,
)

TRAINING = {"factory": "include.factories:text_classifier"}


def of_age(*days):
    """Rows of labels so many days old; None is a seed without a time."""
    times = [BEGINNING if age is None else DAY - timedelta(days=age) for age in days]
    return [label_row(number, ts=ts) for number, ts in enumerate(times)]


@pytest.mark.parametrize(
    ("days", "fewest", "kept"),
    [(None, 1, [0, 1, 2, 3, 4]), (10, 1, [1, 3, 4]), (9, 1, [1, 4]), (9, 4, [1, 2, 3, 4]), (9, 100, [0, 1, 2, 3, 4])],
    ids=["all", "to the day", "fewer days", "too few are not enough", "no more than there are"],
)
def test_labels_are_trained_on_as_long_as_the_loop_file_says(monkeypatch, days, fewest, kept):
    monkeypatch.setattr(recent_labels, "FEWEST", fewest)
    loop = make_text_loop(training=TRAINING | {"label_days": days})
    rows = rows_of(loop, "labels", of_age(None, 0, 50, 10, 3))
    assert recent_labels.recent_labels(loop, rows).equals(rows.take(kept))
    assert recent_labels.recent_labels(loop, rows.slice(0, 0)).num_rows == 0


def test_challenger_learns_what_is_right_now(tmp_path, monkeypatch):
    """What was crude two months ago is grain today; the plan counts, and the model is made of, today's labels."""
    monkeypatch.setattr(recent_labels, "FEWEST", 1)
    loop = make_text_loop(training=TRAINING | {"label_days": 30})
    store = make_label_store(tmp_path, loop)
    publish_labels(store, range(40), ts=DAY - timedelta(days=60), label="crude", input_text="oil rises")
    publish_labels(store, range(40, 50), ts=DAY, label="grain", input_text="oil rises")
    published = publish_labels(store, range(50, 54), ts=DAY, label="crude", input_text="profit falls")
    plan = decide_retrain(store)
    assert (plan.outcome, plan.train) == ("train", 14)
    train = training_dataset(store, published.subject).train
    probabilities = fitted(loop, train).predict_proba(_frame("oil rises"))[0]
    assert probabilities.argmax() == ["crude", "grain"].index("grain")


def test_key_of_a_challenger_is_that_of_its_labels_however_they_were_chosen(tmp_path):
    store = make_label_store(tmp_path)
    publish_labels(store, range(6))
    other = make_label_store(tmp_path, make_text_loop(training=TRAINING | {"label_days": 3660}))
    assert decide_retrain(store).challenger_key == decide_retrain(other).challenger_key


def _frame(text):
    import pandas as pd

    return pd.DataFrame({"text": [text]})
