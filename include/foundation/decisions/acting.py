"""Act on a decision, or stop where there is nothing to do."""

from collections.abc import Collection

from include.foundation.decisions.decision import Decision
from include.foundation.errors import NothingToDo


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
    """
    if dry_run or decision.outcome not in outcomes:
        raise NothingToDo(f"{'dry_run; ' * dry_run}{decision.outcome}: {' '.join(decision.reasons)}")
