"""Only what was judged and signed off goes live, and once."""

import pytest
from airflow.sdk.exceptions import AirflowFailException
from feedback_loop.operators.deploy import DeployOperator

from include.foundation.decisions import record
from include.foundation.store.ledgers.deployments import history
from tests.decision_builders import make_approval
from tests.include.stages.training.challenger_builders import register_challengers, say_gate
from tests.plugins.operators.operator_builders import FORGED, context, with_store


def deploy(store, registry, decision, approval):
    operator = DeployOperator(task_id="t", loop="tiny", decision=decision, approval=approval)
    return with_store(operator, store, registry).execute(context())


def test_approved_challenger_is_live_and_run_again_the_same(labeled, registry, estimator):
    register_challengers(registry, labeled, estimator, "a")
    gate = say_gate(labeled, "a", "promote")
    approval = record(labeled, make_approval(gate))
    first = deploy(labeled, registry, gate.reference, approval.reference)
    assert (first["version"], first["previous"], registry.aliased("champion")) == ("1", None, "1")
    assert deploy(labeled, registry, gate.reference, approval.reference) == first
    assert len(history(labeled)) == 1


def test_rejected_challenger_fails_without_retry(labeled, registry):
    gate = say_gate(labeled, "a", "promote")
    rejection = record(labeled, make_approval(gate, "rejected"))
    with pytest.raises(AirflowFailException, match="got rejected, expected approved"):
        deploy(labeled, registry, gate.reference, rejection.reference)


def test_word_of_an_xcom_alone_is_refused(labeled, registry):
    with pytest.raises(AirflowFailException, match="No recorded decision"):
        deploy(labeled, registry, FORGED, FORGED)
    assert registry.aliased("champion") is None
