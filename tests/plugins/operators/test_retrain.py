"""The planned challenger is trained once."""

import pytest
from airflow.sdk.exceptions import AirflowFailException
from feedback_loop.operators.retrain import RetrainOperator

from include.stages.training.deciding import decide_retrain
from tests.include.stages.training.challenger_builders import publish_labels
from tests.plugins.operators.operator_builders import FORGED, context, with_store


def train(store, registry, decision):
    operator = RetrainOperator(task_id="t", loop="tiny", decision=decision)
    return with_store(operator, store, registry).execute(context())


def test_plan_is_trained_and_run_again_returns_the_same_run(labeled, registry):
    publish_labels(labeled, range(12))
    plan = decide_retrain(labeled)
    first = train(labeled, registry, plan.reference)
    assert (first["challenger_key"], first["already_there"]) == (plan.subject, False)
    assert train(labeled, registry, plan.reference) == first | {"already_there": True}


def test_plan_that_was_never_recorded_trains_nothing(labeled, registry):
    with pytest.raises(AirflowFailException, match="No recorded decision"):
        train(labeled, registry, FORGED)


def test_one_class_fails_without_retry(labeled, registry):
    plan = publish_labels(labeled, range(12), label="ship")
    forced = decide_retrain(labeled, force=True)
    assert (plan.outcome, forced.outcome) == ("published", "no")
    with pytest.raises(AirflowFailException, match="two or more classes"):
        train(labeled, registry, forced.reference)


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (
            "http://airflow/sub/",
            "Trained by wire.some, [manual__1](http://airflow/sub/feedback-loop/dags/wire.some/runs/manual__1).",
        ),
        ("", "Trained by wire.some, manual__1."),
    ],
    ids=["that browsers reach", "of which nobody knows how browsers reach it"],
)
def test_mlflow_says_which_run_trained_and_leads_back_to_an_airflow(labeled, registry, monkeypatch, base, said):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base)
    publish_labels(labeled, range(12))
    run_id = train(labeled, registry, decide_retrain(labeled).reference)["run_id"]
    assert registry.client.get_run(run_id).data.tags["mlflow.note.content"] == said
