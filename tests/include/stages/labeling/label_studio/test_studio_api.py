"""How Label Studio is logged in to, what is tried again, and what a person is told."""

import json
from functools import partial
from types import SimpleNamespace

import httpx
import pytest

from include.foundation.errors import ConfigError, LabelingError
from include.stages.labeling.backend_contract import BackendConnection
from include.stages.labeling.label_studio import studio_api
from include.stages.labeling.label_studio.studio_api import StudioClient, UnclearError

PAGE = httpx.Response(404, html="<html><body>Oops</body></html>")
PERSONAL = "head.body.signature"


@pytest.fixture
def server(monkeypatch):
    """Answer requests with what is queued, or with what a function says; the requests are kept."""
    seen: list[tuple[str, str | None, bytes]] = []  # method, login and body

    def serving(*answers, token="legacy"):
        queue = list(answers)

        def handle(request):
            seen.append((request.method, request.headers.get("Authorization"), request.content))
            answer = queue.pop(0) if queue else httpx.Response(200, json={})
            if isinstance(answer, Exception):
                raise answer
            return answer

        client = partial(httpx.Client, transport=httpx.MockTransport(handle))
        monkeypatch.setattr(studio_api, "httpx", _Httpx(client))
        monkeypatch.setattr(studio_api, "PAUSES", (0.0, 0.0))
        return StudioClient(BackendConnection("http://studio", token))

    return SimpleNamespace(serving=serving, seen=seen)


class _Httpx:
    """The library with another client."""

    def __init__(self, client):
        self.Client = client

    def __getattr__(self, name):
        return getattr(httpx, name)


def logins(server):
    return [login for _, login, _ in server.seen]


def test_legacy_token_is_sent_as_it_is(server):
    server.serving(token="abc").get("/api/x")
    assert logins(server) == ["Token abc"]


def test_personal_token_is_exchanged_and_its_short_lived_one_kept(server):
    client = server.serving(httpx.Response(200, json={"access": "a1"}), token=PERSONAL)
    client.get("/api/x")
    client.get("/api/x")
    assert logins(server) == [None, "Bearer a1", "Bearer a1"]
    assert json.loads(server.seen[0][2]) == {"refresh": PERSONAL}


def test_short_lived_token_that_has_ended_is_exchanged_once_more(server):
    ended = httpx.Response(401, json={"detail": "expired"})
    access = [httpx.Response(200, json={"access": name}) for name in ("a1", "a2")]
    client = server.serving(access[0], httpx.Response(200, json={}), ended, access[1], token=PERSONAL)
    client.get("/api/x")
    client.get("/api/x")
    assert logins(server) == [None, "Bearer a1", "Bearer a1", None, "Bearer a2"]


def test_personal_token_that_is_refused_says_where_to_put_another(server):
    with pytest.raises(ConfigError, match="password of the connection"):
        server.serving(httpx.Response(401, json={"detail": "Token is blacklisted"}), token=PERSONAL).get("/api/x")


def test_connection_without_token_is_refused():
    with pytest.raises(ConfigError, match="no API token"):
        StudioClient(BackendConnection("http://studio", "  "))


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (httpx.Response(401, json={"detail": "Invalid token."}), ConfigError, "refused the token.*Invalid token"),
        (httpx.Response(404, json={"detail": "No Project matches"}), ConfigError, "has no /api/x"),
        (PAGE, ConfigError, "has no /api/x"),
        (httpx.Response(302, headers={"location": "https://studio/"}), ConfigError, "sends GET /api/x on to https"),
        (httpx.Response(200, html="<html>Welcome</html>"), ConfigError, "text/html.*expected JSON"),
        (
            httpx.Response(
                400, json={"detail": "Validation error", "validation_errors": {"label_config": ["bad tag"]}}
            ),
            LabelingError,
            "refused GET /api/x with 400: 'Validation error'.*bad tag",
        ),
        (httpx.Response(400, html="<html>Bad Request</html>"), LabelingError, "an HTML page"),
        (httpx.Response(500, json={"detail": "list index"}), UnclearError, "failed with 500"),
    ],
    ids=["token", "missing", "missing-page", "elsewhere", "no-api", "invalid", "too-long", "broken"],
)
def test_refusal_says_what_to_do(server, answer, error, words):
    with pytest.raises(error, match=words) as refused:
        server.serving(answer, token="the-token").get("/api/x")
    assert "the-token" not in str(refused.value)


def test_look_is_tried_again_where_the_server_is_busy_or_away(server):
    client = server.serving(httpx.Response(503), httpx.ReadError("gone"), httpx.Response(200, json={"a": 1}))
    assert client.get("/api/x") == {"a": 1}


def test_change_is_tried_again_only_if_the_server_cannot_have_seen_it(server):
    client = server.serving(httpx.ConnectError("refused"), httpx.Response(429), httpx.Response(201, json={"id": 1}))
    assert client.post("/api/x", {}) == {"id": 1}
    client = server.serving(httpx.ReadError("gone"))
    with pytest.raises(UnclearError, match="to its end"):
        client.post("/api/x", {})
    client = server.serving(httpx.Response(503))
    with pytest.raises(UnclearError, match="503"):
        client.post("/api/x", {})
    assert len(server.seen) == 5


def test_server_that_stays_away_is_named(server):
    with pytest.raises(LabelingError, match="http://studio cannot be reached"):
        server.serving(*[httpx.ConnectError("refused")] * 3).get("/api/x")


def test_deleting_what_is_gone_is_no_error(server):
    server.serving(httpx.Response(404, json={}), httpx.Response(204)).delete("/api/tasks/1/")
    assert [method for method, _, _ in server.seen] == ["DELETE"]


@pytest.mark.parametrize("answer", [[], {}, {"experiments": []}, 5, None])
def test_answer_of_another_service_is_told_from_label_studios(server, answer):
    with pytest.raises(ConfigError, match="expected results: is it Label Studio"):
        server.serving(httpx.Response(200, json=answer)).get("/api/projects/", "results")
    with pytest.raises(ConfigError, match=r"api/token/refresh.*is it Label Studio"):
        server.serving(httpx.Response(200, json=answer), token=PERSONAL).get("/api/projects/")
