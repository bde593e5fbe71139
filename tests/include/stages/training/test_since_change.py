"""After a drop of accuracy was shown, labels from before it are trained on only if they help on labels since then."""

from datetime import timedelta
from pathlib import Path

import pytest

from include.foundation.decisions import RetrainPlan, record
from include.foundation.decisions.drift_verdict import MonitorFinding, PerformanceDetails
from include.foundation.intervals import Interval
from include.foundation.models.frames import features_frame
from include.foundation.statistics.estimates import UNKNOWN
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.training.deciding import challenger_key, decide_retrain
from include.stages.training.fitting import fitted
from include.stages.training.recent_labels import training_dataset
from include.stages.training.since_change import _seeming_drop
from tests.decision_builders import make_drift_verdict
from tests.include.stages.training.challenger_builders import (
    DAY,
    add_labels,
    label_row,
    make_label_store,
    make_text_loop,
    say_gate,
)

CHANGE = DAY + timedelta(days=30)
TRAINING = {"factory": "include.factories:text_classifier"}
OIL, GRAIN = "oil barrel", "wheat corn"


def store_in(tmp_path: Path, **training: int) -> LoopStore:
    return make_label_store(tmp_path, make_text_loop(training=TRAINING | training))


def labels(numbers: range, days: int, *, swapped: bool) -> list[dict[str, object]]:
    """Rows of two kinds of text, whose labels change places where what is right has changed."""
    rows = []
    for number in numbers:
        is_oil = number % 2 == 0
        label = "crude" if is_oil != swapped else "grain"
        text = f"{OIL if is_oil else GRAIN} n{number}"
        rows.append(label_row(number, label=label, input_text=text, ts=DAY + timedelta(days=days, minutes=number)))
    return rows


def tell_of_drop(store: LoopStore) -> None:
    """Record the verdict of a window that shows a drop since the change."""
    details = PerformanceDetails(estimate=UNKNOWN, reference=0.8, needed=40.0, changed_on=CHANGE.date())
    finding = MonitorFinding(
        monitor="performance",
        column="accuracy",
        segment="",
        statistic="accuracy",
        effect=0.4,
        p_value=None,
        flagged=True,
        sentence="",
        details=details,
    )
    window = Interval(CHANGE + timedelta(days=3), CHANGE + timedelta(days=4))
    record(store, make_drift_verdict(window.key, "alarm", route="retrain", monitors=(finding,)))


@pytest.mark.parametrize(
    ("swapped", "told", "kept"),
    [(True, True, 80), (False, True, 280), (True, False, 280)],
    ids=["what is right changed", "it got harder", "nothing was shown"],
)
def test_labels_from_before_a_shown_drop_are_trained_on_only_if_they_help(
    tmp_path: Path, *, swapped: bool, told: bool, kept: int
) -> None:
    store = store_in(tmp_path)
    add_labels(store, labels(range(200), 0, swapped=False))
    add_labels(store, labels(range(200, 280), 31, swapped=swapped))
    if told:
        tell_of_drop(store)
    plan = plan_of(store)
    assert (plan.outcome, plan.train, plan.train_since) == ("train", kept, CHANGE if kept == 80 else None)
    assert training_dataset(store, plan.dataset, plan.train_since).train.num_rows == kept
    assert any("without labels from before it" in reason for reason in plan.reasons) is (kept == 80)


def plan_of(store: LoopStore) -> RetrainPlan:
    publish_dataset(store)
    return decide_retrain(store)


def test_challenger_of_the_labels_since_a_change_knows_what_is_right_now(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    add_labels(store, labels(range(200), 0, swapped=False))
    add_labels(store, labels(range(200, 280), 31, swapped=True))
    tell_of_drop(store)
    plan = plan_of(store)
    train = training_dataset(store, plan.dataset, plan.train_since).train
    assert plan.challenger_key == challenger_key(store, train)
    model = fitted(store.loop, train)
    rows = rows_of(store.loop, "labels", labels(range(1000, 1040), 32, swapped=True))
    assert (model.predict(features_frame(store.loop, rows)) == rows.column("label").to_pylist()).all()


def test_few_labels_since_a_change_are_not_all_that_is_trained_on(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    add_labels(store, labels(range(200), 0, swapped=False))
    add_labels(store, labels(range(200, 249), 31, swapped=True))
    tell_of_drop(store)
    assert plan_of(store).train == 249


def test_loop_file_that_says_how_old_labels_may_be_is_followed(tmp_path: Path) -> None:
    store = store_in(tmp_path, label_days=60)
    add_labels(store, labels(range(200), 0, swapped=False))
    add_labels(store, labels(range(200, 280), 31, swapped=True))
    tell_of_drop(store)
    assert plan_of(store).train == 280


def test_change_is_remembered_when_its_verdict_is_long_ago(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    add_labels(store, labels(range(200), 0, swapped=False))
    add_labels(store, labels(range(200, 280), 31, swapped=True))
    tell_of_drop(store)
    say_gate(store, plan_of(store).subject, "reject")
    add_labels(store, labels(range(300, 340), 80, swapped=True))
    plan = plan_of(store)
    assert (plan.outcome, plan.train, plan.changed_at) == ("train", 120, CHANGE)


def drawn(numbers: range, days: int, *, wrong: int, per_day: int = 10) -> list[dict[str, object]]:
    """Labels of rows that were drawn at random, so many a day, of which one in ``wrong`` was answered wrongly."""
    rows = []
    for place, number in enumerate(numbers):
        is_right = wrong == 0 or place % wrong > 0
        moment = DAY + timedelta(days=days + place // per_day, minutes=place)
        own = {"stratum": "random", "split": "holdout", "inclusion_probability": 0.5}
        rows.append(label_row(number, label="crude", predicted="crude" if is_right else "grain", ts=moment) | own)
    return rows


@pytest.mark.parametrize(
    ("wrong", "swapped", "kept"),
    [(2, True, 80), (2, False, 280), (10, True, 280)],
    ids=["seems to have changed, and has", "seems to have changed", "changed where nobody saw it"],
)
def test_drop_that_is_not_shown_yet_counts_if_labels_confirm_it(
    tmp_path: Path, *, wrong: int, swapped: bool, kept: int
) -> None:
    store = store_in(tmp_path)
    add_labels(store, labels(range(200), 0, swapped=False))
    add_labels(store, labels(range(200, 280), 31, swapped=swapped))
    add_labels(store, drawn(range(1000, 1150), 15, wrong=10) + drawn(range(1150, 1200), 30, wrong=wrong))
    plan = plan_of(store)
    assert (plan.train, plan.changed_at) == (kept, CHANGE if kept == 80 else None)


def test_few_drawn_rows_or_rows_of_another_version_say_nothing(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    add_labels(store, labels(range(200), 0, swapped=False))
    add_labels(store, labels(range(200, 280), 31, swapped=True))
    other = [row | {"model_version": "other"} for row in drawn(range(1000, 1150), 15, wrong=10)]
    add_labels(store, other + drawn(range(1150, 1200), 30, wrong=2))
    assert plan_of(store).train == 280


def test_nothing_seems_to_have_dropped_where_nothing_is_drawn() -> None:
    assert _seeming_drop([]) is None
