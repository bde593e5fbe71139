"""What the operators that act on an earlier decision have in common."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from feedback_loop.operators.registry_operator import RegistryOperator

if TYPE_CHECKING:
    from include.foundation.decisions.chain import Kind


class DecisionOperator(RegistryOperator):
    """An operator that is given the reference of a decision and acts on what the store recorded under it.

    Parameters
    ----------
    decision
        Reference of the decision, usually another task's output. Templated.
    **kwargs
        Of `RegistryOperator`.
    """

    template_fields: Sequence[str] = ("decision",)

    def __init__(self, *, decision: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.decision = decision

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
