from pathlib import Path
from typing import Any

import pytest

from include.foundation.decisions import GateVerdict, record
from include.foundation.errors import ContractError
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.comparing import evaluate
from include.stages.gate.evidence_rounds import request_evidence
from include.stages.gate.judging import judge
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.datasets import read_dataset
from tests.decision_builders import make_gate_verdict
from tests.include.stages.evaluation.judged_builders import (
    CLASSES,
    DAY,
    answered_row,
    answered_rows,
    challenger_of,
    champion_of,
    dataset_of,
    log_answers,
    make_judged_store,
)


@pytest.fixture
def store(tmp_path: Path) -> LoopStore:
    store = make_judged_store(tmp_path)
    log_answers(store, "aaa*30 aab*12 aba*8")
    return store


def label_more(k: int, round_number: int = 1, outcome: str = "label_more") -> GateVerdict:
    return make_gate_verdict("key-2", outcome, k=k, round=round_number)


def request_round(store: LoopStore, gate: GateVerdict):
    return request_evidence(store, gate, champion_of(store.loop), challenger_of(store.loop))


def test_request_evidence_asks_only_where_the_models_disagree(store: LoopStore) -> None:
    report = request_round(store, label_more(15))
    requests = store.read("requests").to_pylist()
    logged = {row["trace_id"]: row for row in store.read("predictions").to_pylist()}
    assert (report.batch_id, report.requests, report.disagreeing, report.rows) == ("evidence-key-2-1", 15, 20, 50)
    assert all(
        logged[row["trace_id"]]["input_champion"] != logged[row["trace_id"]]["input_challenger"] for row in requests
    )
    assert {row["inclusion_probability"] for row in requests} == {15 / 20}


def test_request_evidence_rows_are_for_this_challenger_and_blind(store: LoopStore) -> None:
    request_round(store, label_more(5))
    for row in store.read("requests").to_pylist():
        assert (row["stratum"], row["split"], row["evidence_for"]) == ("disagreement", "train", "key-2")
        assert row["hidden_prelabel"]


def test_request_evidence_same_round_again_asks_nothing_new(store: LoopStore) -> None:
    request_round(store, label_more(5))
    before = store.read("requests")
    assert request_round(store, label_more(5)).requests == 5
    assert store.read("requests").equals(before)


def test_request_evidence_rounds_share_no_row_until_none_is_left(store: LoopStore) -> None:
    counts = [request_round(store, label_more(9, number)).requests for number in (1, 2, 3, 4)]
    ids = store.read("requests").column("trace_id").to_pylist()
    assert counts == [9, 9, 2, 0]
    assert len(set(ids)) == len(ids) == 20


def test_request_evidence_rows_are_drawn_as_they_were_served_and_each_content_is_asked_once(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path)
    log_answers(store, "aab*60", text="often")
    log_answers(store, "aab*20", 2000)
    report = request_round(store, label_more(6))
    draws, requests = store.read("draws").to_pylist(), store.read("requests").to_pylist()
    often = [row for row in draws if row["trace_id"] < "p02000"]
    assert (report.requests, len(requests), len({row["content_key"] for row in requests})) == (6, 6, 6)
    assert len(often) > len(draws) / 2
    assert len({row["asked_trace_id"] for row in often}) == 1
    assert {row["asked_trace_id"] for row in draws} == {row["trace_id"] for row in requests}
    assert {row["inclusion_probability"] for row in draws} == {len(draws) / 80}


def test_request_evidence_content_that_was_asked_before_costs_no_label(store: LoopStore) -> None:
    log_answers(store, "aab*40", 2000, text="often")
    asked = request_round(store, label_more(5)).requests
    once = request_evidence(
        store, make_gate_verdict("key-9", "label_more", k=60), champion_of(store.loop), challenger_of(store.loop)
    )
    contents = [row["content_key"] for row in store.read("requests").to_pylist()]
    assert (asked, once.requests) == (5, 16)
    assert len(set(contents)) == len(contents) == 21


def test_request_evidence_rows_that_random_draws_hold_are_not_drawn_again(store: LoopStore) -> None:
    rows = store.read("predictions").to_pylist()
    held = [row["trace_id"] for row in rows if row["input_champion"] != row["input_challenger"]][:15]
    random = {"batch_id": "day", "stratum": "random", "inclusion_probability": 0.1, "content_key": "c", "drawn_at": DAY}
    drawn = [
        random | {"trace_id": name, "asked_trace_id": name, "ts": DAY, "model_version": "1", "predicted": "a"}
        for name in held
    ]
    store.append_new("draws", rows_of(store.loop, "draws", drawn))
    assert request_round(store, label_more(20)).requests == 5
    assert not {row["trace_id"] for row in store.read("requests").to_pylist()} & set(held)


