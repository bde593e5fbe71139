"""Decisions are recorded once, found again, and cannot be changed unseen."""

import threading

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from include.foundation.decisions import broken_links, find, latest, record, referenced
from include.foundation.errors import ContractError
from tests.builders import make_store
from tests.decision_builders import Note


def decide(store, number, outcome="yes"):
    return record(store, Note(subject=f"c{number}", outcome=outcome, reasons=("because",), number=number, share=0.1))


def test_same_decision_is_recorded_once(tmp_path):
    store = make_store(tmp_path)
    decide(store, 1)
    decide(store, 1)
    assert len(find(store, Note)) == 1


def test_reference_leads_back_to_the_decision(tmp_path):
    store = make_store(tmp_path)
    made = decide(store, 1)
    assert referenced(store, Note, made.reference) == made


@pytest.mark.parametrize("change", [{"evidence_digest": "0" * 64}, {"kind": "gate"}, {"subject": "c2"}])
def test_reference_to_what_was_never_recorded_is_refused(tmp_path, change):
    store = make_store(tmp_path)
    made = decide(store, 1)
    with pytest.raises(ContractError, match="No recorded decision"):
        referenced(store, Note, {**made.reference, **change})


def test_latest_is_the_newest_and_none_without_any(tmp_path):
    store = make_store(tmp_path)
    assert latest(store, Note) is None
    decide(store, 1)
    decide(store, 2)
    assert latest(store, Note).subject == "c2"
    assert latest(store, Note, "c1").subject == "c1"


def test_chain_of_concurrent_writers_is_whole(tmp_path):
    threads = [threading.Thread(target=decide, args=(make_store(tmp_path), number)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = make_store(tmp_path)
    assert len(find(store, Note)) == 6
    assert broken_links(store) == []


def test_changed_or_removed_decision_is_seen(tmp_path):
    store = make_store(tmp_path)
    for number in range(3):
        decide(store, number)
    rows = store.read("decisions").sort_by("sequence")
    outcomes = pa.array(["yes", "no", "yes"])
    write_deltalake(
        f"{store.uri}/decisions",
        rows.set_column(rows.column_names.index("outcome"), "outcome", outcomes),
        mode="overwrite",
    )
    assert any("content was changed" in problem for problem in broken_links(store))
    write_deltalake(f"{store.uri}/decisions", rows.slice(1), mode="overwrite")
    assert any("expected 1" in problem for problem in broken_links(store))
