"""Champion and challenger are scored on the dataset that the plan names."""

import pytest
from feedback_loop.operators.evaluate import EvaluateOperator

from include.foundation.decisions import Evaluation, latest
from include.stages.training.deciding import decide_retrain
from include.stages.training.fitting import train_challenger
from tests.include.stages.training.challenger_builders import publish_labels
from tests.plugins.operators.operator_builders import context, with_store


@pytest.fixture
def plan(labeled):
    publish_labels(labeled, range(12))
    publish_labels(labeled, range(12, 42), split="holdout", stratum="random", inclusion_probability=0.5)
    return decide_retrain(labeled)


def test_first_challenger_is_measured_alone_and_again_the_same(labeled, registry, plan):
    challenger = {"run_id": train_challenger(labeled, plan, registry).run_id}
    operator = EvaluateOperator(task_id="t", loop="tiny", decision=plan.reference, challenger=challenger)
    with_store(operator, labeled, registry)
    first = operator.execute(context())
    measured = latest(labeled, Evaluation)
    assert (first, measured.subject) == (measured.reference, plan.subject)
    assert operator.execute(context()) == first


def test_decision_and_challenger_are_templated():
    assert set(EvaluateOperator.template_fields) == {"decision", "challenger"}
