"""A challenger is one model version, however often it is registered."""

from feedback_loop.operators.register_model import RegisterModelOperator

from include.foundation.decisions import record
from tests.include.stages.gate.verdict_builders import first_measured
from tests.include.stages.training.challenger_builders import log_fitted
from tests.plugins.operators.operator_builders import context, with_store


def test_challenger_is_registered_once_under_its_alias(labeled, registry, estimator):
    run_id = log_fitted(registry, labeled, "k0", estimator)
    measured = record(labeled, first_measured(0.7).model_copy(update={"run_id": run_id}))
    operator = RegisterModelOperator(
        task_id="t", loop="tiny", decision=measured.reference, challenger={"run_id": run_id}
    )
    with_store(operator, labeled, registry)
    for _ in range(2):
        assert operator.execute(context()) == {"version": "1", "run_id": run_id}
    assert registry.aliased("challenger") == "1"
    assert registry.client.get_model_version("tiny", "1").tags["evaluation"] == measured.evidence_digest
