import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from include.foundation.errors import StoreError
from include.foundation.store.tables import LoopStore
from include.stages.reports.loop_tallies import loop_tallies
from observability import exporter
from observability.exporter import LoopExporter, registry_of
from tests.builders import make_tiny_loop
from tests.include.stages.reports.conftest import Played
from tests.include.stages.reports.report_builders import BETTER, make_world


def value(registry: CollectorRegistry, name: str, loop: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"feedback_loop_{name}", {"loop": loop, **labels})


def test_a_loop_that_did_nothing_is_up_and_says_nothing_of_what_it_does_not_know(tmp_path: Path) -> None:
    registry = registry_of([LoopStore(make_tiny_loop(["a", "b"]), str(tmp_path))])
    families = {family.name: family for family in registry.collect()}
    (up,) = families["feedback_loop_up"].samples
    assert up.value == 1
    loop = up.labels["loop"]
    assert {"feedback_loop_accuracy", "feedback_loop_live", "feedback_loop_drift", "feedback_loop_gate"}.isdisjoint(
        families
    )
    assert value(registry, "table_rows", loop, table="predictions") == 0
    assert value(registry, "needs", loop, urgent="false") == 1


class TestTheStory:
    @pytest.fixture
    def loop(self, watched: Played) -> str:
        return watched.store.loop.name

    def test_says_what_is_live_and_what_was_promised(
        self, registry: CollectorRegistry, loop: str, watched: Played
    ) -> None:
        assert value(registry, "live", loop, version="2", by="deploy") == 1
        promised = watched.promoted.scores.challenger
        assert value(registry, "promised", loop, bound="low") == promised.low
        assert value(registry, "promised", loop, bound="value") == promised.value
        since = value(registry, "live_since_timestamp_seconds", loop)
        assert since is not None
        assert abs(datetime.now(UTC).timestamp() - since) < 3600

    def test_states_have_one_sample_that_is_1(self, registry: CollectorRegistry, loop: str) -> None:
        gate = {
            outcome: value(registry, "gate", loop, outcome=outcome) for outcome in ("promote", "reject", "label_more")
        }
        assert gate == {"promote": 0, "reject": 1, "label_more": 0}
        assert value(registry, "drift", loop, outcome="stable") == 1
        assert value(registry, "drift", loop, outcome="alarm") == 0

    def test_counts_what_happened_over_the_loops_life(
        self, registry: CollectorRegistry, loop: str, watched: Played
    ) -> None:
        assert value(registry, "deployments_total", loop, action="deploy") == 2
        assert value(registry, "decisions_total", loop, kind="gate", outcome="promote") == 2
        assert value(registry, "asked_total", loop, stratum="random", tier="1", split="holdout") == 35
        rows = watched.store.read("predictions").num_rows
        assert value(registry, "table_rows", loop, table="predictions") == rows == 60

    def test_the_newest_row_is_that_of_the_tables(
        self, registry: CollectorRegistry, loop: str, watched: Played
    ) -> None:
        newest = max(watched.store.read("predictions", columns=["ts"]).column("ts").to_pylist())
        assert value(registry, "newest_prediction_timestamp_seconds", loop) == newest.timestamp()

    def test_is_what_prometheus_reads(self, registry: CollectorRegistry) -> None:
        families = list(text_string_to_metric_families(generate_latest(registry).decode()))
        assert len({family.name for family in families}) == len(families)
        assert sum(len(family.samples) for family in families) > 50


def test_several_loops_share_their_families(watched: Played, tmp_path: Path) -> None:
    other = LoopStore(make_tiny_loop(["a", "b"], name="other"), str(tmp_path))
    families = [family.name for family in registry_of([watched.store, other]).collect()]
    assert len(families) == len(set(families))
    assert value(registry_of([watched.store, other]), "up", "other") == 1


def test_a_loop_that_cannot_be_read_is_down_and_the_others_are_not(
    watched: Played, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = LoopStore(make_tiny_loop(["a", "b"], name="broken"), str(tmp_path))
    log_of_table = Path(broken.uri) / "decisions" / "_delta_log"
    log_of_table.mkdir(parents=True)
    (log_of_table / f"{0:020}.json").write_text("{")
    with pytest.raises(StoreError):
        broken.version("decisions")
    registry = registry_of([broken, watched.store])
    with caplog.at_level(logging.ERROR):
        assert value(registry, "up", "broken") == 0
    assert "Loop broken cannot be watched" in caplog.text
    assert value(registry, "up", watched.store.loop.name) == 1


def test_tables_are_read_again_only_when_they_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(tmp_path)
    world.learn_seeds()
    counted: list[LoopStore] = []

    def counting(store: LoopStore, now: datetime) -> Any:
        counted.append(store)
        return loop_tallies(store, now)

    monkeypatch.setattr(exporter, "loop_tallies", counting)
    one = LoopExporter(world.store)
    assert one.metrics() is one.metrics()
    assert len(counted) == 1
    world.serve(0, BETTER, drawn=5)
    rows = {tuple(sample.labels.values()): sample.value for sample in _family(one, "table_rows").samples}
    assert rows[world.store.loop.name, "requests"] == 30
    assert len(counted) == 2
    monkeypatch.setattr(exporter, "AGED", -1)
    one.metrics()
    assert len(counted) == 3


def _family(one: LoopExporter, name: str) -> Any:
    return next(family for family in one.metrics() if family.name == f"feedback_loop_{name}")
