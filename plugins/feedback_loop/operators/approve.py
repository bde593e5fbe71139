"""Task ``approve``."""

import contextlib
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.exceptions import HITLTimeoutError
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException
from airflow.sdk.execution_time.hitl import HITLUser

from feedback_loop.hooks.loop_store_hook import LoopStoreHook
from feedback_loop.links.mlflow_run_link import run_address
from feedback_loop.notifications import LoopNotifier
from feedback_loop.task_states import errors_as_task_states
from feedback_loop.ui.mounting import airflow_address, page_address
from include.foundation.config.promotion_sections import Gate
from include.foundation.errors import ConfigError

if TYPE_CHECKING:
    from include.foundation.store.tables import LoopStore


class ApproveDeploymentOperator(ApprovalOperator):
    """Let a person sign the deployment off in Airflow's *Required Actions*, or the loop's policy where it says *auto*.

    The approval is bound to the digest of the evidence that was shown: `DeployOperator` refuses any other. Who is to hear
    that an approval waits is told. No answer in time means no: the task fails, and is not tried again.

    Parameters
    ----------
    loop
        Name of the loop.
    gate
        Reference of the gate's verdict. Templated.
    policy
        Section ``gate`` of the loop file: whether a person is asked, who may answer, and how long they have.
    environment
        Before production, in which the challenger is to be served; None is production.
    store_conn_id, mlflow_conn_id
        Connections of the store and of MLflow.
    **kwargs
        Of `ApprovalOperator`.
    """

    template_fields = ("subject", "body", "gate")

    def __init__(
        self,
        *,
        loop: str,
        gate: Any,
        policy: Gate,
        environment: str | None = None,
        store_conn_id: str = "feedback_store",
        mlflow_conn_id: str = "mlflow",
        **kwargs: Any,
    ) -> None:
        waiting = "A new champion" if environment is None else f"A challenger that is to be served in {environment}"
        super().__init__(
            subject=f"Deploy a new champion of {loop}?"
            if environment is None
            else f"Serve a challenger of {loop} in {environment}?",
            response_timeout=timedelta(hours=policy.approval_hours),
            assigned_users=[HITLUser(id=user.id, name=user.name) for user in policy.approvers] or None,
            notifiers=[
                LoopNotifier(loop, "approval", f"{waiting} waits {policy.approval_hours:g} hours to be signed off.")
            ],
            **kwargs,
        )
        self.loop = loop
        self.gate = gate
        self.policy = policy
        self.environment = environment
        self.store_conn_id = store_conn_id
        self.mlflow_conn_id = mlflow_conn_id

    @cached_property
    def hook(self) -> LoopStoreHook:
        """The store's hook."""
        return LoopStoreHook(self.loop, self.store_conn_id)

    def execute(self, context: Context) -> Any:
        """Approve by policy at once, or show the evidence and wait."""
        from include.stages.gate.approval import evidence_page

        with errors_as_task_states():
            store = self.hook.get_conn()
            if self.policy.approval == "auto":
                return self._recorded(store, approved=True, by="policy: approval auto")
            self.body = evidence_page(store, self.gate, self._links(store))
        return super().execute(context)

    def _links(self, store: "LoopStore") -> dict[str, str]:
        """Return the addresses of the challenger's evaluation and of its MLflow run, where a browser finds them."""
        from include.foundation.decisions import GateVerdict, referenced
        from include.foundation.store.loop_files import has_file
        from include.stages.evaluation.evaluation_page import evaluation_page_path

        verdict = referenced(store, GateVerdict, self.gate)
        evaluation, links = evaluation_page_path(verdict.subject, verdict.dataset), {}
        if has_file(store, evaluation):
            page = page_address(self.loop, evaluation)
            links["Champion and challenger side by side"] = airflow_address(page) or f"/{page}"
        with contextlib.suppress(AirflowNotFoundException, ConfigError):  # a connection that is not there gives no link
            run = run_address(self.loop, self.mlflow_conn_id, verdict.run_id)
            links |= {"MLflow run": run} if run else {}
        return links

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Record who answered what; a rejection skips the deployment, a time-out fails the task."""
        recorded = None if "error" in event else self._record(event)
        try:
            # Raises to skip the deployment after a rejection, so the answer is recorded first.
            super().execute_complete(context, event)
        except HITLTimeoutError as error:
            hours = self.policy.approval_hours
            raise AirflowFailException(
                f"Nobody answered within {hours:g} hours; clear the task to ask again"
            ) from error
        return recorded

    def _record(self, event: dict[str, Any]) -> dict[str, str]:
        from include.stages.gate.approval import approver_pseudonym

        self.validate_chosen_options(event["chosen_options"])
        approved = event["chosen_options"] == [self.APPROVE]
        with errors_as_task_states():
            store = self.hook.get_conn()
            by = approver_pseudonym(store, event["responded_by_user"], self.hook.pseudonym_key)
            return self._recorded(store, approved=approved, by=by)

    def _recorded(self, store: "LoopStore", *, approved: bool, by: str) -> dict[str, str]:
        from include.stages.gate.approval import record_approval

        return record_approval(store, self.gate, approved=approved, by=by, environment=self.environment).reference
