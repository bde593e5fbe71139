import re
from pathlib import Path

import pytest

from include.foundation.decisions import GateVerdict, record
from include.foundation.errors import ContractError
from include.foundation.models.registry import ModelRegistry
from include.foundation.store.rows import rows_of
from include.stages.gate.approval import record_approval
from include.stages.reports.loop_history import LoopHistory
from include.stages.reports.overview import headline, notes_name
from include.stages.reports.release_notes import notes, write_release_notes
from tests.decision_builders import make_drift_verdict, make_evaluation, make_gate_verdict
from tests.include.stages.reports.conftest import Played
from tests.include.stages.reports.page_reader import Page, files_of
from tests.include.stages.reports.report_builders import DAY, UNCLEAR, TinyWorld, make_world

ATTACK = "<script>alert('x')</script>"


def attacked_world(tmp_path: Path) -> tuple[TinyWorld, GateVerdict]:
    """Put markup wherever a log line, a person or a loop file can: class, segment, reason, description, comment."""
    world = make_world(tmp_path, classes=("earn", ATTACK, "a|b"), description=ATTACK, owner=ATTACK)
    world.learn_seeds()
    world.deploy(world.judge(None), "1")
    interval = world.serve(0, "aba*20 aaa*5 cca*5", drawn=15, desks=(ATTACK, "x|y"))
    record(
        world.store,
        make_drift_verdict(interval.key, "drift", reasons=(ATTACK,), route="watch"),
    )
    world.say(ATTACK, "earn", "d0-0001", minute=9)
    comment = {"feedback_id": "f1", "trace_id": "d0-0001", "ts": DAY, "kind": "explicit", "signal": "report"}
    rows = rows_of(world.store.loop, "feedback", [comment | {"comment": f"private {ATTACK}"}])
    world.store.append_new("feedback", rows)
    return world, world.judge("1")


def test_release_notes_of_a_promotion_say_what_changed_and_why(played: Played, written: dict[str, Path]) -> None:
    text = Page(written["promote"].read_text()).text
    assert "Version 2 replaces version 1" in text
    assert all(reason in text for reason in played.promoted.reasons)
    assert "It is alarm." in text
    assert "People contradicted the live model in 5 of 15 new labels" in text
    assert "30 labels were asked for in this cycle, 30 answered, 30 accepted" in text
    assert played.promoted.evidence_digest in text
    assert played.promoted.run_id in text


def test_release_notes_lead_with_the_few_numbers_that_one_reads_first(played: Played) -> None:
    ledger = LoopHistory(played.store)
    first, promoted, rejected = (notes(played.store, gate, ledger) for gate in played.gates)
    assert first["figures"] == [("score", "1.000")]
    assert promoted["figures"] == [
        ("score, champion → challenger", "0.000 → 1.000"),
        ("right where they differ", "15 : 0"),
        ("evidence (e-value)", "3,200 of 112"),
        ("labels, this cycle and so far", "30 · 30"),
    ]
    assert rejected["figures"][-1] == ("labels, this cycle and so far", "30 · 60")
    assert [len(facts["cycles"]) for facts in (first, promoted, rejected)] == [0, 1, 2]
    assert [facts["lineage"]["champion it met"] for facts in (first, promoted)] == ["none", "version 1"]


def test_release_notes_tell_of_each_slice_what_the_gate_said(played: Played) -> None:
    ledger = LoopHistory(played.store)
    said = [
        [(part["name"], part["verdict"], part["apart"]) for part in notes(played.store, gate, ledger)["slices"]]
        for gate in played.gates
    ]
    assert said == [
        [("desk = not given", "not judged", None)],
        [("desk = eu", "inconclusive", 8), ("desk = us", "inconclusive", 7)],
        [("desk = eu", "not shown to be worse", 18), ("desk = us", "not shown to be worse", 17)],
    ]


