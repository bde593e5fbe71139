"""What comes back is read once: every worker's answer, else the label that was made of them; the rest is refused or named."""

import json
import os
from datetime import timedelta

import pytest

from include.foundation.store.ledgers.annotations import Annotation, newest_of_each
from include.stages.labeling.collecting import collect_annotations
from include.stages.labeling.pushing import push_requests
from tests.builders import DAY, KEY
from tests.include.stages.labeling.platforms import OfManifests, ask, asked, augmented, response

REQUESTS = {f"r{number}": f"t{number}" for number in range(4)}


@pytest.fixture
def pushed(vendor):
    vendor.backend.push([ask(number) for number in range(4)])
    return vendor


def look(vendor, *before):
    """Return what is new since earlier looks."""
    read = {mark.source: mark for answers in before for mark in answers.read}
    return vendor.backend.answers(REQUESTS, read)


def said(answers):
    return sorted((row.request_id, row.annotator, row.label) for row in answers.rows)


def codes(answers):
    return [line.problems[0].code for _, line in answers.refused]


def test_every_worker_is_an_annotator(pushed):
    pushed.respond(pushed.job, 1, response("w1", "earn", DAY), response("w2", "acq", DAY + timedelta(seconds=1)))
    pushed.respond(pushed.job, 1, response("w3", None, DAY))
    first = look(pushed)
    assert said(first) == [("r1", "w1", "earn"), ("r1", "w2", "acq"), ("r1", "w3", None)]
    assert {row.lead_time_seconds for row in first.rows} == {4.25}
    assert {row.created_at for row in first.rows} == {DAY, DAY + timedelta(seconds=1)}
    assert look(pushed, first).rows == []


def test_only_responses_since_the_last_look_are_read_and_all_if_older_ones_come_late(pushed, monkeypatch):
    pushed.respond(pushed.job, 0, response("w1", "earn", DAY))
    pushed.respond(pushed.job, 1, response("w1", "earn", DAY))
    folder = f"{pushed.job}/annotations/worker-response/iteration-1"
    pushed.age(f"{folder}/0/2026-03-10_09:00:00.json", 86_400)
    first = look(pushed)
    pushed.respond(pushed.job, 2, response("w1", "acq", DAY))
    second = look(pushed, first)
    assert [row.request_id for row in second.rows] == ["r1", "r2"]  # r1 within a minute of the last look's newest
    pushed.respond(pushed.job, 3, response("w1", "acq", DAY))
    pushed.age(f"{folder}/3/2026-03-10_09:00:00.json", 3600)  # copied with its time
    third = look(pushed, first, second)
    assert [row.request_id for row in third.rows] == ["r0", "r1", "r2", "r3"]
    assert look(pushed, first, second, third).rows == []
    assert [len(answers.read) for answers in (first, second, third)] == [1, 1, 1]


def test_half_a_response_is_read_once_it_is_whole(pushed):
    pushed.respond(pushed.job, 0, response("w1", "earn", DAY))
    name = f"{pushed.job}/annotations/worker-response/iteration-1/1/a.json"
    pushed.write(name, json.dumps({"answers": [response("w2", "acq", DAY)]})[:-9])
    first = look(pushed)
    assert (said(first), first.refused) == ([("r0", "w1", "earn")], [])
    pushed.write(name, json.dumps({"answers": [response("w2", "acq", DAY)]}))
    second = look(pushed, first)
    assert ("r1", "w2", "acq") in said(second)
    assert look(pushed, first, second).rows == []


def test_what_is_no_file_is_named(pushed):
    place = pushed.path(f"{pushed.job}/annotations/worker-response/iteration-1/0")
    place.mkdir(parents=True)
    os.mkfifo(place / "a.json")
    (place / "b.json").symlink_to("nowhere")
    pushed.path("c.manifest").mkdir()
    answers = look(pushed)
    assert (answers.rows, answers.refused) == ([], [])
    assert [text.rpartition("/")[2].split()[0] for text in sorted(answers.passed_over)] == [
        "c.manifest",
        "a.json",
        "b.json",
    ]


def test_label_counts_as_the_vendors_answer_only_where_no_worker_is_known(pushed):
    pushed.respond(pushed.job, 0, response("w1", "acq", DAY))
    pushed.label(pushed.job, r0="earn", r1="grain")
    answers = look(pushed)
    assert said(answers) == [("r0", "w1", "acq"), ("r1", "vendor", "grain")]
    assert (answers.refused, answers.passed_over) == ([], [])
    (label,) = [row for row in answers.rows if row.annotator == "vendor"]
    assert label.comment == "consolidated with confidence 0.8"


