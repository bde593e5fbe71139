"""Only what was judged and signed off goes live, and once."""

import pytest
from airflow.sdk.exceptions import AirflowFailException
from feedback_loop.operators.deploy import DeployOperator

from include.foundation.decisions.chain import record
from include.foundation.store.ledgers.deployments import history
from tests.include.stages.training.challenger_builders import approval_of, register_challengers, say_gate
from tests.plugins.operators.operator_builders import FORGED, context, with_store


def deploy(store, registry, decision, approval):
    operator = DeployOperator(task_id="t", loop="tiny", decision=decision, approval=approval)
    return with_store(operator, store, registry).execute(context())


def test_approved_challenger_is_live_and_run_again_the_same(labeled, registry, estimator):
    register_challengers(registry, labeled, estimator, "a")
    gate = say_gate(labeled, "a", "promote")
    approval = record(labeled, approval_of(gate))
    first = deploy(labeled, registry, gate.reference, approval.reference)
    assert (first["version"], first["previous"], registry.aliased("champion")) == ("1", None, "1")
    assert deploy(labeled, registry, gate.reference, approval.reference) == first
    assert len(history(labeled)) == 1


def test_rejected_challenger_fails_without_retry(labeled, registry):
    gate = say_gate(labeled, "a", "promote")
    rejection = record(labeled, approval_of(gate, outcome="rejected"))
    with pytest.raises(AirflowFailException, match="got rejected, expected approved"):
        deploy(labeled, registry, gate.reference, rejection.reference)


def test_word_of_an_xcom_alone_is_refused(labeled, registry):
    with pytest.raises(AirflowFailException, match="No recorded decision"):
        deploy(labeled, registry, FORGED, FORGED)
    assert registry.aliased("champion") is None
