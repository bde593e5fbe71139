"""The demo's people in a real Label Studio: they sign up, take the tasks that it hands them, and answer each once."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from demo import studio_annotators
from demo.annotators import ERROR_RATES
from demo.label_studio_server import LabelStudioServer, serving
from demo.loopback import free_port
from demo.studio_annotators import StudioAnnotators
from include.stages.labeling.backend_contract import BackendConnection, LabelRequest
from include.stages.labeling.label_studio.studio_backend import LabelStudioBackend
from tests.builders import make_loop

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def test_three_people_answer_what_they_are_handed_and_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(studio_annotators, "SKIPPED", 0.2)
    monkeypatch.setattr(studio_annotators, "EDITED", 0.3)
    loop = make_loop(tmp_path, labeling={"backend": "label_studio", "uri": None})
    with serving(LabelStudioServer(tmp_path / "studio", free_port())) as server:
        backend = LabelStudioBackend(loop, BackendConnection(server.url, server.token))
        traces = {f"r{number}": f"t{number}" for number in range(8)}
        backend.push(
            [LabelRequest(key, trace, {"text": key}, None, [], 1, "day") for key, trace in traces.items()],
        )
        people = StudioAnnotators(loop, dict.fromkeys(traces.values(), "earn"), server)
        given = 0
        while answered := people.answer_open():
            given += answered
        answers = backend.answers(traces, {}).rows
        people.close()
    assert given == len(answers) == 24
    assert Counter(answer.request_id for answer in answers) == dict.fromkeys(traces, 3)
    assert {answer.annotator.split("@")[0] for answer in answers} == set(ERROR_RATES)
    said = {(answer.annotator.split("@")[0], answer.request_id): answer.label for answer in answers}
    for (name, request_id), label in said.items():
        assert label in (None, people.says(name, request_id, traces[request_id]))
    assert None in said.values()
    assert all(answer.lead_time_seconds and answer.created_at < datetime.now(UTC) for answer in answers)