def test_label_that_came_before_its_workers_answers_gives_way_to_them(tmp_path):
    store = asked(tmp_path, number=3, backend="manifests")
    vendor = OfManifests(store.loop, {})
    push_requests(store, vendor.backend)
    first, second, _ = (task["request_id"] for task in vendor.tasks())
    vendor.label(vendor.job, **{first: "earn", second: "grain"})
    assert collect_annotations(store, vendor.backend, KEY).new == 2
    vendor.respond(vendor.job, 0, response("w1", "acq", DAY))
    for new in (2, 0):
        assert collect_annotations(store, vendor.backend, KEY).new == new
    rows = newest_of_each(Annotation(**row) for row in store.read("annotations").to_pylist())
    assert {(row.request_id, row.label) for row in rows} == {(first, "acq"), (second, "grain")}


def test_manifest_that_grows_is_read_anew_and_only_then(pushed):
    pushed.label(pushed.job, r0="earn")
    first = look(pushed)
    assert said(first) == [("r0", "vendor", "earn")]
    assert look(pushed, first).read == []
    pushed.label(pushed.job, r0="earn", r3="acq")
    second = look(pushed, first)
    assert said(second) == [("r0", "vendor", "earn"), ("r3", "vendor", "acq")]
    assert second.rows[0] == first.rows[0]  # so that it is stored once


def test_vendors_file_in_an_order_of_its_own_gives_way_to_responses_by_request(pushed):
    pushed.respond(pushed.job, 0, response("w1", "acq", DAY))
    lines = [{"trace_id": "t3", **augmented("earn")}, {"trace_id": "t0", **augmented("weather")}]
    pushed.write(f"{pushed.job}.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    answers = look(pushed)
    assert said(answers) == [("r0", "w1", "acq"), ("r3", "vendor", "earn")]
    assert answers.refused == []


def test_job_that_was_started_again_answers_the_same_requests(pushed):
    pushed.respond(f"{pushed.job}-2", 3, response("w1", "earn", DAY))
    assert said(look(pushed)) == [("r3", "w1", "earn")]


def test_responses_of_a_job_of_another_name_wait_for_its_output_manifest(pushed):
    pushed.respond("march", 2, response("w1", "earn", DAY))
    first = look(pushed)
    assert (first.rows, first.read) == ([], [])
    assert "march has 1 responses" in first.passed_over[0]
    lines = pushed.files("requests")[f"{pushed.job}.manifest"].decode()
    pushed.write("march/manifests/output/output.manifest", lines)
    assert said(look(pushed, first)) == [("r2", "w1", "earn")]


def test_vendor_may_return_a_plain_file_and_what_ground_truth_keeps_beside_is_passed_over(pushed):
    pushed.write("from-vendor/april.jsonl", json.dumps({"trace_id": "t2", **augmented("earn")}) + "\n")
    pushed.respond(pushed.job, 0, response("w1", "acq", DAY))
    pushed.write(f"{pushed.job}/annotations/intermediate/1/annotations.manifest", "{}\n")
    pushed.write(f"{pushed.job}/annotations/consolidated-annotation/consolidation-request/a.json", "{}\n")
    pushed.write("readme.txt", "hello")
    pushed.write(".april.jsonl.part", "{")
    answers = look(pushed)
    assert said(answers) == [("r0", "w1", "acq"), ("r2", "vendor", "earn")]
    assert [text.split()[0] for text in answers.passed_over] == [".april.jsonl.part", "readme.txt"]


@pytest.mark.parametrize(
    ("content", "label"),
    [
        ({"label": "earn"}, "earn"),
        ({"label": {"label": "earn"}}, "earn"),
        ({"crowd-classifier-multi-select": {"labels": ["earn"]}}, "earn"),
        ({"choice": {"acq": False, "earn": True, "grain": False}}, "earn"),
        ({"crowd-classifier": {"label": "earn"}, "comment": "sure"}, "earn"),
        (json.dumps({"crowd-classifier": {"label": " earn"}}), "earn"),
        ({"label": None}, None),
    ],
    ids=str,
)
def test_choice_is_found_wherever_a_template_puts_it(pushed, content, label):
    pushed.respond(pushed.job, 0, response("w1", "acq", DAY, answerContent=content))
    assert said(look(pushed)) == [("r0", "w1", label)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"answerContent": None}, "unknown_label"),
        ({"answerContent": {}}, "unknown_label"),
        ({"answerContent": []}, "unknown_label"),
        ({"answerContent": "earn"}, "unknown_label"),
        ({"answerContent": {"a": {"labels": ["earn", "acq"]}}}, "unknown_label"),
        ({"answerContent": {"a": {"label": "earn"}, "b": {"label": "acq"}}}, "unknown_label"),
        ({"answerContent": {"a": {"label": ["earn"]}}}, "unknown_label"),
        ({"answerContent": {"a": {"label": "weather"}}}, "unknown_label"),
        ({"workerId": None}, "missing_field"),
        ({"workerId": {"sub": "x"}}, "wrong_type"),
        ({"submissionTime": "soon"}, "bad_timestamp"),
        ({"submissionTime": ["soon"]}, "bad_timestamp"),
        ({"timeSpentInSeconds": -1}, "wrong_type"),
        ({"timeSpentInSeconds": 1e300}, "wrong_type"),
    ],
    ids=str,
)
def test_odd_response_is_refused_and_the_others_are_taken(pushed, change, code):
    pushed.respond(pushed.job, 0, response("w1", "acq", DAY), response("w2", "earn", DAY, **change))
    answers = look(pushed)
    assert said(answers) == [("r0", "w1", "acq")]
    assert codes(answers) == [code]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"answers": 1}', '{"answers": ["w1"]}', '{"a": 1}', '{"answers": [', "\udcff", '["workerId w1"]'],
)
def test_file_that_is_no_response_is_refused_without_its_text_once_it_is_old(pushed, text, monkeypatch):
    name = f"{pushed.job}/annotations/worker-response/iteration-1/0/a.json"
    pushed.write(name, "x")
    path = pushed.path(name)
    path.write_bytes(text.encode(errors="surrogateescape"))
    pushed.age(name)
    answers = look(pushed)
    assert (len(answers.refused), answers.rows) == (1, [])
    assert "w1" not in str(answers.refused)
    assert look(pushed, answers).refused == []


def test_object_that_no_manifest_has_is_refused(pushed):
    pushed.respond(pushed.job, 7, response("w1", "acq", DAY))
    assert codes(look(pushed)) == ["unknown_request"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"request_id": "nobody", **augmented("earn")}, "unknown_request"),
        ({**augmented("earn")}, "unknown_request"),
        ({"request_id": "r0", **augmented("weather")}, "unknown_label"),
        ({"request_id": "r0", **augmented("earn", **{"human-annotated": "no"})}, "no_person"),
        ({"request_id": "r0", **augmented("earn", **{"creation-date": 7})}, "bad_timestamp"),
        ({"request_id": "r0", **augmented("earn"), "b": 1, "b-metadata": {"class-name": "acq"}}, "several_labels"),
        ({"request_id": "r0", "label": "7", "label-metadata": {"human-annotated": "yes"}}, "unknown_label"),
        ({"request_id": "r0", "label": None, "label-metadata": {"human-annotated": "yes"}}, "unknown_label"),
        (
            {"request_id": "r0", "label": [0, 1], "label-metadata": {"class-map": {"0": "earn", "1": "acq"}}},
            "no_person",
        ),
        ([], "not_object"),
    ],
    ids=str,
)
def test_odd_line_of_a_manifest_is_refused_and_the_others_are_taken(pushed, line, code):
    good = {"request_id": "r1", **augmented("earn")}
    pushed.write("a.manifest", "".join(json.dumps(each) + "\n" for each in (good, line, {"request_id": "r2"}, good)))
    answers = look(pushed)
    assert {row.request_id for row in answers.rows} == {"r1"}
    assert codes(answers) == [code]
    assert answers.refused[0][1].number == 2


