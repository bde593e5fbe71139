"""Decisions are recorded once, found again, and cannot be changed unseen."""

import json
import threading

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from include.foundation.decisions import broken_links, find, head, latest, record, record_first, referenced
from include.foundation.decisions.chain import HEAD, outcomes
from include.foundation.errors import ContractError, StoreError
from include.foundation.store.loop_files import read_file, write_file
from include.foundation.store.tables import LoopStore
from tests.builders import make_store
from tests.decision_builders import Note, make_guard_verdict


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


def rewrite(store, rows):
    write_deltalake(f"{store.uri}/decisions", rows, mode="overwrite")


def cut(store, count):
    """Remove the newest decisions."""
    rows = store.read("decisions").sort_by("sequence")
    rewrite(store, rows.slice(0, rows.num_rows - count))


def three(tmp_path):
    store = make_store(tmp_path)
    for number in range(3):
        decide(store, number)
    assert broken_links(store) == []
    return store


@pytest.mark.parametrize(("count", "told"), [(1, "decisions 3 to 3"), (3, "decisions 1 to 3")])
def test_newest_decisions_that_were_cut_off_are_missed(tmp_path, count, told):
    store = three(tmp_path)
    cut(store, count)
    assert broken_links(store) == [f"{told}: were recorded and are missing"]


def test_newest_decisions_that_were_replaced_by_others_are_seen(tmp_path):
    store = three(tmp_path)
    noted = read_file(store, HEAD)
    cut(store, 1)
    decide(store, 7)
    decide(store, 8)
    write_file(store, HEAD, noted)
    assert broken_links(store) == ["decision 3: is not the one that was recorded; it and those after it were replaced"]


def test_head_that_was_removed_is_told_and_comes_back_with_the_next_decision(tmp_path):
    store = three(tmp_path)
    write_file(store, HEAD, "{")
    assert broken_links(store) == [f"{HEAD}: missing; the newest decisions may have been cut off"]
    decide(store, 1)  # it was recorded before
    assert broken_links(store) == []
    assert json.loads(read_file(store, HEAD))["sequence"] == 3


def test_head_of_a_process_that_was_killed_before_it_noted_its_decision_is_no_damage(tmp_path):
    store = three(tmp_path)
    noted = read_file(store, HEAD)
    decide(store, 3)
    write_file(store, HEAD, noted)
    assert broken_links(store) == []


def test_evidence_that_is_no_json_any_more_is_told_and_refused_in_words(tmp_path):
    store = three(tmp_path)
    rows = store.read("decisions").sort_by("sequence")
    rewrite(store, rows.set_column(rows.column_names.index("evidence"), "evidence", pa.array(["{", "[1]", "{}"])))
    assert sum("content was changed" in problem for problem in broken_links(store)) == 3
    with pytest.raises(StoreError, match=r"Decision 1 .* is not what this version records"):
        find(store, Note)


def test_first_decision_on_a_subject_is_the_one_that_counts(tmp_path):
    store = make_store(tmp_path)
    first, second = (Note(subject="c", outcome="yes", reasons=(), number=number) for number in (1, 2))
    assert record_first(store, first) == record_first(store, second) == first
    assert find(store, Note) == [first]


def test_decision_after_the_end_was_cut_off_follows_what_is_left_and_the_loss_stays_visible(tmp_path):
    store = three(tmp_path)
    cut(store, 2)
    decide(store, 9)
    assert [row["sequence"] for row in store.read("decisions").sort_by("sequence").to_pylist()] == [1, 2]
    assert broken_links(store) == ["decisions 3 to 3: were recorded and are missing"]


def test_decisions_are_found_by_outcome(tmp_path):
    store = make_store(tmp_path)
    for number, outcome in enumerate(("yes", "no", "yes")):
        decide(store, number, outcome)
    assert [note.subject for note in find(store, Note, outcome="yes")] == ["c0", "c2"]
    assert find(store, Note, "c1", outcome="yes") == []


