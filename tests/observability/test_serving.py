from collections.abc import Iterator
from http.client import HTTPConnection
from socket import create_connection
from threading import Thread

import pytest
from prometheus_client import CollectorRegistry, Gauge

from observability.__main__ import main
from observability.serving import QuietHandler, server_of
from tests.include.stages.reports.conftest import Played

TOKEN = "a token of the test"


@pytest.fixture
def port() -> Iterator[int]:
    registry = CollectorRegistry()
    Gauge("answer", "Of the test.", registry=registry).set(42)
    with server_of(registry, "127.0.0.1", 0, TOKEN) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def get(port: int, path: str, authorization: str | None) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={} if authorization is None else {"Authorization": authorization})
    response = connection.getresponse()
    return response.status, response.read().decode()


def test_a_scrape_with_the_token_gets_the_metrics(port: int) -> None:
    status, text = get(port, "/metrics", f"Bearer {TOKEN}")
    assert status == 200
    assert "answer 42.0" in text


@pytest.mark.parametrize("path", ["/", "/metrics", "/favicon.ico", "/anything"])
@pytest.mark.parametrize(
    "sent", [None, "", "Bearer", "Bearer ", f"bearer {TOKEN}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "é" * 9000]
)
def test_whoever_does_not_send_it_gets_nothing(port: int, path: str, sent: str | None) -> None:
    assert get(port, path, sent) == (401, "")


def test_a_connection_that_says_nothing_does_not_keep_others_out(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuietHandler, "timeout", 0.2)
    with create_connection(("127.0.0.1", port)):
        assert get(port, "/metrics", f"Bearer {TOKEN}")[0] == 200


def test_it_does_not_serve_without_a_token(
    watched: Played, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("METRICS_TOKEN", "short")
    assert main(["--store", watched.store.uri, "--loop", "newswire"]) == 1
    assert "METRICS_TOKEN: got 5 characters, expected at least 16" in capsys.readouterr().err
