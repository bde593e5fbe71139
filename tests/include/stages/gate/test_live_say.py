"""Labels and live requests together: neither promotes without the other."""

from pathlib import Path
from typing import Any

import pytest

from include.foundation.decisions import GateVerdict, LiveComparison, find, record
from include.foundation.store.tables import LoopStore
from include.stages.gate.judging import judge
from tests.include.stages.evaluation.judged_builders import make_judged_store
from tests.include.stages.gate.verdict_builders import measured, multiset

WON: dict[str, Any] = {"disagreement": multiset(60, 5)}
UNDECIDED: dict[str, Any] = {"disagreement": multiset(6, 4)}
LOST: dict[str, Any] = {"disagreement": multiset(5, 60)}


@pytest.fixture
def store(tmp_path: Path) -> LoopStore:
    return make_judged_store(tmp_path)


def live(store: LoopStore, outcome: str, requests: int = 10) -> LiveComparison:
    told: Any = {"subject": "k1", "outcome": outcome, "reasons": (f"{requests} live requests: {outcome}.",)}
    return record(store, LiveComparison(**told, champion="1", challenger="2", requests=requests, needed=20))


@pytest.mark.parametrize(
    ("labels", "said", "outcome"),
    [
        (WON, "waiting", "await_live"),
        (WON, "fit", "promote"),
        (WON, "failing", "reject"),
        (WON, "skewed", "reject"),
        (WON, None, "promote"),
        (UNDECIDED, "waiting", "label_more"),
        (UNDECIDED, "fit", "label_more"),
        (UNDECIDED, "failing", "reject"),
        (LOST, "fit", "reject"),
        (LOST, "waiting", "reject"),
    ],
)
def test_verdict_of_labels_and_live_requests(store: LoopStore, labels: Any, said: str | None, outcome: str) -> None:
    told = live(store, said) if said else None
    verdict = judge(store, measured(**labels), told)
    assert verdict.outcome == outcome
    assert (verdict.k > 0) == (outcome == "label_more")
    assert find(store, GateVerdict) == [verdict]
    if told and labels is not LOST:
        assert (verdict.live, told.reasons[0] in verdict.reasons) == (told.evidence_digest, True)


def test_challenger_that_waits_is_judged_by_live_requests_alone_whatever_labels_came_since(store: LoopStore) -> None:
    first = judge(store, measured(**WON), live(store, "waiting"))
    again = judge(store, measured(dataset="later", **LOST), live(store, "waiting"))
    assert again == first
    last = judge(store, measured(dataset="later", **LOST), live(store, "fit", 20))
    assert (last.outcome, last.e_value, last.evaluation, last.round) == ("promote", first.e_value, first.evaluation, 2)
    assert [reason for reason in last.reasons if "live requests" in reason] == ["20 live requests: fit."]
    assert judge(store, measured(**WON), live(store, "failing", 30)) == last
    assert [each.outcome for each in find(store, GateVerdict)] == ["await_live", "promote"]


def test_challenger_that_waits_goes_on_where_live_requests_have_no_say_any_more(store: LoopStore) -> None:
    judge(store, measured(**WON), live(store, "waiting"))
    last = judge(store, measured(**WON), None)
    assert last.outcome == "promote"
    assert not any("live requests" in reason for reason in last.reasons)


def test_challenger_that_fails_live_is_refused_before_its_labels_are_back(store: LoopStore) -> None:
    asked = judge(store, measured(**UNDECIDED), live(store, "waiting"))
    assert judge(store, measured(**UNDECIDED), live(store, "waiting", 15)) == asked
    assert judge(store, measured(**UNDECIDED), live(store, "failing", 20)).outcome == "reject"


def test_another_champion_meanwhile_is_met_with_labels_first(store: LoopStore) -> None:
    judge(store, measured(**WON), live(store, "waiting"))
    assert judge(store, measured(champion_version="7", **UNDECIDED), live(store, "waiting", 11)).outcome == "label_more"
