from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.foundation.store.ledgers.outcomes import (
    current_labels,
    is_overdue,
    label_id_of,
    resolved_requests,
    set_aside,
)
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from tests.builders import make_loop
from tests.include.stages.training.challenger_builders import add_labels, label_row


def refused(store: LoopStore, request_id: str, **more: Any) -> None:
    row = {"refusal_id": f"{request_id}-{more}", "stage": "labels", "source": request_id, "raw": "{}"}
    row |= {"reason_code": "ambiguous", "reason": "doubtful"} | more
    store.append_new("quarantine", rows_of(store.loop, "quarantine", [row]))


def test_label_id_of_depends_on_the_request_and_on_which_answers_not_on_their_order() -> None:
    assert label_id_of("r", ["a", "b"]) == label_id_of("r", ["b", "a"])
    assert len({label_id_of("r", ["a", "b"]), label_id_of("r", ["a"]), label_id_of("s", ["a", "b"])}) == 3


def test_resolved_requests_have_a_label_or_were_set_aside(store: LoopStore) -> None:
    add_labels(store, [label_row(1) | {"request_id": "labeled"}, label_row(2) | {"request_id": None}])
    refused(store, "doubtful")
    refused(store, "seeds.jsonl", reason_code="bad_seed")
    refused(store, "a.jsonl", stage="logs")
    assert resolved_requests(store) == {"labeled", "doubtful"}
    assert set_aside(store).column("source").to_pylist() == ["doubtful"]


def test_nothing_is_resolved_in_an_empty_store(store: LoopStore) -> None:
    assert resolved_requests(store) == set()


def test_current_labels_are_those_that_no_other_supersedes(store: LoopStore) -> None:
    rows = [
        label_row(1) | {"label_id": "first"},
        label_row(1) | {"label_id": "second", "supersedes": "first"},
        label_row(1) | {"label_id": "third", "supersedes": "second"},
        label_row(2) | {"label_id": "other"},
    ]
    assert current_labels(rows_of(store.loop, "labels", rows)).column("label_id").to_pylist() == ["third", "other"]


NOW = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tier", "hours", "overdue"),
    [(1, 71, False), (1, 72, True), (2, 71, False), (2, 72, True), (3, 0, True), (3, None, False), (1, None, False)],
)
def test_nobody_waits_beyond_the_deadline_nor_for_a_lead(
    tmp_path: Path, tier: int, hours: float | None, overdue: bool
) -> None:
    pushed_at = None if hours is None else NOW - timedelta(hours=hours)
    loop = make_loop(tmp_path, labeling={"deadline_hours": 72})
    assert is_overdue(loop, {"tier": tier, "pushed_at": pushed_at}, NOW) == overdue
