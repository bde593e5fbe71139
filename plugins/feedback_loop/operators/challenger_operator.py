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

    def load_challenger(self, key: str) -> "LoadedModel":
        """Return the challenger's model, if its files are those that were trained."""
        from include.foundation.models.judged_models import challenger_model

        return challenger_model(self.hook.get_conn(), self.registry, key, str(self.challenger["run_id"]))

    def live_model(self) -> "LoadedModel | None":
        """Return the model that is live, if ledger and registry agree on it; None if nothing is."""
        from include.foundation.models.judged_models import live_model

        return live_model(self.hook.get_conn(), self.registry)
