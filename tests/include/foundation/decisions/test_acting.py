"""Nothing is done on another outcome, or in a dry run."""

import pytest

from include.foundation.decisions.acting import demand_outcome
from include.foundation.errors import NothingToDo
from tests.decision_builders import make_guard_verdict

BROKEN = make_guard_verdict(outcome="broken", reasons=("It scores less.",))


def test_outcome_that_asks_for_something_passes():
    demand_outcome(BROKEN, {"broken"}, dry_run=False)


@pytest.mark.parametrize(("outcomes", "dry_run"), [({"kept"}, False), ({"broken"}, True), ({"kept"}, True)])
def test_other_outcome_or_dry_run_stops_with_the_reasons(outcomes, dry_run):
    with pytest.raises(NothingToDo, match="broken: It scores less"):
        demand_outcome(BROKEN, outcomes, dry_run=dry_run)


@pytest.mark.parametrize(("dry_run", "told"), [(False, ""), (True, "dry_run; ")])
def test_dry_run_is_told(dry_run, told):
    with pytest.raises(NothingToDo) as stopped:
        demand_outcome(BROKEN, {"kept"}, dry_run=dry_run)
    assert str(stopped.value) == f"{told}broken: It scores less."
