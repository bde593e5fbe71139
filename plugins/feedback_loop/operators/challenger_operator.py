"""What the operators that work on a trained challenger have in common."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from feedback_loop.operators.decision_operator import DecisionOperator

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel


class ChallengerOperator(DecisionOperator):
    """An operator that is given the challenger which another task trained.

    Parameters
    ----------
    challenger
        What `RetrainOperator` returned: the challenger's MLflow run, ``run_id``, among it. Templated.
    **kwargs
        Of `DecisionOperator`.
    """

    template_fields: Sequence[str] = (*DecisionOperator.template_fields, "challenger")

    def __init__(self, *, challenger: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.challenger: Mapping[str, Any] = challenger

    @property
    def run_id(self) -> str:
        """The challenger's MLflow run."""
        return str(self.challenger["run_id"])

    def load_challenger(self) -> "LoadedModel":
        """Return the challenger's model."""
        return self.registry.load(run_id=self.run_id)