def test_release_notes_of_a_cycle_do_not_tell_of_later_ones(played: Played, written: dict[str, Path]) -> None:
    text = Page(written["promote"].read_text()).text
    assert "2026-11-01" in text
    assert "2026-11-02" not in text
    assert played.rejected.subject[:8] not in text


def test_release_notes_of_the_first_model_say_what_it_was_judged_on(written: dict[str, Path]) -> None:
    text = Page(written["first"].read_text()).text
    assert "Version 1 is the first champion" in text
    assert "held out from those it started with" in text
    assert "Over the cycles" not in text


def test_release_notes_written_again_are_the_same_to_the_byte(played: Played, written: dict[str, Path]) -> None:
    before = files_of(played.store)
    assert written["promote"].name in before
    write_release_notes(played.store, played.promoted)
    assert files_of(played.store) == before


def test_release_notes_record_no_decision(played: Played) -> None:
    before = played.store.version("decisions")
    write_release_notes(played.store, played.promoted)
    assert played.store.version("decisions") == before


@pytest.mark.usefixtures("written")
def test_release_notes_leave_one_page_a_verdict_and_an_index_that_leads_to_all(played: Played) -> None:
    files = files_of(played.store)
    names = [notes_name(gate) for gate in reversed(played.gates)]
    assert set(files) == {f"{name}.{ending}" for name in names for ending in ("html", "md")} | {"index.html"}
    addresses = Page(files["index.html"].decode()).addresses
    assert [address for address in addresses if not address.startswith("data:")] == [f"{name}.html" for name in names]


@pytest.mark.parametrize("which", ["first", "promote", "reject"])
def test_release_notes_load_nothing_from_anywhere(written: dict[str, Path], which: str) -> None:
    uri = written[which]
    for path in (uri, uri.with_suffix(".md"), uri.with_name("index.html")):
        assert "://" not in path.read_text()
    assert Page(uri.read_text()).addresses == []
    assert "default-src 'none'" in uri.read_text()


def test_release_notes_escape_what_people_and_logs_wrote(tmp_path: Path) -> None:
    world, gate = attacked_world(tmp_path)
    uri = Path(write_release_notes(world.store, gate))
    for path in (uri, uri.with_name("index.html")):
        page = Page(path.read_text())
        assert "script" not in page.tags
        assert ATTACK in page.text
    assert "<script" not in uri.with_suffix(".md").read_text()


def test_release_notes_do_not_repeat_comments_or_inputs(tmp_path: Path) -> None:
    world, gate = attacked_world(tmp_path)
    uri = Path(write_release_notes(world.store, gate))
    inputs = world.store.read("predictions", columns=["input_text"]).column("input_text").to_pylist()
    for path in (uri, uri.with_suffix(".md"), uri.with_name("index.html")):
        words = set(re.findall(r"[\w-]+", Page(path.read_text()).text if path.suffix == ".html" else path.read_text()))
        assert "private" not in words
        assert not words & set(inputs)


def test_release_notes_in_markdown_keep_their_tables_whole(tmp_path: Path) -> None:
    world, gate = attacked_world(tmp_path)
    text = Path(write_release_notes(world.store, gate)).with_suffix(".md").read_text()
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(tables) == 6
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


@pytest.mark.parametrize(
    ("approved", "said"),
    [
        pytest.param(None, "Promoted by the gate, not deployed", id="nobody answered"),
        pytest.param(False, "Promoted by the gate, refused at approval", id="refused"),
        pytest.param(True, "Promoted by the gate, not deployed", id="approved, then deploy failed"),
    ],
)
def test_headline_of_a_promotion_that_is_not_live_does_not_claim_it(
    world: TinyWorld, approved: bool | None, said: str
) -> None:
    world.learn_seeds()
    gate = world.judge(None)
    if approved is not None:
        record_approval(world.store, gate.reference, approved=approved, by="person x")
    assert headline(world.store, gate) == said


