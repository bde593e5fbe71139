"""A broken promise is rolled back once, and people hear of it once."""

from unittest.mock import create_autospec

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from feedback_loop.operators.rollback import RollbackOperator

from include.foundation.errors import StoreError
from include.foundation.store.ledgers.deployments import history
from include.foundation.store.loop_files import write_file
from include.stages.deployment.deploying import deploy
from tests.decision_builders import make_approval
from tests.include.stages.training.challenger_builders import register_challengers, say_gate
from tests.plugins.operators.operator_builders import context, guard_verdict, with_store


@pytest.fixture
def replaced(labeled, registry, estimator):
    """Version 2 is live, and 1 was before it."""
    register_challengers(registry, labeled, estimator, "a", "b")
    for key, champion in (("a", None), ("b", "1")):
        gate = say_gate(labeled, key, "promote", champion_version=champion)
        deploy(labeled, registry, gate, make_approval(gate))
    return labeled


def roll_back(store, registry, verdict, **params):
    operator = RollbackOperator(task_id="t", loop="tiny", decision=verdict.reference)
    return with_store(operator, store, registry).execute(context(**params))


def test_broken_promise_puts_the_predecessor_back_and_tells_it_once(replaced, registry, told):
    told(replaced.loop)
    verdict = guard_verdict(replaced, "2", "broken")
    first = roll_back(replaced, registry, verdict)
    assert (first["version"], registry.aliased("champion")) == ("1", "1")
    assert roll_back(replaced, registry, verdict) == first
    assert history(replaced)[-1].action == "rollback"
    assert [(line["event"], line["url"]) for line in told()] == [("rollback", "http://airflow/log")]
    assert told()[0]["message"] == "ROLLED BACK: version 1 is live again. It scores less."


def test_dry_run_says_what_would_be_done_and_leaves_the_champion(replaced, registry, told):
    told(replaced.loop)
    with pytest.raises(AirflowSkipException, match="dry_run; broken: It scores less"):
        roll_back(replaced, registry, guard_verdict(replaced, "2", "broken"), dry_run=True)
    assert (registry.aliased("champion"), told()) == ("2", [])


@pytest.mark.parametrize("outcome", ["kept", "inconclusive", "nothing_live"])
def test_promise_that_is_not_broken_skips(replaced, registry, outcome):
    with pytest.raises(AirflowSkipException, match=f"^{outcome}: It scores less"):
        roll_back(replaced, registry, guard_verdict(replaced, "2", outcome))
    assert registry.aliased("champion") == "2"


def test_first_version_has_nothing_to_go_back_to_and_fails_without_retry(replaced, registry):
    roll_back(replaced, registry, guard_verdict(replaced, "2", "broken"))
    with pytest.raises(AirflowFailException, match="no predecessor"):
        roll_back(replaced, registry, guard_verdict(replaced, "1", "broken"))


def test_rollback_is_done_though_it_cannot_be_noted_that_it_was_told(replaced, registry, told, monkeypatch):
    told(replaced.loop)
    refuse = create_autospec(write_file, side_effect=StoreError("disk full"))
    monkeypatch.setattr("include.foundation.decisions.announcements.write_file", refuse)
    assert roll_back(replaced, registry, guard_verdict(replaced, "2", "broken"))["version"] == "1"
    assert [line["event"] for line in told()] == ["rollback"]


def test_rollback_is_done_though_nobody_can_be_told(replaced, registry, told, tmp_path):
    told(replaced.loop)
    (tmp_path / "told.jsonl").mkdir()
    assert roll_back(replaced, registry, guard_verdict(replaced, "2", "broken"))["version"] == "1"
