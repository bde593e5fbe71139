from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from include.foundation.errors import DeploymentError
from include.foundation.store.ledgers.deployments import (
    BEGINNING,
    Deployment,
    Promise,
    append_deployment,
    history,
    live,
)
from include.foundation.store.tables import LoopStore
from tests.include.stages.training.challenger_builders import DAY, add_predictions

PROMISE = Promise(0.8, 0.7, 0.9)


def deployment(version: str, digest: str = "digest", action: str = "deploy") -> Deployment:
    return Deployment(version, None, action, "because", digest, PROMISE)


def test_live_before_any_deployment_is_none(store: LoopStore) -> None:
    assert live(store) is None
    assert history(store) == []


def test_append_deployment_run_again_keeps_one_entry_and_its_times(store: LoopStore) -> None:
    add_predictions(store, [0, 1])
    append_deployment(store, deployment("1"))
    first = history(store)
    add_predictions(store, [2])
    append_deployment(store, deployment("1"))
    assert history(store) == first


def test_append_deployment_is_live_from_the_newest_logged_row_and_deployed_now(store: LoopStore) -> None:
    add_predictions(store, [0, 2, 1])
    before = datetime.now(UTC)
    append_deployment(store, deployment("1"))
    found = live(store)
    assert found is not None
    assert found.live_from == DAY + timedelta(days=2)
    assert before <= found.deployed_at <= datetime.now(UTC)


def test_append_deployment_before_any_log_is_live_from_the_beginning(store: LoopStore) -> None:
    append_deployment(store, deployment("1"))
    found = live(store)
    assert found is not None
    assert found.live_from == BEGINNING


def test_history_after_many_deployments_is_in_order_and_the_last_is_live(store: LoopStore) -> None:
    for number in range(12):
        append_deployment(store, deployment(str(number), f"digest{number}"))
    assert [row.sequence for row in history(store)] == list(range(1, 13))
    assert [row.model_version for row in history(store)] == [str(number) for number in range(12)]
    assert live(store) == history(store)[-1]


def test_append_deployment_of_a_version_put_back_for_another_reason_is_a_new_deployment(store: LoopStore) -> None:
    append_deployment(store, deployment("1"))
    append_deployment(store, deployment("2", "later"))
    append_deployment(store, deployment("1", "guard", "rollback"))
    assert [(row.model_version, row.action) for row in history(store)] == [
        ("1", "deploy"),
        ("2", "deploy"),
        ("1", "rollback"),
    ]


def test_append_deployment_by_several_writers_at_once_numbers_each_once(store: LoopStore) -> None:
    deployments = [deployment(str(number), f"digest{number}") for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda row: append_deployment(store, row), deployments))
    assert [row.sequence for row in history(store)] == [1, 2, 3, 4]
    assert sorted(row.model_version for row in history(store)) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("promised", [PROMISE, None])
def test_appended_deployment_is_read_back_with_its_number_and_its_promise(
    store: LoopStore, promised: Promise | None
) -> None:
    append_deployment(store, deployment("1"))
    given = Deployment("2", "1", "deploy", "it is better", "later", promised)
    append_deployment(store, given)
    found = live(store)
    assert found is not None
    assert found == replace(given, sequence=2, live_from=found.live_from, deployed_at=found.deployed_at)


@pytest.mark.parametrize("known", [0, 2])
def test_append_deployment_on_another_number_than_was_known_came_too_late(store: LoopStore, known: int) -> None:
    append_deployment(store, deployment("1"))
    with pytest.raises(DeploymentError, match="Version 2: another deployment came first; run the DAG again"):
        append_deployment(store, deployment("2", "later"), known=known)
    append_deployment(store, deployment("1"), known=known)  # is there already: run again, it is done
    append_deployment(store, deployment("2", "later"), known=1)
    assert [row.model_version for row in history(store)] == ["1", "2"]


def test_promise_with_an_unknown_end_is_none() -> None:
    assert Promise.of(0.8, None, 0.9) is None
