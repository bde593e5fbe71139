"""Airflow's API server takes hints of new answers from who has the secret, and tells nobody else anything."""

import asyncio
import json
import logging
from threading import Event

import pytest
import yaml
from fastapi.testclient import TestClient
from feedback_loop.ui import hints_app
from feedback_loop.ui.mounting import hint_address

from include.foundation.store.loop_files import names_in
from include.stages.labeling import hints
from include.stages.labeling.backend_contract import HINT_HEADER
from include.stages.labeling.hints import last_hint

SECRET = "Zr8-wq1_Lx0PhT5y"
BODY = {"action": "ANNOTATION_CREATED"}


@pytest.fixture(autouse=True)
def fresh():
    hints_app._secret.cache_clear()
    yield
    written()
    assert not hints_app._waiting


def written():
    """Wait until what was hinted is noted."""
    hints_app._writer.submit(int).result(30)


@pytest.fixture
def extra(monkeypatch, loop):
    """Give the loop called wire a project in Label Studio, and its connection an extra."""
    path = loop.folder / "loops" / "wire.yaml"
    raw = yaml.safe_load(path.read_text())
    raw["labeling"] = {"backend": "label_studio"}
    path.write_text(yaml.safe_dump(raw))

    def define(**fields):
        connection = {"conn_type": "http", "host": "studio", "password": "token", "extra": fields}
        monkeypatch.setenv("AIRFLOW_CONN_LABEL_STUDIO", json.dumps(connection))

    define(webhook_secret=SECRET)
    return define


@pytest.fixture
def send(api):
    def post(secret=SECRET, loop="wire", **options):
        headers = {} if secret is None else {HINT_HEADER: secret}
        client = TestClient(api, raise_server_exceptions=False)
        answer = client.post(hint_address(loop), headers=headers, **{"json": BODY, **options})
        written()
        return answer

    return post


@pytest.mark.usefixtures("extra")
class TestHint:
    def test_with_the_secret_is_noted_beside_the_tables_and_answered_with_nothing(self, send, loop):
        answer = send()
        assert (answer.status_code, answer.content) == (204, b"")
        first = last_hint(loop.store)
        assert first is not None
        send()
        assert last_hint(loop.store) not in (None, first)

    @pytest.mark.parametrize("secret", [None, "", SECRET[:-1], f"{SECRET}x", "sch\u00f6n".encode("latin-1"), "*"])
    def test_without_the_secret_there_is_nothing_to_be_found(self, send, loop, secret):
        answer = send(secret)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
        assert "labeling" not in names_in(loop.store, "")

    def test_what_cannot_be_hinted_at_looks_the_same(self, send, loop, extra, monkeypatch):
        refused = send("wrong")
        assert [send(loop=name).text for name in ("gone", "..%2fwire", "WIRE")] == [refused.text] * 3
        for fields in ({}, {"webhook_secret": ""}, {"webhook_secret": "weak"}, {"webhook_secret": [SECRET]}):
            extra(**fields)
            hints_app._secret.cache_clear()
            assert [send(secret).text for secret in (SECRET, "", "weak", "None")] == [refused.text] * 4
        monkeypatch.delenv("AIRFLOW_CONN_LABEL_STUDIO")
        hints_app._secret.cache_clear()
        assert send().text == refused.text
        assert "labeling" not in names_in(loop.store, "")

    def test_body_is_not_read_however_large_it_is(self, loop):
        async def never():
            raise AssertionError("the body was read")

        async def ask():
            sent = []

            async def keep(message):
                sent.append(message)

            headers = [(HINT_HEADER.lower().encode(), SECRET.encode()), (b"content-length", b"9999999999999")]
            scope = {"type": "http", "method": "POST", "path": "/wire", "headers": headers, "query_string": b""}
            await hints_app.app(scope, never, keep)
            return sent[0]["status"]

        assert asyncio.run(ask()) == 204
        written()
        assert last_hint(loop.store)

    def test_neither_secret_nor_body_is_logged(self, send, caplog, extra, monkeypatch):
        caplog.set_level(logging.DEBUG)
        send(json={"action": "hushhush"})
        monkeypatch.setenv("AIRFLOW_CONN_FEEDBACK_STORE", '{"conn_type": "generic"}')
        assert send().status_code == 204
        assert "is lost" in caplog.text
        extra(webhook_secret="secretsecretsecret")
        hints_app._secret.cache_clear()
        send("secretsecretsecret")
        assert "are refused" in caplog.text
        assert not [word for word in (SECRET, "hushhush", "secretsecret") if word in caplog.text]

    def test_secret_is_read_once_a_minute_at_most_and_then_anew(self, send, extra, monkeypatch):
        monkeypatch.setattr("time.monotonic", lambda: 60.0)
        assert send().status_code == 204
        extra(webhook_secret=SECRET[::-1])
        assert send().status_code == 204
        monkeypatch.setattr("time.monotonic", lambda: 120.0)
        assert [send().status_code, send(SECRET[::-1]).status_code] == [404, 204]

    def test_store_that_hangs_keeps_nobody_waiting_and_the_last_hint_is_noted_after_it(self, loop, monkeypatch):
        go_on, writing, leave, noted = Event(), Event(), hints.leave_hint, []

        def hang(store):
            writing.set()
            assert go_on.wait(30)
            leave(store)
            noted.append(last_hint(store))

        monkeypatch.setattr(hints, "leave_hint", hang)
        assert hints_app.hint("wire", SECRET).status_code == 204
        assert writing.wait(30)
        assert {hints_app.hint("wire", SECRET).status_code for _ in range(100)} == {204}
        go_on.set()
        written()
        assert len(set(noted)) == 2


@pytest.mark.usefixtures("loop")
def test_loop_whose_answers_are_files_takes_no_hints(send, monkeypatch):
    connection = {"conn_type": "http", "extra": {"webhook_secret": SECRET}}
    monkeypatch.setenv("AIRFLOW_CONN_LABEL_STUDIO", json.dumps(connection))
    assert send().status_code == 404