@pytest.mark.parametrize(("recorded", "told"), [(1, 0), (2, 1)])
def test_head_that_was_never_noted_is_missed_unless_the_first_decision_alone_was_recorded(tmp_path, recorded, told):
    store = make_store(tmp_path)
    for number in range(recorded):
        decide(store, number)
    write_file(store, HEAD, "{}")
    assert len(broken_links(store)) == told


def test_each_link_that_does_not_hold_is_told_by_its_number(tmp_path):
    store = three(tmp_path)
    rows = store.read("decisions").sort_by("sequence")
    changed = pa.array(["0" * 64, rows.column("hash")[0].as_py(), "f" * 64])
    rewrite(store, rows.set_column(rows.column_names.index("previous_hash"), "previous_hash", changed))
    assert broken_links(store) == [
        "decision 3: does not follow the one before it",
        "decision 3 (note c2): content was changed",
    ]


def test_evidence_digest_that_was_changed_alone_is_seen(tmp_path):
    store = three(tmp_path)
    rows = store.read("decisions").sort_by("sequence")
    changed = pa.array([*rows.column("evidence_digest").to_pylist()[:2], "f" * 64])
    rewrite(store, rows.set_column(rows.column_names.index("evidence_digest"), "evidence_digest", changed))
    assert broken_links(store) == ["decision 3 (note c2): content was changed"]


def test_decision_of_another_shape_is_refused_with_every_place(tmp_path):
    store = three(tmp_path)
    rows = store.read("decisions").sort_by("sequence")
    wrong = pa.array(['{"share": "much", "number": [1]}', "{}", "{}"])
    rewrite(store, rows.set_column(rows.column_names.index("evidence"), "evidence", wrong))
    with pytest.raises(StoreError) as refused:
        find(store, Note)
    assert {problem.partition(":")[0] for problem in refused.value.problems} == {"share", "number.float", "number.str"}
    rewrite(store, rows.set_column(rows.column_names.index("evidence"), "evidence", pa.array(["{", "{}", "{}"])))
    with pytest.raises(StoreError) as refused:
        find(store, Note)
    assert refused.value.problems == []


def test_outcomes_are_those_of_the_kind_oldest_first(tmp_path):
    store = make_store(tmp_path)
    record(store, make_guard_verdict())
    for number, outcome in enumerate(("yes", "no")):
        decide(store, number, outcome)
    assert outcomes(store, Note) == [("c0", "yes"), ("c1", "no")]


def test_check_after_a_check_looks_only_at_what_follows_and_sees_it_all_the_same(tmp_path):
    store = three(tmp_path)
    checked = head(store)
    assert broken_links(store, checked) == []
    for number in (3, 4):
        decide(store, number)
    assert broken_links(store, checked) == []
    rows = store.read("decisions").sort_by("sequence")
    names = ["yes", "changed before", "yes", "changed after", "yes"]
    rewrite(store, rows.set_column(rows.column_names.index("outcome"), "outcome", pa.array(names)))
    assert broken_links(store, checked) == ["decision 4 (note c3): content was changed"]
    assert len(broken_links(store)) == 2
    rewrite(store, rows)
    cut(store, 1)
    assert broken_links(store, checked) == ["decisions 5 to 5: were recorded and are missing"]
    cut(store, 2)
    assert broken_links(store, checked) == ["decision 3: is not the one that the last check found"]


def test_decision_that_another_one_replaced_after_a_check_is_seen(tmp_path):
    store = three(tmp_path)
    checked, noted = head(store), read_file(store, HEAD)
    cut(store, 1)
    decide(store, 7)
    write_file(store, HEAD, noted)
    assert broken_links(store, checked) == ["decision 3: is not the one that the last check found"]


def test_decisions_are_read_once_until_one_is_added(tmp_path, monkeypatch):
    store, read, scanned = three(tmp_path), [], LoopStore._scanned
    monkeypatch.setattr(LoopStore, "_scanned", lambda *args: read.append(args[1].name) or scanned(*args))
    assert [len(find(store, Note, subject)) for subject in ("c0", "c1", None)] == [1, 1, 3]
    assert read == ["decisions"]
    decide(make_store(tmp_path), 3)  # by another process
    assert latest(store, Note).subject == "c3"
