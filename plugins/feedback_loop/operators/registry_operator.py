"""What the operators that need the model registry have in common."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from feedback_loop.hooks.model_registry_hook import ModelRegistryHook
from feedback_loop.operators.loop_operator import LoopOperator

if TYPE_CHECKING:
    from include.foundation.models.registry import ModelRegistry


class RegistryOperator(LoopOperator):
    """An operator that opens the loop's model registry.

    Parameters
    ----------
    mlflow_conn_id
        Connection of MLflow, see `ModelRegistryHook`.
    **kwargs
        Of `LoopOperator`.
    """

    def __init__(self, *, mlflow_conn_id: str = "mlflow", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mlflow_conn_id = mlflow_conn_id

    @cached_property
    def registry(self) -> "ModelRegistry":
        """The loop's model registry."""
        return ModelRegistryHook(self.loop, self.mlflow_conn_id).get_conn()
