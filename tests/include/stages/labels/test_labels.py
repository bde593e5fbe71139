"""Answers become labels once; doubtful ones are set aside; datasets have names."""

import json
from datetime import timedelta

import pytest

from include.foundation.config.sections import Rule
from include.foundation.digests import table_digest
from include.foundation.errors import ContractError, DataQualityError, NothingToDo
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.rows import rows_of
from include.stages.labeling.backends import backend_for
from include.stages.labeling.collecting import progress
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.datasets import read_dataset
from include.stages.labels.domain_rules import broken_rules
from include.stages.labels.label_validation import validate_labels
from include.stages.labels.seeds import SeedReport, admit_seed_labels
from tests.builders import CLASSES, KEY, line, make_store
from tests.include.stages.labels.label_builders import (
    ANNOTATORS,
    collect,
    everyone_answers,
    pushed_store,
    truth,
    write_answers,
)


def test_agreed_answers_become_labels_with_their_split_probability_and_first_prediction(tmp_path):
    store, requests = pushed_store(tmp_path)
    everyone_answers(tmp_path, requests, truth)
    assert collect(store).new == 3 * len(requests)
    report = validate_labels(store)
    assert (report.accepted, report.set_aside) == (len(requests), 0)
    assert report.alpha == 1
    by_trace = {row["trace_id"]: row for row in store.read("labels").to_pylist()}
    ledger = {row["trace_id"]: row for row in store.read("requests").to_pylist()}
    for trace, label in by_trace.items():
        assert label["label"] == truth(trace)
        assert (label["split"], label["inclusion_probability"]) == (
            ledger[trace]["split"],
            ledger[trace]["inclusion_probability"],
        )
        assert label["predicted"] == line(int(trace[1:]))["prediction"]
        assert label["input_text"] == line(int(trace[1:]))["input"]["text"]


def test_validating_again_changes_nothing(tmp_path):
    store, requests = pushed_store(tmp_path)
    everyone_answers(tmp_path, requests, truth)
    collect(store)
    validate_labels(store)
    first_state = (table_digest(store.read("labels")), store.version("labels"), store.version("quarantine"))
    assert collect(store).new == 0
    assert validate_labels(store).received == 0
    assert (table_digest(store.read("labels")), store.version("labels"), store.version("quarantine")) == first_state


def test_annotators_are_pseudonyms(tmp_path):
    store, requests = pushed_store(tmp_path)
    everyone_answers(tmp_path, requests, truth)
    collect(store)
    assert not set(store.read("annotations").column("annotator").to_pylist()) & set(ANNOTATORS)


def test_ambiguous_answers_are_held_for_a_person_with_what_was_said(tmp_path):
    store, requests = pushed_store(tmp_path, labels={"consensus": "majority"})
    unclear = sorted(requests)[0]
    for place, name in enumerate(ANNOTATORS):
        write_answers(tmp_path, name, {r: (CLASSES[place] if t == unclear else truth(t)) for t, r in requests.items()})
    collect(store)
    report = validate_labels(store)
    assert (report.accepted, report.escalated, report.set_aside) == (len(requests) - 1, 1, 0)
    (row,) = store.read("requests", filters=[("tier", ">", 1)]).to_pylist()
    assert row["cause"] == "ambiguous"
    assert "earn" in row["reasons"][0]
    assert progress(store, backend_for(store.loop, None), KEY).open == 0


def test_label_that_breaks_a_domain_rule_is_held_for_a_person(tmp_path):
    rule = {"name": "never_grain", "input": "text", "when": "story", "deny": ["grain"]}
    store, requests = pushed_store(tmp_path, labels={"rules": [rule]})
    everyone_answers(tmp_path, requests, truth)
    collect(store)
    validate_labels(store)
    assert "grain" not in store.read("labels").column("label").to_pylist()
    assert set(store.read("requests").column("cause").to_pylist()) == {None, "rule_broken"}
    assert broken_rules(store.loop.labels.rules, {"input_text": None}, "grain") == []


