from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.foundation.errors import StoreError
from include.foundation.store.ledgers.deployments import BEGINNING, append_deployment, history, live
from include.foundation.store.tables import LoopStore
from tests.include.stages.training.challenger_builders import DAY, add_predictions


def entry(version: str, digest: str = "digest", action: str = "deploy", **more: Any) -> dict[str, Any]:
    return {"model_version": version, "action": action, "why": "because", "evidence_digest": digest} | more


def test_live_before_any_deployment_is_none(store: LoopStore) -> None:
    assert live(store) is None
    assert history(store) == []


def test_append_deployment_run_again_keeps_one_entry_and_its_times(store: LoopStore) -> None:
    add_predictions(store, [0, 1])
    append_deployment(store, entry("1"))
    first = history(store)
    add_predictions(store, [2])
    append_deployment(store, entry("1"))
    assert history(store) == first


def test_append_deployment_is_live_from_the_newest_logged_row_and_deployed_now(store: LoopStore) -> None:
    add_predictions(store, [0, 2, 1])
    before = datetime.now(UTC)
    append_deployment(store, entry("1"))
    found = live(store)
    assert found is not None
    assert found["live_from"] == DAY + timedelta(days=2)
    assert before <= found["deployed_at"] <= datetime.now(UTC)


def test_append_deployment_before_any_log_is_live_from_the_beginning(store: LoopStore) -> None:
    append_deployment(store, entry("1"))
    found = live(store)
    assert found is not None
    assert found["live_from"] == BEGINNING


def test_history_after_many_deployments_is_in_order_and_the_last_is_live(store: LoopStore) -> None:
    for number in range(12):
        append_deployment(store, entry(str(number), f"digest{number}"))
    assert [row["sequence"] for row in history(store)] == list(range(1, 13))
    assert [row["model_version"] for row in history(store)] == [str(number) for number in range(12)]
    assert (live(store) or {})["model_version"] == "11"


def test_append_deployment_of_a_version_put_back_for_another_reason_is_a_new_entry(store: LoopStore) -> None:
    append_deployment(store, entry("1"))
    append_deployment(store, entry("2", "later"))
    append_deployment(store, entry("1", "guard", "rollback"))
    assert [(row["model_version"], row["action"]) for row in history(store)] == [
        ("1", "deploy"),
        ("2", "deploy"),
        ("1", "rollback"),
    ]


def test_append_deployment_by_several_writers_at_once_numbers_each_once(store: LoopStore) -> None:
    entries = [entry(str(number), f"digest{number}") for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda row: append_deployment(store, row), entries))
    assert [row["sequence"] for row in history(store)] == [1, 2, 3, 4]
    assert sorted(row["model_version"] for row in history(store)) == ["0", "1", "2", "3"]


def test_append_deployment_without_a_reason_is_refused(store: LoopStore) -> None:
    row = entry("1")
    del row["why"]
    with pytest.raises(StoreError, match="do not fit table deployments"):
        append_deployment(store, row)
