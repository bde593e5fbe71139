from pathlib import Path
from typing import Any

import pytest

from include.foundation.decisions import GateVerdict
from include.foundation.errors import ContractError
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.comparing import evaluate
from include.stages.gate.evidence_rounds import request_evidence
from include.stages.gate.judging import judge
from tests.decision_builders import make_gate_verdict
from tests.include.stages.evaluation.judged_builders import (
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


def more(k: int, round_number: int = 1, outcome: str = "label_more") -> GateVerdict:
    return make_gate_verdict("key-2", outcome, k=k, round=round_number)


def ask(store: LoopStore, gate: GateVerdict):
    return request_evidence(store, gate, champion_of(store.loop), challenger_of(store.loop))


def test_request_evidence_asks_only_where_the_models_disagree(store: LoopStore) -> None:
    report = ask(store, more(15))
    asked = store.read("requests").to_pylist()
    logged = {row["trace_id"]: row for row in store.read("predictions").to_pylist()}
    assert (report.batch_id, report.requests, report.disagreeing, report.rows) == ("evidence-key-2-1", 15, 20, 50)
    assert all(
        logged[row["trace_id"]]["input_champion"] != logged[row["trace_id"]]["input_challenger"] for row in asked
    )
    assert {row["inclusion_probability"] for row in asked} == {15 / 20}


def test_request_evidence_rows_are_for_this_challenger_and_blind(store: LoopStore) -> None:
    ask(store, more(5))
    for row in store.read("requests").to_pylist():
        assert (row["stratum"], row["split"], row["evidence_for"]) == ("disagreement", "train", "key-2")
        assert row["hidden_prelabel"]


def test_request_evidence_same_round_again_asks_nothing_new(store: LoopStore) -> None:
    ask(store, more(5))
    before = store.read("requests")
    assert ask(store, more(5)).requests == 5
    assert store.read("requests").equals(before)


def test_request_evidence_rounds_share_no_row_until_none_is_left(store: LoopStore) -> None:
    asked = [ask(store, more(9, number)).requests for number in (1, 2, 3, 4)]
    ids = store.read("requests").column("trace_id").to_pylist()
    assert asked == [9, 9, 2, 0]
    assert len(set(ids)) == len(ids) == 20


@pytest.mark.parametrize("outcome", ["promote", "reject"])
def test_request_evidence_decided_verdict_is_refused(store: LoopStore, outcome: str) -> None:
    with pytest.raises(ContractError, match=f"verdict {outcome}"):
        ask(store, more(5, outcome=outcome))


def test_request_evidence_no_champion_is_refused(store: LoopStore) -> None:
    with pytest.raises(ContractError, match="expected label_more and a champion"):
        request_evidence(store, more(5), None, challenger_of(store.loop))


def answer(store: LoopStore, labels: list[dict[str, Any]], start: int, truth: str) -> list[dict[str, Any]]:
    """Label every open request with one truth, as annotators would."""
    known = {row["trace_id"] for row in labels}
    asked = [row for row in store.read("requests").to_pylist() if row["trace_id"] not in known]
    rows = {row["trace_id"]: row for row in store.read("predictions").to_pylist()}
    return labels + [
        answered_rows("aaa", start + place)[0]
        | {name: rows[request["trace_id"]][name] for name in ("input_champion", "input_challenger", "input_text")}
        | {name: request[name] for name in ("trace_id", "split", "stratum", "evidence_for", "inclusion_probability")}
        | {"label": truth}
        for place, request in enumerate(asked)
    ]


@pytest.mark.parametrize(("truth", "outcome"), [("b", "promote"), ("a", "reject"), ("c", "reject")])
def test_gate_undecided_then_labels_come_back_is_decided(tmp_path: Path, truth: str, outcome: str) -> None:
    store = make_judged_store(tmp_path)
    log_answers(store, "aaa*150 aab*80")
    champion, challenger = champion_of(store.loop), challenger_of(store.loop)
    labels, said = answered_rows("aaa*30"), []
    for number in range(store.loop.gate.max_rounds + 1):
        name = f"d{number}"
        verdict = judge(store, evaluate(store, dataset_of(store.loop, labels), name, champion, challenger))
        said.append(verdict.outcome)
        if verdict.outcome != "label_more":
            break
        request_evidence(store, verdict, champion, challenger)
        labels = answer(store, labels, 100 * (number + 1), truth)
    assert said[0] == "label_more"
    assert said[-1] == outcome
