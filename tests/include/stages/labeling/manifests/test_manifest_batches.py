"""What a manifest says: text to read, the pre-label as an earlier job would have left it, and what leads answers back."""

import json
import re

import pytest

from include.stages.labeling.manifests.manifests_backend import ManifestsBackend
from tests.builders import DAY, make_loop
from tests.include.stages.labeling.platforms import OfManifests, ask

INPUTS = {
    "subject": {"type": "text"},
    "amount": {"type": "numeric", "required": False},
    "region": {"type": "categorical"},
    "points": {"type": "vector", "size": 2},
}


def written(vendor, *requests):
    vendor.backend.push(requests)
    return vendor.tasks()


def test_line_is_one_of_ground_truth_and_keeps_the_request(vendor):
    label, segments, said = {"label": "grain", "confidence": 0.625}, {"desk": "eu"}, ["report: wrong"]
    shown = ask(1, prelabel=label, model_version="7", ts=DAY, segments=segments, feedback=said)
    line, hidden = written(vendor, shown, ask(2, input={"text": "a\u2028b\nü"}))
    assert line == {
        "source": "story 1",
        "request_id": "r1",
        "trace_id": "t1",
        "tier": 1,
        "labels": ["acq", "earn", "grain"],
        "reasons": ["low margin"],
        "model_version": "7",
        "ts": "2026-03-10T00:00:00+00:00",
        "segments": {"desk": "eu"},
        "feedback": ["report: wrong"],
        "prelabel": "2",
        "prelabel-metadata": {
            "class-name": "grain",
            "confidence": 0.625,
            "type": "groundtruth/text-classification",
            "human-annotated": "no",
            "job-name": "7",
            "creation-date": "2026-03-10T00:00:00+00:00",
        },
    }
    assert hidden["source"] == "a\u2028b\nü"
    assert not [name for name in hidden if name.startswith("prelabel")]


def test_several_inputs_are_a_readable_text_with_the_fields_beside_it(tmp_path):
    vendor = OfManifests(make_loop(tmp_path, inputs=INPUTS, labeling={"backend": "manifests"}), {})
    fields = {"subject": "Wheat", "amount": 12.0, "region": "eu"}
    whole, partial = written(
        vendor,
        ask(1, input={**fields, "points": [1.0, 2.0]}),
        ask(2, input={"subject": "Corn", "amount": None, "region": "us", "points": [0.0, 0.0]}),
    )
    assert (whole["source"], whole["input"]) == ("subject: Wheat\namount: 12\nregion: eu", fields)
    assert partial["source"] == "subject: Corn\nregion: us"


def test_row_of_which_nothing_can_be_read_is_still_a_line(tmp_path):
    inputs = {"points": {"type": "vector", "size": 2}}
    vendor = OfManifests(make_loop(tmp_path, inputs=inputs, labeling={"backend": "manifests"}), {})
    assert written(vendor, ask(1, input={"points": [1.0, 2.0]}))[0]["source"] == "row t1"


def test_text_too_long_for_a_line_becomes_an_object(vendor):
    short, long = written(vendor, ask(1, input={"text": "é" * 20_000}), ask(2, input={"text": "é" * 20_001}))
    assert short["source"] == "é" * 20_000
    assert "source" not in long
    name = long["source-ref"].removeprefix(f"{vendor.uri}/requests/")
    assert vendor.files("requests")[name].decode() == "é" * 20_001


def test_input_that_names_an_object_is_a_text_as_any_other(vendor):
    """Inputs are what users send: none of them may have a worker shown what the job's role can read."""
    (line,) = written(vendor, ask(1, input={"text": "s3://payroll/march.csv"}))
    assert (line["source"], "source-ref" in line) == ("s3://payroll/march.csv", False)


def test_attribute_too_long_for_a_line_is_left_out(vendor):
    (line,) = written(vendor, ask(1, feedback=["x" * 20_001], assigned_to=["w1"]))
    assert ("feedback" in line, line["assigned_to"]) == (False, ["w1"])


def test_batches_and_tiers_have_manifests_of_their_own_with_label_categories(vendor):
    vendor.backend.push([ask(1), ask(2, tier=2), ask(3, batch_id="another"), ask(4)])
    names = {name for (name, _), _ in vendor.placed_tasks()}
    assert sorted(sum(name == each for (each, _), _ in vendor.placed_tasks()) for name in names) == [1, 1, 2]
    for name in names:
        categories = json.loads(vendor.files("requests")[name.replace(".manifest", ".labels.json")])
        assert categories == {
            "document-version": "2018-11-28",
            "labels": [{"label": "acq"}, {"label": "earn"}, {"label": "grain"}],
        }


@pytest.mark.parametrize("name", ["w", "mail_room", "a" * 63, "m-_", "x" * 39 + "_y"])
def test_name_of_a_manifest_can_be_that_of_a_job_and_of_its_successors(tmp_path, name):
    vendor = OfManifests(make_loop(tmp_path, name=name, labeling={"backend": "manifests"}), {})
    written(vendor, ask(1))
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,59}", vendor.job)  # 63 with -99 behind it


def test_requests_that_come_later_are_another_manifest_and_each_line_has_an_id(vendor):
    vendor.backend.push([ask(2), ask(1)])
    vendor.backend.push([ask(3)])
    there = ManifestsBackend(vendor.loop, {}).existing([ask(n) for n in (1, 2, 3, 4)])
    assert set(there) == {"r1", "r2", "r3"}
    assert len(set(there.values())) == 3
    assert there["r2"].endswith(".manifest:2")


def test_instructions_lie_beside_the_manifests(tmp_path):
    told = {"instructions": "Read to the end.", "definitions": {"earn": "Profits"}}
    vendor = OfManifests(make_loop(tmp_path, labeling={"backend": "manifests", **told}), {})
    vendor.backend.push([ask(1)])
    (name,) = [name for name in vendor.files("") if name.endswith("instructions.md")]
    assert all(text in vendor.files("")[name].decode() for text in ("Read to the end.", "Profits"))
