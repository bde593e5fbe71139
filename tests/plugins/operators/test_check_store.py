"""Damage fails the task at once, with words; a store that is whole is looked at once a day."""

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from feedback_loop.operators.check_store import CheckStoreOperator

from include.foundation.models.registry import CHAMPION
from include.stages.deployment.deploying import deploy
from tests.decision_builders import make_approval
from tests.include.stages.training.challenger_builders import register_challengers, say_gate
from tests.plugins.operators.operator_builders import context, with_store


def check(store, registry):
    return with_store(CheckStoreOperator(task_id="t", loop="tiny"), store, registry).execute(context())


def test_store_that_is_whole_is_checked_once_a_day(labeled, registry):
    check(labeled, registry)
    with pytest.raises(AirflowSkipException, match="is whole; once a day is enough"):
        check(labeled, registry)


def test_damage_fails_without_retry_and_says_how_to_mend_it(labeled, registry, estimator):
    register_challengers(registry, labeled, estimator, "a")
    gate = say_gate(labeled, "a", "promote")
    deploy(labeled, registry, gate, make_approval(gate))
    registry.client.delete_registered_model_alias("tiny", CHAMPION)
    for _ in range(2):
        with pytest.raises(
            AirflowFailException, match=r"is damaged \(1 problem\)\n .* → `python -m include reconcile tiny`"
        ):
            check(labeled, registry)
