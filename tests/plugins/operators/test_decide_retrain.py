"""Training goes on when the rules or a person ask for it; a dry run only says so."""

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from feedback_loop.operators.decide_retrain import DecideRetrainOperator

from include.foundation.decisions import RetrainPlan, latest
from tests.include.stages.training.challenger_builders import add_labels, judge_plan, label_row, publish_labels
from tests.plugins.operators.operator_builders import context, with_store


def decide(store, **params):
    return with_store(DecideRetrainOperator(task_id="t", loop=store.loop.name), store).execute(context(**params))


def test_without_labels_skips_with_the_reason_and_records_it(store):
    with pytest.raises(AirflowSkipException, match="No dataset was published"):
        decide(store)
    assert latest(store, RetrainPlan).outcome == "no"


def test_first_dataset_is_trained_on(labeled):
    publish_labels(labeled, range(12))
    assert decide(labeled)["outcome"] == "train"


def test_dry_run_says_what_would_be_done_and_skips(labeled):
    publish_labels(labeled, range(12))
    with pytest.raises(AirflowSkipException, match="dry_run; train: There is no model yet"):
        decide(labeled, dry_run=True)


def test_force_trains_where_the_rules_see_no_reason(labeled):
    judge_plan(labeled)
    add_labels(labeled, [label_row(40)])
    publish_labels(labeled, range(41, 42))
    with pytest.raises(AirflowSkipException, match="2 new labels to train on, 6 are needed"):
        decide(labeled)
    assert decide(labeled, force=True)["outcome"] == "train"
