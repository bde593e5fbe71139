"""MLflow opens where its connection says; what is shown of it has no login in it."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from feedback_loop.hooks.model_registry_hook import ModelRegistryHook

from include.foundation.errors import ConfigError
from tests.include.stages.training.challenger_builders import migrate_template


class TrackingServer(ThreadingHTTPServer):
    """Answers as an MLflow server does to a version and to a search of experiments, or with another status."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    server: TrackingServer

    def do_GET(self):
        self.answer(b"3.17.2" if self.path == "/version" else b'{"experiments": []}')

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(b'{"experiments": []}')

    def answer(self, body):
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server():
    made = TrackingServer()
    yield made
    made.shutdown()
    made.server_close()


def test_registry_opens_where_the_connection_says(define):
    define("mlflow", conn_type="generic", extra={"tracking_uri": "http://tracking:5000"})
    assert ModelRegistryHook("newswire").get_conn().tracking_uri == "http://tracking:5000"
    define("other", conn_type="generic", extra={"tracking_uri": "sqlite:////tmp/m.db"})
    assert ModelRegistryHook("newswire", mlflow_conn_id="other").get_conn().tracking_uri == "sqlite:////tmp/m.db"


def test_connection_without_a_tracking_uri_says_what_is_missing(define):
    define("mlflow", conn_type="generic")
    with pytest.raises(ConfigError, match="no 'tracking_uri'"):
        ModelRegistryHook("newswire").get_conn()


@pytest.mark.parametrize(
    ("extra", "shown"),
    [
        ({"tracking_uri": "https://ann:secret@tracking:5000/"}, "https://tracking:5000"),
        ({"tracking_uri": "http://mlflow:5000", "ui_uri": "https://ml.example/mlflow"}, "https://ml.example/mlflow"),
        ({"tracking_uri": "sqlite:////tmp/m.db"}, None),
        ({"tracking_uri": "sqlite:////tmp/m.db", "ui_uri": "javascript:alert(1)"}, None),
    ],
    ids=["login", "another-address", "no-server", "no-address"],
)
def test_address_for_browsers_is_a_web_address_without_a_login(define, extra, shown):
    define("mlflow", conn_type="generic", extra=extra)
    assert ModelRegistryHook("newswire").ui_uri == shown


class TestTestConnection:
    def test_database_that_is_not_there_yet_is_not_made(self, define, tmp_path):
        define("mlflow", conn_type="generic", extra={"tracking_uri": f"sqlite:///{tmp_path}/m.db"})
        works, said = ModelRegistryHook("newswire").test_connection()
        assert works, said
        assert "made on first use" in said
        assert list(tmp_path.iterdir()) == []

    def test_database_answers(self, define, tmp_path):
        template = migrate_template(tmp_path)
        define("mlflow", conn_type="generic", extra={"tracking_uri": f"sqlite:///{template}"})
        assert ModelRegistryHook("newswire").test_connection() == (True, f"sqlite:///{template} answers: its database")

    def test_folder_that_cannot_be_written_to_fails_it(self, define, tmp_path):
        (tmp_path / "file").touch()
        define("mlflow", conn_type="generic", extra={"tracking_uri": f"sqlite:///{tmp_path}/file/m.db"})
        works, said = ModelRegistryHook("newswire").test_connection()
        assert not works
        assert str(tmp_path / "file") in said

    def test_server_answers_with_its_version_and_the_login_is_not_shown(self, define, server):
        place = f"127.0.0.1:{server.server_port}"
        define("mlflow", conn_type="generic", extra={"tracking_uri": f"http://ann:hushhush@{place}"})
        works, said = ModelRegistryHook("newswire").test_connection()
        assert (works, said) == (True, f"http://{place} answers: MLflow 3.17.2")

    @pytest.mark.parametrize("status", [401, 404, 500])
    def test_refusal_of_the_server_is_told_at_once(self, define, server, status):
        server.status = status
        define(
            "mlflow", conn_type="generic", extra={"tracking_uri": f"http://a:hushhush@127.0.0.1:{server.server_port}"}
        )
        works, said = ModelRegistryHook("newswire").test_connection()
        assert not works
        assert str(status) in said
        assert "hushhush" not in said

    def test_server_that_does_not_listen_is_told_at_once(self, define):
        define("mlflow", conn_type="generic", extra={"tracking_uri": "http://a:hushhush@127.0.0.1:9"})
        works, said = ModelRegistryHook("newswire").test_connection()
        assert (works, said) == (False, "http://127.0.0.1:9 does not answer: ConnectError")
