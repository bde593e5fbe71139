import re
from pathlib import Path

import pytest

from include.foundation.decisions import Approval, GateVerdict, RegisteredVersion, find, record
from include.foundation.decisions.gate_verdict import SliceVerdict
from include.foundation.errors import ContractError
from include.foundation.store.tables import LoopStore
from include.stages.gate.approval import approver_pseudonym, evidence_page, record_approval
from include.stages.gate.judging import judge
from tests.include.stages.evaluation.judged_builders import make_judged_store
from tests.include.stages.gate.verdict_builders import first_measured, measured, multiset

KEY = b"k" * 32


@pytest.fixture
def store(tmp_path: Path) -> LoopStore:
    return make_judged_store(tmp_path)


@pytest.fixture
def verdict(store: LoopStore) -> GateVerdict:
    return judge(store, measured(disagreement=multiset(33, 5)))


def test_evidence_page_shows_verdict_reasons_scores_and_digest(store: LoopStore, verdict: GateVerdict) -> None:
    page = evidence_page(store, verdict.reference)
    assert page.startswith("**promote** of challenger `k1`")
    assert all(f"- {reason}" in page for reason in verdict.reasons)
    assert "| challenger | 0.800 | 0.750 to 0.850 | 200 |" in page
    assert verdict.evidence_digest in page


def test_evidence_page_takes_what_logs_named_literally(store: LoopStore, verdict: GateVerdict) -> None:
    reasons = ("Worse on desk = <img src=x> | [y](javascript:z) `*`.",)
    attack = record(store, verdict.model_copy(update={"subject": "k2", "reasons": reasons}))
    page = evidence_page(store, attack.reference)
    assert "- Worse on desk = &lt;img src=x&gt; \\| \\[y\\](javascript:z) \\`\\*\\`." in page


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(r"\[x](http://evil)", r"\\\[x\](http&#58;//evil)", id="escaped bracket"),
        pytest.param("see https://evil.example", "see https&#58;//evil.example", id="address"),
        pytest.param("see www.evil.example", "see www&#46;evil.example", id="address without a scheme"),
        pytest.param("ask a@evil.example", "ask a&#64;evil.example", id="mail"),
        pytest.param("_so_ ~~no~~", r"\_so\_ \~\~no\~\~", id="emphasis"),
        pytest.param("one\n# two", "one # two", id="heading"),
    ],
)
def test_evidence_page_makes_neither_link_nor_form_of_a_segment_value(
    store: LoopStore, verdict: GateVerdict, value: str, shown: str
) -> None:
    attack = record(store, verdict.model_copy(update={"subject": "k2", "reasons": (f"Worse on {value}.",)}))
    assert f"- Worse on {shown}." in evidence_page(store, attack.reference)


def test_evidence_page_names_versions_links_and_the_digest_of_the_files(store: LoopStore, verdict: GateVerdict) -> None:
    judged = record(store, verdict.model_copy(update={"files_digest": "f" * 64}))
    assert "not registered, is to replace version 1." in evidence_page(store, judged.reference)
    own = RegisteredVersion(subject="k1", outcome="registered", reasons=(), version="2", run_id="run")
    record(store, own)
    page = evidence_page(store, judged.reference, {"Picture": "http://airflow/x.png"})
    assert "Model judged, version 2, is to replace version 1." in page
    assert "[Picture](http://airflow/x.png)" in page
    assert f"files: `{'f' * 64}`" in page


def test_evidence_page_says_what_each_slice_shows_and_what_is_inconclusive(
    store: LoopStore, verdict: GateVerdict
) -> None:
    about = {"segment": "desk", "e_value": 1.0, "rows": 40, "disagreements": 3}
    parts = (
        SliceVerdict(value="a|b", verdict="inconclusive", **about),
        SliceVerdict(value=None, verdict="worse", **about),
    )
    page = evidence_page(store, record(store, verdict.model_copy(update={"slices": parts})).reference)
    assert "| desk = a\\|b | inconclusive | 40 | 3 |\n| desk = not given | worse | 40 | 3 |" in page
    without = record(store, verdict.model_copy(update={"subject": "k3", "slices": ()}))
    assert "| slice |" not in evidence_page(store, without.reference)


def test_evidence_page_first_model_says_that_no_champion_is_known(store: LoopStore) -> None:
    page = evidence_page(store, judge(store, first_measured(0.6)).reference)
    assert "| champion | unknown | | 0 |" in page


def test_evidence_page_verdict_that_was_never_recorded_is_refused(store: LoopStore, verdict: GateVerdict) -> None:
    forged = {**verdict.reference, "evidence_digest": "0" * 64}
    with pytest.raises(ContractError, match="No recorded decision"):
        evidence_page(store, forged)
    with pytest.raises(ContractError, match="No recorded decision"):
        record_approval(store, forged, approved=True, by="somebody")


@pytest.mark.parametrize(("approved", "outcome"), [(True, "approved"), (False, "rejected")])
def test_record_approval_is_bound_to_the_evidence(
    store: LoopStore, verdict: GateVerdict, outcome: str, *, approved: bool
) -> None:
    record_approval(store, verdict.reference, approved=approved, by="person 1")
    record_approval(store, verdict.reference, approved=approved, by="person 1")
    (approval,) = find(store, Approval, "k1")
    assert approval.outcome == outcome
    assert approval.evidence == {"gate": verdict.evidence_digest, "by": "person 1"}


def test_approver_pseudonym_same_user_is_the_same_pseudonym_that_hides_the_id(store: LoopStore) -> None:
    pseudonym = approver_pseudonym(store, {"id": "ada@example.org"}, KEY)
    assert pseudonym == approver_pseudonym(store, {"id": "ada@example.org", "name": "Ada"}, KEY)
    assert re.fullmatch("person [0-9a-f]{16}", pseudonym)
    assert "ada" not in pseudonym
    assert pseudonym != approver_pseudonym(store, {"id": "bob@example.org"}, KEY)


@pytest.mark.parametrize("user", [None, {}, {"id": ""}, {"id": None}, {"name": "Ada"}])
def test_approver_pseudonym_without_identity_is_refused(store, user) -> None:
    with pytest.raises(ContractError, match="needs an identity"):
        approver_pseudonym(store, user, KEY)
