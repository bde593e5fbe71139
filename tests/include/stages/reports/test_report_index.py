from dataclasses import replace
from pathlib import Path

from include.foundation.decisions import record
from include.foundation.statistics.estimates import Estimate
from include.foundation.store.ledgers.deployments import append_deployment, history
from include.stages.reports.kept_pages import write_index
from include.stages.reports.loop_history import LoopHistory
from include.stages.reports.overview import overview
from include.stages.reports.release_notes import write_release_notes
from tests.decision_builders import make_guard_verdict
from tests.include.stages.reports.conftest import Played
from tests.include.stages.reports.page_reader import Page
from tests.include.stages.reports.report_builders import BETTER, TinyWorld


def test_index_after_notes_on_an_older_verdict_is_still_of_now(played: Played, written: dict[str, Path]) -> None:
    index = written["reject"].with_name("index.html")
    newest = index.read_bytes()
    write_release_notes(played.store, played.first)
    assert index.read_bytes() == newest
    assert "version 2 is live" in Page(newest.decode()).text


def test_index_counts_what_became_of_the_cycles_and_dates_each_change(played: Played) -> None:
    facts = overview(played.store, LoopHistory(played.store))
    assert facts.figures == (
        ("cycles", "2"), ("promoted, refused", "2, 1"), ("rolled back", "0"), ("labels so far", "60"),
    )  # fmt: skip
    assert facts.live is not None
    changes = [(moment, change.model_version) for moment, change in facts.live.changes]
    assert changes == [("the beginning", "1"), ("2026-11-01 00:29", "2")]
    assert facts.live.since == "2026-11-01 00:29"
    score = played.promoted.scores.challenger
    assert facts.live.promised == Estimate(score.value, score.low, score.high, rows=0, effective_rows=0.0)


def test_index_of_an_empty_store_says_that_nothing_is_live(world: TinyWorld) -> None:
    page = Page(Path(write_index(world.store)).read_text())
    assert "no model is live yet" in page.text
    assert "No label was asked for yet." in page.text
    assert page.addresses == []


def test_index_after_a_rollback_says_what_is_live(world: TinyWorld) -> None:
    world.learn_seeds()
    gate = world.judge(None)
    world.deploy(gate, "1")
    (first,) = history(world.store)
    append_deployment(world.store, replace(first, action="rollback", previous_version="2", evidence_digest="guard"))
    record(world.store, make_guard_verdict("1", "kept", reasons=("It keeps its promise.",)))
    text = Page(Path(write_index(world.store)).read_text()).text
    assert "version 1 is live" in text
    assert "after a rollback from version 2" in text
    assert "It keeps its promise." in text
    assert "rolled back 1" in text


def test_index_from_a_ledger_that_was_read_before_is_the_same(world: TinyWorld) -> None:
    world.serve(0, BETTER, drawn=15)
    uri = Path(write_index(world.store))
    before = uri.read_bytes()
    assert Path(write_index(world.store, LoopHistory(world.store))).read_bytes() == before
