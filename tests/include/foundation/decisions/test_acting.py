"""Nothing is done on a reference alone, on another outcome, or in a dry run."""

import pytest

from include.foundation.decisions.acting import demand_outcome, recorded
from include.foundation.decisions.chain import Decision, record
from include.foundation.errors import ContractError, NothingToDo
from tests.builders import make_store

BROKEN = Decision("guard", "2", "broken", ("It scores less.",), {})


def test_reference_leads_to_what_was_recorded(tmp_path):
    store = make_store(tmp_path)
    with pytest.raises(ContractError, match="No recorded decision"):
        recorded(store, BROKEN.reference)
    record(store, BROKEN)
    assert recorded(store, BROKEN.reference) == BROKEN


def test_outcome_that_asks_for_something_passes():
    demand_outcome(BROKEN, {"broken"}, dry_run=False)


@pytest.mark.parametrize(("outcomes", "dry_run"), [({"kept"}, False), ({"broken"}, True), ({"kept"}, True)])
def test_other_outcome_or_dry_run_stops_with_the_reasons(outcomes, dry_run):
    with pytest.raises(NothingToDo, match="broken: It scores less"):
        demand_outcome(BROKEN, outcomes, dry_run=dry_run)