@pytest.mark.parametrize(
    ("outcome", "champion", "said"),
    [
        pytest.param("reject", "4", "Version 4 stays", id="rejected"),
        pytest.param("reject", None, "No model is live yet: the first one was refused", id="first rejected"),
        pytest.param("label_more", "4", "More labels are needed to decide", id="undecided"),
    ],
)
def test_headline_of_a_verdict_says_what_came_of_it(
    world: TinyWorld, outcome: str, champion: str | None, said: str
) -> None:
    assert headline(world.store, make_gate_verdict(outcome=outcome, champion_version=champion)) == said


def test_release_notes_of_two_rounds_are_two_pages(world: TinyWorld) -> None:
    world.learn_seeds()
    world.deploy(world.judge(None), "1")
    world.serve(0, UNCLEAR, drawn=4)
    world.log_unasked(0, "aba*20")
    first = world.judge("1")
    one = write_release_notes(world.store, first)
    second = record(world.store, first.model_copy(update={"outcome": "reject", "reasons": ("No.",), "round": 2}))
    two = write_release_notes(world.store, second)
    assert "More labels are needed to decide" in Page(Path(one).read_text()).text
    assert (Path(one).name, Path(two).name) == (f"{first.subject}-1.html", f"{first.subject}-2.html")
    assert ", round 2" in Page(Path(two).read_text()).text


def test_release_notes_without_the_evaluation_of_the_verdict_are_refused(played: Played) -> None:
    gate = played.promoted.model_copy(update={"evaluation": "0" * 64})
    with pytest.raises(ContractError, match="its evaluation is not in the store"):
        write_release_notes(played.store, gate)


def test_release_notes_without_the_decision_to_train_are_refused(world: TinyWorld) -> None:
    measured = record(world.store, make_evaluation())
    gate = make_gate_verdict(outcome="reject", evaluation=measured.evidence_digest)
    with pytest.raises(ContractError, match="its decision to train is not in the store"):
        write_release_notes(world.store, gate)


def test_release_notes_are_kept_with_the_challengers_run(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    world.learn_seeds()
    registry = ModelRegistry(f"sqlite:///{tmp_path / 'mlflow.db'}", world.store.loop)
    run_id = registry.client.create_run(registry.experiment_id).info.run_id
    gate = world.judge(None).model_copy(update={"run_id": run_id})
    uri = Path(write_release_notes(world.store, gate, registry))
    for name, written in (("release_notes.html", uri), ("release_notes.md", uri.with_suffix(".md"))):
        copy = Path(registry.client.download_artifacts(run_id, name, str(tmp_path)))
        assert copy.read_bytes() == written.read_bytes()
    comparison = Path(registry.client.download_artifacts(run_id, "plots/comparison.html", str(tmp_path)))
    assert "Champion, 95 %" in comparison.read_text()
    write_release_notes(world.store, gate, registry)
    found = registry.client.get_metric_history(run_id, "challenger_value")
    assert [(metric.value, metric.step) for metric in found] == [(gate.scores.challenger.value, gate.round)]
    kept = registry.client.get_run(run_id).data.metrics
    assert set(kept) == {"challenger_value", "challenger_low", "challenger_high"}  # of the champion nothing is known


def test_notes_say_what_signals_are_worth(tmp_path):
    world = make_world(tmp_path)
    world.learn_seeds()
    world.deploy(world.judge(None), "1")
    interval = world.serve(0, "aaa*5 aba*20 aaa*5", drawn=15)
    rows = [
        {
            "feedback_id": f"f{n}",
            "trace_id": f"d0-{n:04d}",
            "ts": interval.start,
            "kind": "implicit",
            "signal": "<b>left",
        }
        for n in range(5, 15)
    ]
    world.store.append_new("feedback", rows_of(world.store.loop, "feedback", rows))
    page = Path(write_release_notes(world.store, world.judge("1")))
    text, marked = Page(page.read_text()).text, page.with_suffix(".md").read_text()
    assert "What users' signals are worth" in text
    assert "<b>left implicit 10 1.000 (0.692 to 1.000)" in text
    assert "All rows: 66.7%" in text
    assert "(implicit): the model was wrong in 1.000" in marked