@pytest.mark.parametrize(
    ("label", "metadata"),
    [("1", {}), (1, {}), ([1], {"class-map": {"1": "earn"}})],
    ids=["number-as-text", "number", "class-map"],
)
def test_label_may_be_a_number_of_the_label_categories_or_of_a_class_map(pushed, label, metadata):
    given = {"human-annotated": "yes", "creation-date": "2026-03-10T09:00:00.000201", **metadata}
    line = {"request_id": "r0", "label": label, "label-metadata": given}
    pushed.write(f"{pushed.job}/manifests/output/output.manifest", json.dumps(line))
    assert said(look(pushed)) == [("r0", "vendor", "earn")]


def test_prelabel_and_references_to_responses_are_no_answers(vendor):
    vendor.backend.push([ask(0, prelabel={"label": "earn", "confidence": 0.5})])
    line = vendor.tasks()[0] | {"label": {}, "label-metadata": {"worker-response-ref": "s3://loops/a.json"}}
    vendor.write(f"{vendor.job}/manifests/output/output.manifest", json.dumps(line))
    answers = look(vendor)
    assert (answers.rows, answers.refused, len(answers.read)) == ([], [], 1)


def test_half_a_line_and_half_a_response_wait_for_the_rest(pushed):
    good = json.dumps({"request_id": "r1", **augmented("earn")}) + "\n"
    pushed.write("a.manifest", good + '{"request_id": ')
    pushed.write(f"{pushed.job}/annotations/worker-response/iteration-1/0/a.json", '{"answers": [')
    first = look(pushed)
    assert (said(first), first.refused, first.read) == ([("r1", "vendor", "earn")], [], [])
    pushed.age("a.manifest")
    assert codes(look(pushed, first)) == ["not_json"]
