"""Act on a decision: find what was recorded, and stop where there is nothing to do."""

from collections.abc import Collection, Mapping

from include.foundation.decisions.chain import Decision, referenced
from include.foundation.errors import ContractError, NothingToDo
from include.foundation.store.tables import LoopStore


def recorded(store: LoopStore, reference: Mapping[str, str]) -> Decision:
    """Return the decision behind a reference that came from another task.

    Raises
    ------
    ContractError
        If the store has no such decision: nothing is done on the word of a reference alone.
    """
    decision = referenced(store, dict(reference))
    if decision is None:
        raise ContractError(
            f"No recorded decision {dict(reference)}: the store was changed after it was made; run the DAG again"
        )
    return decision


def demand_outcome(decision: Decision, outcomes: Collection[str], *, dry_run: bool) -> None:
    """Stop unless a decision has one of these outcomes and is to be acted on.

    Parameters
    ----------
    decision
        What was decided.
    outcomes
        Those that ask for something to be done.
    dry_run
        Whether a person only wants to hear what would be done.

    Raises
    ------
    NothingToDo
        With the outcome and its reasons.

    Examples
    --------
    >>> demand_outcome(Decision("guard", "2", "kept", ("It scores 0.9.",), {}), {"broken"}, dry_run=False)
    Traceback (most recent call last):
        ...
    include.foundation.errors.NothingToDo: kept: It scores 0.9.
    >>> demand_outcome(Decision("guard", "2", "broken", ("It scores 0.5.",), {}), {"broken"}, dry_run=True)
    Traceback (most recent call last):
        ...
    include.foundation.errors.NothingToDo: dry_run; broken: It scores 0.5.
    """
    if dry_run or decision.outcome not in outcomes:
        raise NothingToDo(f"{'dry_run; ' * dry_run}{decision.outcome}: {' '.join(decision.reasons)}")