def test_request_evidence_killed_between_draws_and_requests_asks_the_drawn_rows(
    store: LoopStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = LoopStore.append_computed

    def killed(self: LoopStore, name: str, *rest: Any, **more: Any) -> Any:
        if name == "requests":
            raise KeyboardInterrupt
        return append(self, name, *rest, **more)

    monkeypatch.setattr(LoopStore, "append_computed", killed)
    with pytest.raises(KeyboardInterrupt):
        request_round(store, label_more(5))
    monkeypatch.undo()
    assert request_round(store, label_more(5)).requests == 5
    drawn, asked = (store.read(name).column("trace_id").to_pylist() for name in ("draws", "requests"))
    assert sorted(drawn) == sorted(asked)


@pytest.mark.parametrize("outcome", ["promote", "reject"])
def test_request_evidence_decided_verdict_is_refused(store: LoopStore, outcome: str) -> None:
    with pytest.raises(ContractError, match=f"verdict {outcome}"):
        request_round(store, label_more(5, outcome=outcome))


def test_request_evidence_no_champion_is_refused(store: LoopStore) -> None:
    with pytest.raises(ContractError, match="expected label_more and champion 1"):
        request_evidence(
            store, make_gate_verdict("key-2", "label_more", k=5, champion_version="1"), None, challenger_of(store.loop)
        )


def test_request_evidence_on_the_first_model_asks_where_it_differs_from_what_was_served(store: LoopStore) -> None:
    gate = make_gate_verdict("key-2", "label_more", k=50, champion_version=None)
    report = request_evidence(store, gate, None, challenger_of(store.loop))
    served = {row["trace_id"]: row for row in store.read("predictions").to_pylist()}
    differing = [row for row in served.values() if row["predicted"] != CLASSES[int(row["input_challenger"])]]
    assert (report.disagreeing, report.rows) == (len(differing), 50)
    assert {row["trace_id"] for row in store.read("requests").to_pylist()} == {row["trace_id"] for row in differing}


def answer_requests(store: LoopStore, labels: list[dict[str, Any]], start: int, truth: str) -> list[dict[str, Any]]:
    """Label every open request with one truth, as annotators would."""
    labeled = {row["trace_id"] for row in labels}
    open_requests = [row for row in store.read("requests").to_pylist() if row["trace_id"] not in labeled]
    rows = {row["trace_id"]: row for row in store.read("predictions").to_pylist()}
    return labels + [
        answered_rows("aaa", start + place)[0]
        | {name: rows[request["trace_id"]][name] for name in ("input_champion", "input_challenger", "input_text")}
        | {name: request[name] for name in ("trace_id", "split", "stratum", "evidence_for", "inclusion_probability")}
        | {"label": truth}
        for place, request in enumerate(open_requests)
    ]


@pytest.mark.parametrize(("truth", "outcome"), [("b", "promote"), ("a", "reject"), ("c", "reject")])
def test_gate_undecided_then_labels_come_back_is_decided(tmp_path: Path, truth: str, outcome: str) -> None:
    store = make_judged_store(tmp_path)
    log_answers(store, "aaa*150 aab*80")
    champion, challenger = champion_of(store.loop), challenger_of(store.loop)
    labels, outcomes = answered_rows("aaa*30"), []
    for number in range(store.loop.gate.max_rounds + 1):
        name = f"d{number}"
        verdict = judge(store, evaluate(store, dataset_of(store.loop, labels), name, champion, challenger))
        outcomes.append(verdict.outcome)
        if verdict.outcome != "label_more":
            break
        request_evidence(store, verdict, champion, challenger)
        labels = answer_requests(store, labels, 100 * (number + 1), truth)
    assert outcomes[0] == "label_more"
    assert outcomes[-1] == outcome


def publish_answers(store: LoopStore, truth: str) -> str:
    """Store the labels that annotators who all say the same give to the requests, and publish them."""
    rows = {row["trace_id"]: row for row in store.read("predictions").to_pylist()}
    labels = [
        answered_row(number, "aaa")
        | {name: rows[request["trace_id"]][name] for name in rows[request["trace_id"]] if name.startswith("input_")}
        | {name: request[name] for name in request if name in store.schema("labels").names and name != "label_id"}
        | {"label": truth, "label_id": request["request_id"]}
        for number, request in enumerate(store.read("requests").to_pylist())
    ]
    store.append_new("labels", rows_of(store.loop, "labels", labels))
    return publish_dataset(store).subject


def test_gate_answer_counts_for_every_drawn_row_of_its_content_and_rounds_pool_alike(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path)
    log_answers(store, "aab*60", text="often")
    log_answers(store, "aab*20 aba*20", 2000)
    champion, challenger = champion_of(store.loop), challenger_of(store.loop)
    evaluation = evaluate(store, dataset_of(store.loop, []), "d0", champion, challenger)
    for number in (1, 2):
        verdict = make_gate_verdict(
            "key-2", "label_more", k=5, round=number, champion_version="1", evaluation=evaluation.evidence_digest
        )
        record(store, verdict)
        request_evidence(store, verdict, champion, challenger)
        log_answers(store, "aab*50", 3000 + 1000 * number, days=number)  # after the window, which stands still
        name = publish_answers(store, "b")
        evaluation = evaluate(store, read_dataset(store, name), name, champion, challenger)
    draws = store.read("draws").to_pylist()
    apart = {row["trace_id"]: row for row in store.read("predictions").to_pylist()}
    losses = sum(apart[row["trace_id"]]["input_challenger"] == 0 for row in draws)
    assert len({row["trace_id"] for row in draws}) == len(draws) > store.read("requests").num_rows == 10
    assert max(row["ts"] for row in draws) == DAY
    assert evaluation.differences.disagreement == ((-1, losses, 1), (1, len(draws) - losses, 1))
    assert (evaluation.window.rows, evaluation.window.undrawn) == (100, 100 - len(draws))


def test_gate_rows_that_were_drawn_against_another_champion_are_no_evidence(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path)
    log_answers(store, "aab*20")
    verdict = make_gate_verdict("key-2", "label_more", k=5, round=1, champion_version="1")
    record(store, verdict)
    request_evidence(store, verdict, champion_of(store.loop), challenger_of(store.loop))
    name = publish_answers(store, "b")
    one, two = (
        evaluate(store, read_dataset(store, name), name, champion_of(store.loop, version), challenger_of(store.loop))
        for version in ("1", "2")
    )
    assert one.differences.disagreement == ((1, 5, 1),)
    assert two.differences.disagreement == ()


def test_gate_content_that_the_challenger_trained_on_is_asked_again_and_then_counts(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path)
    log_answers(store, "aab*40", text="often")
    champion, challenger = champion_of(store.loop), challenger_of(store.loop, "key-1")
    request_evidence(store, make_gate_verdict("key-1", "label_more", k=1, round=1), champion, challenger)
    publish_answers(store, "b")
    log_answers(store, "aab*10", 2000)
    verdict = make_gate_verdict("key-2", "label_more", k=5, round=1, champion_version="1")
    record(store, verdict)
    request_evidence(store, verdict, champion, challenger_of(store.loop))
    rows = store.read("predictions").to_pylist()
    often = {row["trace_id"] for row in rows if row["input_text"] == "often"}
    drawn = store.read("draws", filters=[("batch_id", "=", "evidence-key-2-1")]).column("trace_id").to_pylist()
    learnt, asked = len(often & set(drawn)), store.read("requests", filters=[("batch_id", "=", "evidence-key-2-1")])
    name = publish_answers(store, "b")
    evaluation = evaluate(store, read_dataset(store, name), name, champion, challenger_of(store.loop))
    assert learnt > 5
    assert asked.num_rows == 5
    assert len(often & set(asked.column("trace_id").to_pylist())) == 1
    assert evaluation.differences.disagreement == ((1, len(drawn), 1),)


def test_gate_contents_that_were_all_asked_before_decide_without_a_label(tmp_path: Path) -> None:
    store = make_judged_store(tmp_path)
    log_answers(store, "aab*1", text="often")
    champion, challenger = champion_of(store.loop), challenger_of(store.loop)
    request_evidence(store, make_gate_verdict("key-2", "label_more", k=1, round=1), champion, challenger)
    name = publish_answers(store, "b")
    log_answers(store, "aab*40", 2000, text="often")
    evaluation = evaluate(store, read_dataset(store, name), name, champion, challenger)
    assert (evaluation.window.askable, evaluation.window.undrawn) == (0, 40)
    assert evaluation.differences.disagreement == ((1, 40, 1),)
    assert judge(store, evaluation).outcome == "promote"
