"""What the operators that act on an earlier decision have in common."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from feedback_loop.hooks.model_registry_hook import ModelRegistryHook
from feedback_loop.operators.loop_operator import LoopOperator

if TYPE_CHECKING:
    from include.foundation.decisions.chain import Kind
    from include.foundation.models.registry import ModelRegistry


class DecisionOperator(LoopOperator):
    """An operator that is given the reference of a decision and acts on what the store recorded under it.

    Parameters
    ----------
    decision
        Reference of the decision, usually another task's output. Templated.
    mlflow_conn_id
        Connection of MLflow, see `ModelRegistryHook`.
    **kwargs
        Of `LoopOperator`.
    """

    template_fields: Sequence[str] = ("decision",)

    def __init__(self, *, decision: Any, mlflow_conn_id: str = "mlflow", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.decision = decision
        self.mlflow_conn_id = mlflow_conn_id

    @cached_property
    def registry(self) -> "ModelRegistry":
        """The loop's model registry."""
        return ModelRegistryHook(self.loop, self.mlflow_conn_id).get_conn()

    def recorded(self, kind: "type[Kind]", reference: Mapping[str, str]) -> "Kind":
        """Return the decision behind a reference: nothing is done on the word of an XCom alone.

        Parameters
        ----------
        kind
            Class that the decision must be of.
        reference
            What the task that made it returned.

        Raises
        ------
        ContractError
            If the store has no such decision.
        """
        from include.foundation.decisions import referenced

        return referenced(self.hook.get_conn(), kind, reference)
