"""The local Label Studio: what it refuses to start with, and what the started one is."""

import socket
import stat

import httpx
import pytest

from demo import label_studio_server
from demo.label_studio_server import LabelStudioServer, serving
from demo.loopback import free_port
from include.foundation.errors import ConfigError, FeedbackLoopError


def test_one_that_is_not_installed_says_what_installs_it(tmp_path):
    with pytest.raises(ConfigError, match="make label-studio"):
        LabelStudioServer(tmp_path / "home", free_port(), tmp_path).start()


def test_port_that_is_taken_is_refused_before_anything_is_made(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ConfigError, match="taken"):
            LabelStudioServer(tmp_path / "home", other.getsockname()[1], tmp_path).start()
    assert not (tmp_path / "home").exists()


def test_token_is_its_homes_own_and_as_label_studio_takes_it(tmp_path):
    one, other = (LabelStudioServer(tmp_path / name).token for name in "ab")
    assert LabelStudioServer(tmp_path / "a").token == one != other
    assert (len(one), set(one) <= set("0123456789abcdef")) == (40, True)
    assert one not in repr(LabelStudioServer(tmp_path / "a"))
    (file,) = (tmp_path / "a" / "secrets").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_server_is_told_nothing_of_this_process(tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_FEEDBACK_STORE", "secret")
    program = tmp_path / "venv" / "bin" / "label-studio"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nenv\nexit 3\n")
    program.chmod(0o700)
    (tmp_path / "template").mkdir()
    with pytest.raises(FeedbackLoopError, match="ended while starting") as ended:
        LabelStudioServer(tmp_path / "home", free_port(), tmp_path).start()
    assert "AIRFLOW" not in str(ended.value)
    assert (tmp_path / "home" / "data").is_dir()


def test_tables_that_cannot_be_made_leave_no_half_of_them(tmp_path):
    program = tmp_path / "venv" / "bin" / "label-studio"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho no room left; exit 1\n")
    program.chmod(0o700)
    with pytest.raises(FeedbackLoopError, match="no room left"):
        label_studio_server.make_template(tmp_path)
    assert not (tmp_path / "template").exists()


@pytest.mark.integration
@pytest.mark.timeout(300)
def test_started_one_knows_its_user_by_token_and_by_password_and_stops(tmp_path):
    server = LabelStudioServer(tmp_path / "home", free_port())
    with serving(server):
        headers = {"Authorization": f"Token {server.token}"}
        assert (
            httpx.get(f"{server.url}/api/current-user/whoami", headers=headers).json()["email"]
            == label_studio_server.USER
        )
        with httpx.Client(base_url=server.url) as browser:
            browser.get("/user/login/")
            form = {"email": label_studio_server.USER, "password": server.password}
            form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
            assert browser.post("/user/login/", data=form).status_code == 302
        assert httpx.get(f"{server.url}/api/projects/").status_code == 401
        assert server.token not in server.log.read_text()
        assert server.password not in server.log.read_text()
        open_to_others = [path for path in server.home.rglob("*") if path.stat().st_mode & 0o077]
        assert open_to_others == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)
