"""Through a real Label Studio: each request once whoever dies when, and what people did with it, as they left it."""

import json
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from benchmarks import studio_chaos
from demo import label_studio_server
from demo.label_studio_server import LabelStudioServer, serving
from demo.loopback import free_port
from include.foundation.config.escalation_section import Escalation
from include.foundation.errors import ConfigError, LabelingError
from include.stages.labeling.answers_read import Watermark
from include.stages.labeling.backend_contract import HINT_HEADER, Answers, BackendConnection, LabelRequest, Webhook
from include.stages.labeling.backends import backend_for
from include.stages.labeling.label_studio import studio_backend
from include.stages.labeling.label_studio.studio_api import StudioClient
from include.stages.labeling.label_studio.studio_backend import LabelStudioBackend
from include.stages.labeling.label_studio.studio_project import known_project, project_for
from tests.builders import make_loop
from tests.conftest import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
TRACES = {f"r{number}": f"t{number}" for number in range(1000)}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that may send webhooks to this machine."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(label_studio_server.SETTINGS, "SSRF_PROTECTION_ENABLED", "false")
        with serving(LabelStudioServer(tmp_path_factory.mktemp("studio"), free_port())) as server:
            yield server


@pytest.fixture
def loop_on(server, tmp_path, request):
    """A loop whose project is this test's own; further keys of ``labeling`` may be given."""
    title = f"{request.node.name[:38]} {time.time() % 1e6:.0f}"[:50]
    return lambda **keys: make_loop(
        tmp_path, labeling={"backend": "label_studio", "uri": None, "project": title, **keys}
    )


def connection(server):
    return BackendConnection(server.url, server.token)


def asked(number, batch="day/1"):
    prelabel = {"label": "earn", "confidence": 0.61} if number % 2 else None
    return LabelRequest(f"r{number}", f"t{number}", {"text": f"Text {number}"}, prelabel, ["low margin"], 1, batch)


def test_each_tier_has_a_project_of_its_own(server, loop_on):
    loop = loop_on()
    tiers = Escalation.model_validate({"tiers": [{"name": "reviewer", "overlap": 2}]})
    page = "http://airflow/feedback-loop/wire"
    known = replace(connection(server), loop_page=page)
    backend: Any = backend_for(loop.model_copy(update={"escalation": tiers}), known)
    requests = [asked(1), replace(asked(2), tier=2)]
    backend.push(requests)
    first, second = backend.tiers[1], backend.tiers[2]
    assert [[task["data"]["request_id"] for task in tasks_in(each)] for each in (first, second)] == [["r1"], ["r2"]]
    project = known_project(second.loop, second.client)
    settings = second.client.get(f"/api/projects/{project.project_id}/")
    assert (settings["title"][-10:], settings["maximum_annotations"]) == (": reviewer", 2)
    assert settings["description"] == f"{second.loop.description} {page}"
    say(second, tasks_in(second)[0]["id"], "earn")
    answers = backend.answers(TRACES, {})
    assert [(answer.request_id, answer.label) for answer in answers.rows] == [("r2", "earn")]
    assert backend.existing(requests).keys() == {"r1", "r2"}


def test_without_tiers_readers_and_the_lead_have_projects_of_their_own(server, loop_on):
    backend: Any = backend_for(loop_on(overlap=2), connection(server))
    requests = [asked(1), replace(asked(2), tier=2), replace(asked(3), tier=3)]
    backend.push(requests)
    settings = []
    for number, tier in backend.tiers.items():
        assert [task["data"]["request_id"] for task in tasks_in(tier)] == [f"r{number}"]
        project = known_project(tier.loop, tier.client)
        found = tier.client.get(f"/api/projects/{project.project_id}/")
        settings.append((found["title"].rpartition(": ")[2], found["maximum_annotations"]))
    assert settings[1:] == [("reader", 3), ("lead", 1)]
    say(backend.tiers[3], tasks_in(backend.tiers[3])[0]["id"], None)
    answers = backend.answers(TRACES, {})
    assert [(answer.request_id, answer.label) for answer in answers.rows] == [("r3", None)]
    assert backend.existing(requests).keys() == {"r1", "r2", "r3"}


def tasks_in(backend):
    project = known_project(backend.loop, backend.client)
    page = backend.client.get("/api/tasks", project=project.project_id, fields="all", page_size=2000)
    return page["tasks"]