@pytest.mark.parametrize(("label", "is_broken"), [("earn", False), ("acq", False), ("grain", True)])
def test_rule_that_allows_labels_is_broken_by_every_other_where_it_matches(label, is_broken):
    rule = Rule(name="profit", input="text", when="profit", allow=["earn", "acq"])
    assert bool(broken_rules([rule], {"input_text": "Net PROFIT rose"}, label)) == is_broken
    assert broken_rules([rule], {"input_text": "wheat"}, label) == []


def test_label_that_a_rule_does_not_allow_is_none(tmp_path):
    rule = {"name": "no_grain", "input": "text", "when": "story", "allow": ["earn", "acq"]}
    store, requests = pushed_store(tmp_path, labels={"rules": [rule]})
    everyone_answers(tmp_path, requests, truth)
    collect(store)
    validate_labels(store)
    assert set(store.read("labels").column("label").to_pylist()) == {"earn", "acq"}


def test_later_answers_supersede_a_label(tmp_path):
    store, requests = pushed_store(tmp_path, labels={"consensus": "majority", "min_confidence": 0.6})
    everyone_answers(tmp_path, requests, truth)
    collect(store)
    validate_labels(store)
    trace = sorted(requests)[0]
    corrected = next(name for name in CLASSES if name != truth(trace))
    for name in ANNOTATORS:
        write_answers(tmp_path, name, {requests[trace]: corrected}, minute=30)
    collect(store)
    validate_labels(store)
    rows = [row for row in store.read("labels").to_pylist() if row["trace_id"] == trace]
    assert len(rows) == 2
    present = [row for row in current_labels(store.read("labels")).to_pylist() if row["trace_id"] == trace]
    assert [row["label"] for row in present] == [corrected]


def test_too_little_agreement_stops_the_batch(tmp_path):
    store, requests = pushed_store(tmp_path, labels={"min_agreement": 0.5})
    for place, name in enumerate(ANNOTATORS):
        write_answers(tmp_path, name, {r: CLASSES[(int(t[1:]) * (place + 1) + place) % 3] for t, r in requests.items()})
    collect(store)
    with pytest.raises(DataQualityError, match=r"min_agreement is 0\.50"):
        validate_labels(store)
    assert store.read("labels").num_rows == 0


def test_agreement_exactly_at_its_floor_passes(tmp_path):
    store, requests = pushed_store(tmp_path, labels={"min_agreement": 1.0})
    everyone_answers(tmp_path, requests, truth)
    collect(store)
    report = validate_labels(store)
    assert (report.alpha, report.accepted) == (1.0, len(requests))


def test_requests_with_too_few_answers_wait_until_the_deadline(tmp_path):
    store, requests = pushed_store(tmp_path)
    write_answers(tmp_path, "ann", {request: truth(trace) for trace, request in requests.items()})
    collect(store)
    assert validate_labels(store).received == 0
    waiting = progress(store, backend_for(store.loop, None), KEY)
    assert (waiting.complete, waiting.answered, waiting.open) == (False, 0, len(requests))
    rows = store.read("requests").to_pylist()
    late = [row | {"pushed_at": row["pushed_at"] - timedelta(hours=73)} for row in rows]
    store.update_rows("requests", rows_of(store.loop, "requests", late))
    assert progress(store, backend_for(store.loop, None), KEY).reason.startswith("deadline")
    assert validate_labels(store).received == len(requests)


def test_quorum_ends_the_wait(tmp_path):
    store, requests = pushed_store(tmp_path, labeling={"quorum": 0.5})
    half = dict(sorted(requests.items())[:6])
    everyone_answers(tmp_path, half, truth)
    assert progress(store, backend_for(store.loop, None), KEY).complete


