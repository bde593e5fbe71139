"""Each tier has a project of its own."""

from dataclasses import replace

import pytest

from include.stages.labeling.backend_contract import Answers, LabelRequest
from include.stages.labeling.files_backend import FilesBackend
from include.stages.labeling.tiered_backend import TieredBackend, as_tier_sees_it
from tests.builders import make_loop

REQUESTS = [LabelRequest(f"r{tier}", f"t{tier}", {"text": "x"}, None, ["why"], tier, "day") for tier in (1, 2, 3)]


@pytest.fixture
def loop(tmp_path):
    tiers = [{"name": "reviewer", "project": "Second desk"}, {"name": "expert", "overlap": 2}]
    labeling = {"project": "First desk", "backend": "label_studio", "uri": None}
    return make_loop(tmp_path, labeling=labeling, escalation={"tiers": tiers})


@pytest.fixture
def backend(loop, tmp_path):
    """Tiers whose projects are folders."""

    def in_folder(own):
        labeling = own.labeling.model_copy(update={"uri": str(tmp_path / own.labeling.project)})
        return FilesBackend(own.model_copy(update={"labeling": labeling}))

    return TieredBackend(loop, in_folder)


def test_tier_sees_its_own_project_and_overlap(loop):
    seen = [as_tier_sees_it(loop, number).labeling for number in (1, 2, 3)]
    assert [(labeling.project, labeling.overlap) for labeling in seen] == [
        ("First desk", 3), ("Second desk", 1), ("First desk: expert", 2),
    ]  # fmt: skip


def test_titles_are_never_too_long(tmp_path):
    labeling = {"project": "x" * 50, "backend": "label_studio", "uri": None}
    loop = make_loop(tmp_path, labeling=labeling, escalation={"tiers": [{"name": "y" * 60}]})
    assert loop.tier_project(2) == "x" * 18 + ": " + "y" * 30


def test_each_request_is_in_the_project_of_its_tier(backend, tmp_path):
    backend.push(REQUESTS)
    for request, title in zip(REQUESTS, ("First desk", "Second desk", "First desk: expert"), strict=True):
        [path] = (tmp_path / title / "requests").glob("*.jsonl")
        assert f'"{request.request_id}"' in path.read_text()
    assert backend.existing(REQUESTS).keys() == {"r1", "r2", "r3"}
    assert backend.existing([replace(REQUESTS[0], tier=2)]) == {}
    assert backend.existing([]) == {}


def test_tier_that_is_gone_is_the_last_one(backend):
    backend.push([replace(REQUESTS[2], tier=7)])
    assert backend.tiers[3].existing(REQUESTS).keys() == {"r3"}


def test_answers_of_all_tiers_are_read(backend, tmp_path):
    assert backend.answers({}, {}) == Answers([])
    for title, request in (("First desk", "r1"), ("First desk: expert", "r3")):
        folder = tmp_path / title / "answers"
        folder.mkdir(parents=True)
        line = f'{{"request_id": "{request}", "annotator": "ada", "label": "earn", "created_at": "2026-03-12T08:00:00Z"}}\n'
        (folder / f"{request}.jsonl").write_text(line)
    answers = backend.answers({"r1": "t1", "r3": "t3"}, {})
    assert {answer.request_id for answer in answers.rows} == {"r1", "r3"}
    assert len(answers.read) == 2
