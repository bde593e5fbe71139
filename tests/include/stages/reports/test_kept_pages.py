"""What tasks keep for pages is what would be computed, and only while the tables are as they were."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.foundation.store.loop_files import read_file, write_file
from include.stages.reports.kept_pages import FACTS, OVERVIEW, Kept, write_index
from tests.include.stages.reports.conftest import Played
from tests.include.stages.reports.report_builders import TinyWorld, day_interval

NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize("kept", [FACTS, OVERVIEW], ids=["facts", "overview"])
def test_what_is_kept_is_what_is_told(played: Played, kept: Kept[Any]) -> None:
    told, key = kept.tell(played.store, NOW), kept.key(played.store, NOW)
    kept.write(played.store, key, told)
    again = kept.read(played.store, key)
    assert type(again) is kept.shape
    assert kept._adapter.dump_python(again, mode="json") == kept._adapter.dump_python(told, mode="json")


@pytest.mark.parametrize("kept", [FACTS, OVERVIEW], ids=["facts", "overview"])
def test_it_is_gone_when_a_table_the_loop_file_or_the_month_changes(world: TinyWorld, kept: Kept[Any]) -> None:
    key = kept.key(world.store, NOW)
    kept.write(world.store, key, kept.tell(world.store, NOW))
    assert kept.key(world.store, NOW + timedelta(days=30)) == key != kept.key(world.store, NOW + timedelta(days=31))
    world.drift(day_interval(0))
    assert kept.key(world.store, NOW) != key
    assert kept.read(world.store, kept.key(world.store, NOW)) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"key": "k", "told": {"live": 3}}', "{"])
def test_what_another_version_kept_is_nothing(world: TinyWorld, content: str) -> None:
    write_file(world.store, "pages/facts.json", content)
    assert FACTS.read(world.store, "k") is None


def test_nothing_is_kept_before_a_task_did(world: TinyWorld) -> None:
    assert FACTS.read(world.store, "k") is None


def test_versions_are_told_without_opening_tables(world: TinyWorld) -> None:
    assert world.store.listed_version("decisions") is None
    for number in range(3):
        world.drift(day_interval(number))
        assert world.store.listed_version("decisions") == world.store.version("decisions") == number


def test_index_keeps_what_pages_say_of_now(world: TinyWorld) -> None:
    world.drift(day_interval(0))
    assert Path(write_index(world.store)).exists()
    now = datetime.now(UTC)
    for kept in (FACTS, OVERVIEW):
        assert kept.read(world.store, kept.key(world.store, now)) is not None
    assert b"decisions 0" in read_file(world.store, "reports/index.html")