class TestSeeds:
    def store(self, tmp_path, lines):
        (tmp_path / "seed").mkdir()
        (tmp_path / "seed" / "seed.jsonl").write_text("".join(f"{json.dumps(item)}\n" for item in lines))
        training = {
            "factory": "include.factories:text_classifier",
            "seed_labels": str(tmp_path / "seed"),
            "seed_holdout_share": 0.5,
        }
        return make_store(tmp_path, training=training)

    def test_seeds_are_admitted_once_and_near_duplicates_share_a_split(self, tmp_path):
        lines = [
            {"input": {"text": f"{word}{n}"}, "label": "earn"}
            for n in (".", "!", " ...")
            for word in ("net", "profit", "wheat", "oil")
        ]
        store = self.store(tmp_path, lines)
        assert admit_seed_labels(store).admitted == 12
        assert admit_seed_labels(store) == SeedReport()
        splits = {(row["near_key"], row["split"]) for row in store.read("labels").to_pylist()}
        assert len(splits) == 4  # marks are no difference between near duplicates
        assert {row["origin"] for row in store.read("labels").to_pylist()} == {"seed"}

    @pytest.mark.parametrize(
        ("segments", "desk"), [({"desk": "eu"}, "eu"), ({"other": "eu"}, None), (None, None), ("eu", None)]
    )
    def test_seed_keeps_the_segments_that_the_loop_has(self, tmp_path, segments, desk):
        store = self.store(tmp_path, [{"input": {"text": "net"}, "label": "earn", "segments": segments}])
        assert admit_seed_labels(store).admitted == 1
        assert store.read("labels").column("segment_desk").to_pylist() == [desk]

    def test_bad_seeds_go_to_quarantine_with_reasons(self, tmp_path):
        store = self.store(
            tmp_path, [{"input": {"text": 3}, "label": "weather"}, {"input": {"text": "fine"}, "label": "earn"}]
        )
        assert admit_seed_labels(store).admitted == 1
        row = store.read("quarantine").to_pylist()[0]
        assert row["reason_code"] == "bad_seed"
        assert "weather" in row["reason"]
        assert "expected a string" in row["reason"]


class TestDatasets:
    def labeled(self, tmp_path):
        store, requests = pushed_store(tmp_path)
        everyone_answers(tmp_path, requests, truth)
        collect(store)
        validate_labels(store)
        return store, requests

    def test_published_dataset_is_read_back_as_it_was(self, tmp_path):
        store, requests = self.labeled(tmp_path)
        published = publish_dataset(store)
        dataset = read_dataset(store, published.subject)
        assert dataset.digest == published.digest
        assert dataset.train.num_rows + dataset.holdout.num_rows == len(requests)
        assert not set(dataset.train.column("content_key").to_pylist()) & set(
            dataset.holdout.column("content_key").to_pylist()
        )

    def test_publishing_without_change_is_nothing_to_do(self, tmp_path):
        store, _ = self.labeled(tmp_path)
        publish_dataset(store)
        with pytest.raises(NothingToDo, match="No label changed"):
            publish_dataset(store)

    def test_old_dataset_stays_readable_after_new_labels(self, tmp_path):
        store, _ = self.labeled(tmp_path)
        first = publish_dataset(store)
        digest = table_digest(read_dataset(store, first.subject).train)
        extra = store.read("labels").slice(0, 1).to_pylist()[0] | {
            "label_id": "new",
            "trace_id": "new",
            "content_key": "new",
        }
        store.append_new("labels", rows_of(store.loop, "labels", [extra]))
        second = publish_dataset(store)
        assert second.added == 1
        assert table_digest(read_dataset(store, first.subject).train) == digest

    def test_unknown_dataset_is_refused(self, tmp_path):
        with pytest.raises(ContractError, match="No dataset"):
            read_dataset(make_store(tmp_path), "0" * 16)

    def test_content_in_both_splits_is_held_out_not_trained_on(self, tmp_path):
        store, _ = self.labeled(tmp_path)
        holdout_row = next(row for row in store.read("labels").to_pylist() if row["split"] == "holdout")
        twin = holdout_row | {"label_id": "twin", "trace_id": "twin", "split": "train"}
        store.append_new("labels", rows_of(store.loop, "labels", [twin]))
        assert "twin" not in read_dataset(store, publish_dataset(store).subject).train.column("trace_id").to_pylist()
