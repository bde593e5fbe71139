"""A dataset is published when labels changed, and who waits for it hears of it."""

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from feedback_loop.operators.publish_dataset import PublishDatasetOperator

from include.foundation.decisions import record
from tests.decision_builders import make_dataset_decision
from tests.include.stages.training.challenger_builders import add_labels, label_row
from tests.plugins.operators.operator_builders import context, with_store


def publish(store, attempt=1, **form):
    inputs = context(**form)
    inputs["ti"].try_number = attempt
    return with_store(PublishDatasetOperator(task_id="t", loop=store.loop.name), store).execute(inputs)


def test_without_a_label_skips(store):
    with pytest.raises(AirflowSkipException, match="no label"):
        publish(store, attempt=2)


def test_labels_are_published_once(labeled):
    add_labels(labeled, [label_row(number) for number in range(6)])
    assert publish(labeled)["outcome"] == "published"
    with pytest.raises(AirflowSkipException, match="No label changed"):
        publish(labeled)


def test_retry_tells_who_waits(store):
    """The attempt before may have published and been killed: the event must not be lost."""
    published = record(store, make_dataset_decision())
    with pytest.raises(AirflowSkipException):
        publish(store)
    assert publish(store, attempt=2) == published.reference


def test_person_may_publish_what_only_confirms_the_model(labeled):
    add_labels(labeled, [label_row(number, origin="accepted") for number in range(60)])
    with pytest.raises(AirflowFailException, match="max_accepted_share"):
        publish(labeled)
    assert publish(labeled, publish_anyway=True)["outcome"] == "published"