def say(backend, task, label, comment="because", **fields):
    value = (
        [{"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}] if label else []
    )
    said = {"from_name": "comment", "to_name": "text", "type": "textarea", "value": {"text": [comment]}}
    body = {"result": [*value, said] if label else [], "lead_time": 3.2, "was_cancelled": label is None}
    return backend.client.post(f"/api/tasks/{task}/annotations/", body | fields)


def test_request_becomes_one_task_that_shows_its_prelabel_or_none(server, loop_on):
    loop = loop_on(instructions="Choose.", definitions={"earn": "Profits & losses"}, overlap=2)
    backend = LabelStudioBackend(loop, connection(server))
    requests = [asked(number) for number in range(400)]
    assert backend.existing(requests) == {}
    backend.push(requests)
    pushed = backend.existing(requests)
    assert len(set(pushed.values())) == 400
    assert LabelStudioBackend(loop, connection(server)).existing(requests) == pushed
    tasks = tasks_in(backend)
    assert {task["data"]["request_id"]: str(task["id"]) for task in tasks} == pushed
    shown = {task["data"]["request_id"]: task["total_predictions"] for task in tasks}
    assert shown == {f"r{number}": number % 2 for number in range(400)}
    project = backend.client.get(f"/api/projects/{known_project(loop, backend.client).project_id}/")
    assert (project["maximum_annotations"], project["show_instruction"]) == (2, True)
    assert "Profits &amp; losses" in project["expert_instruction"]
    served = backend.client.get(f"/api/projects/{project['id']}/next")
    assert (served["data"]["about"]["why it is here"], served["predictions"]) == ("low margin", [])


def test_answers_edits_skips_and_deletions_are_followed_and_only_what_is_new_is_read(server, loop_on):
    backend = LabelStudioBackend(loop_on(), connection(server))
    backend.push([asked(number) for number in range(6)])
    tasks = backend.existing([asked(number) for number in range(6)])
    given = [say(backend, tasks[f"r{number}"], label) for number, label in enumerate(["earn", "acq", None, "weather"])]
    first = backend.answers(TRACES, {})
    assert {row.request_id: row.label for row in first.rows} == {"r0": "earn", "r1": "acq", "r2": None}
    assert {row.comment for row in first.rows if row.label} == {"because"}
    assert [line.problems[0].code for _, line in first.refused] == ["unknown_label"]
    assert {row.annotator for row in first.rows} == {"admin@localhost.localdomain"}
    backend.client.delete(f"/api/annotations/{given[0]['id']}/")
    result = [{**given[1]["result"][0], "value": {"choices": ["grain"]}}]
    backend.client.patch(f"/api/annotations/{given[1]['id']}/", {"result": result})
    (mark,) = first.read
    assert isinstance(mark, Watermark)
    later = replace(mark, changed_until=datetime.now(UTC).replace(year=2099))
    assert backend.answers(TRACES, {mark.source: later}) == Answers([])
    second = backend.answers(TRACES, {mark.source: mark})
    assert {row.request_id: row.label for row in second.rows} == {"r1": "grain", "r2": None}
    assert "r0" in {task.request_id for task in second.whole}
    (moved,) = second.read
    assert isinstance(moved, Watermark)
    assert mark.changed_until <= moved.changed_until <= datetime.now(UTC) - studio_backend.OVERLAP


def test_pages_are_read_to_their_end_and_each_task_once(server, loop_on, monkeypatch):
    backend = LabelStudioBackend(loop_on(), connection(server))
    backend.push([asked(number) for number in range(10)])
    monkeypatch.setattr(studio_backend, "PAGE", 3)
    assert {task.request_id for task in backend.answers(TRACES, {}).whole} == {f"r{number}" for number in range(10)}


def test_person_who_answers_in_anothers_name_is_who_answered(server, loop_on):
    backend = LabelStudioBackend(loop_on(), connection(server))
    backend.push([asked(0)])
    other = backend.client.post(
        "/api/users/", {"email": f"ben{time.time_ns()}@x.org", "username": f"b{time.time_ns()}"}
    )
    say(backend, backend.existing([asked(0)])["r0"], "earn", completed_by=other["id"])
    (row,) = backend.answers(TRACES, {}).rows
    assert (row.annotator, row.given_for) == ("admin@localhost.localdomain", other["email"])


def test_two_pushers_that_meet_leave_one_task_a_request(server, loop_on):
    requests = [asked(number) for number in range(50)]
    one, other = (LabelStudioBackend(loop_on(), connection(server)) for _ in range(2))
    assert one.existing(requests) == other.existing(requests) == {}
    threads = [threading.Thread(target=each.push, args=(requests,)) for each in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.existing(requests) == other.existing(requests)
    assert len(tasks_in(one)) == 50


def test_doubled_task_that_somebody_answered_is_the_one_that_stays(server, loop_on):
    one, other = (LabelStudioBackend(loop_on(), connection(server)) for _ in range(2))
    one.push([asked(0)])
    other.push([asked(0)])
    answered = max(task["id"] for task in tasks_in(one))
    say(one, answered, "earn")
    assert one.existing([asked(0)]) == {"r0": str(answered)}
    assert [task["id"] for task in tasks_in(one)] == [answered]


def test_import_whose_answer_was_lost_is_looked_up(server, loop_on, monkeypatch):
    backend = LabelStudioBackend(loop_on(), connection(server))
    project_for(backend.loop, backend.client)
    sent, send = [], StudioClient._sent

    def losing(client, method, path, arguments):
        answer = send(client, method, path, arguments)
        if path.endswith("/import"):
            sent.append(path)
            from include.stages.labeling.label_studio.studio_api import UnclearError

            raise UnclearError("lost")
        return answer

    monkeypatch.setattr(StudioClient, "_sent", losing)
    backend.push([asked(number) for number in range(20)])
    assert (len(sent), len(tasks_in(backend))) == (1, 20)


@pytest.mark.parametrize("personal", [False, True])
def test_either_kind_of_token_logs_in(server, personal):
    client = StudioClient(connection(server))
    token = server.token
    if personal:
        token = client.post("/api/token/", {})["token"]
        assert token.count(".") == 2
    LabelStudioBackend(
        make_loop(ROOT, labeling={"backend": "label_studio", "uri": None}), BackendConnection(server.url, token)
    ).existing([])


def test_wrong_token_and_wrong_address_are_told(server, loop_on):
    with pytest.raises(ConfigError, match="refused the token"):
        LabelStudioBackend(loop_on(), BackendConnection(server.url, "0" * 40)).existing([])
    with pytest.raises(ConfigError, match="Label Studio's address"):
        LabelStudioBackend(loop_on(), BackendConnection(f"{server.url}/nowhere", server.token)).existing([])
    with pytest.raises(LabelingError, match="cannot be reached"):
        LabelStudioBackend(loop_on(), BackendConnection(f"http://127.0.0.1:{free_port()}", server.token)).existing([])


def test_project_follows_the_loop_file_until_a_person_changes_it(server, loop_on):
    client = StudioClient(connection(server))
    first = project_for(loop_on(), client)
    project_for(loop_on(definitions={"earn": "Profits"}), client)
    config = client.get(f"/api/projects/{first.project_id}/")["label_config"]
    assert 'hint="Profits"' in config
    own = config.replace("<View>", '<View><Header value="Ours"/>')
    client.patch(f"/api/projects/{first.project_id}/", {"label_config": own})
    assert project_for(loop_on(), client).project_id == first.project_id
    assert "Ours" in client.get(f"/api/projects/{first.project_id}/")["label_config"]
    client.patch(f"/api/projects/{first.project_id}/", {"label_config": own.replace('<Choice value="acq"/>', "")})
    with pytest.raises(ConfigError, match="every class") as refused:
        project_for(loop_on(), client)
    assert refused.value.problems == ["label: without acq"]


def test_two_projects_of_one_title_are_refused(server, loop_on):
    client = StudioClient(connection(server))
    for _ in range(2):
        client.post("/api/projects/", {"title": loop_on().labeling.project})
    with pytest.raises(ConfigError, match="2 projects titled"):
        LabelStudioBackend(loop_on(), connection(server)).push([asked(0)])


def test_image_at_an_address_is_shown_and_chosen_about(server, loop_on, tmp_path):
    labeling = loop_on().labeling.model_dump(exclude_none=True, exclude={"uri"})
    inputs = {"text": {"type": "text", "image": True}}
    loop = make_loop(tmp_path, inputs=inputs, labeling={**labeling, "uri": None})
    backend = LabelStudioBackend(loop, connection(server))
    address = "https://photos.example/1.png"
    backend.push([replace(asked(1), input={"text": address})])
    project = known_project(loop, backend.client)
    parsed = backend.client.get(f"/api/projects/{project.project_id}/")["parsed_label_config"]["label"]
    assert [(each["type"], each["value"]) for each in parsed["inputs"]] == [("Image", "text")]
    (task,) = tasks_in(backend)
    assert (task["data"]["text"], task["data"]["row"]) == (address, {"text": address})
    say(backend, task["id"], "earn")
    assert [answer.label for answer in backend.answers(TRACES, {}).rows] == ["earn"]


def test_given_config_shows_what_it_likes_and_a_bad_one_is_refused(server, loop_on, tmp_path):
    choices = "".join(f'<Choice value="{name}"/>' for name in ("acq", "earn", "grain"))
    config = f'<View><Image name="photo" value="$text"/><Choices name="label" toName="photo">{choices}</Choices></View>'
    (tmp_path / "own.xml").write_text(config)
    backend = LabelStudioBackend(loop_on(config=str(tmp_path / "own.xml")), connection(server))
    backend.push([asked(1)])
    (task,) = backend.client.get(
        "/api/tasks", project=known_project(backend.loop, backend.client).project_id, fields="all"
    )["tasks"]
    assert task["predictions"][0]["result"][0]["to_name"] == "photo"
    (tmp_path / "own.xml").write_text("<View><Choices name='label'/></View>")
    bad = loop_on(config=str(tmp_path / "own.xml"), project=f"bad {time.time():.0f}")
    with pytest.raises(ConfigError, match="does not take the project"):
        LabelStudioBackend(bad, connection(server)).push([asked(1)])


@pytest.fixture
def receiver():
    """What takes webhooks: its address, and the path, the secret and the body of each that came."""
    came = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append((self.path, self.headers[HINT_HEADER], json.loads(body)))
            self.send_response(204)
            self.end_headers()

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}", came
    listening.shutdown()
    thread.join()
    listening.server_close()


def test_hint_of_every_change_comes_with_the_secret_and_says_nothing_else(server, loop_on, receiver):
    address, came = receiver
    webhook = Webhook(f"{address}/feedback-loop-hints/wire", "Zr8-wq1_Lx0PhT5y")
    backend = LabelStudioBackend(loop_on(), replace(connection(server), webhook=webhook))
    backend.push([asked(0)])
    answer = say(backend, backend.existing([asked(0)])["r0"], "earn")
    backend.client.patch(f"/api/annotations/{answer['id']}/", {"result": answer["result"]})
    backend.client.delete(f"/api/annotations/{answer['id']}/")
    actions = ["ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED"]
    assert came == [("/feedback-loop-hints/wire", webhook.secret, {"action": action}) for action in actions]


def test_project_has_one_webhook_which_follows_the_connection_and_stays_off_once_it_is(server, loop_on, monkeypatch):
    first = Webhook("https://old.example.org/feedback-loop-hints/wire", "Zr8-wq1_Lx0PhT5y")
    backend = LabelStudioBackend(loop_on(), replace(connection(server), webhook=first))
    project = project_for(backend.loop, backend.client).project_id
    taken = {"url": first.url, "project": project, "headers": {"By": "hand"}}
    backend.client.post("/api/webhooks/", taken)
    backend.client.post("/api/webhooks/", taken | {"headers": {HINT_HEADER: "another"}})
    theirs = backend.client.post("/api/webhooks/", taken | {"url": "https://theirs.example.org"})

    def ours():
        return [each for each in backend.client.get("/api/webhooks/", project=project) if each["id"] != theirs["id"]]

    backend.push([asked(0)])
    (webhook,) = ours()
    assert (webhook["headers"], webhook["send_payload"]) == ({HINT_HEADER: first.secret}, False)
    backend.client.patch(f"/api/webhooks/{webhook['id']}/", {"is_active": False, "actions": webhook["actions"]})
    backend.webhook = Webhook("https://new.example.org/feedback-loop-hints/wire", "q1-Zr8w_Lx0PhT5y")
    backend.push([asked(1)])
    (moved,) = ours()
    assert (moved["id"], moved["url"], moved["is_active"]) == (webhook["id"], backend.webhook.url, False)
    assert moved["headers"] == {HINT_HEADER: backend.webhook.secret}
    sent, send = [], StudioClient._sent
    monkeypatch.setattr(StudioClient, "_sent", lambda *call: sent.append(call[1:3]) or send(*call))
    backend.push([asked(2)])
    assert [method for method, path in sent if "webhooks" in path] == ["GET"]


def test_kills_of_client_and_server_neither_lose_nor_double(server, monkeypatch):
    monkeypatch.setattr(studio_chaos, "SERVER_EVERY", 3)
    monkeypatch.setattr(studio_chaos, "PER_ROUND", 3)
    told = studio_chaos.chaos(server, 6, seed=1)
    assert (told["doubled"], told["lost"]) == (0, 0)
