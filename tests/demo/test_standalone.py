"""The private Airflow keeps to its own ports, processes and secrets."""

import os
import socket
import subprocess
import sys

import pytest

from demo.process_sessions import start_time
from demo.standalone import Standalone
from include.foundation.errors import ConfigError


def test_busy_port_is_refused_before_anything_starts(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        airflow = Standalone(home=tmp_path / "home", port=taken.getsockname()[1])
        with pytest.raises(ConfigError, match="taken by another process"):
            airflow.start()
    assert not (tmp_path / "home").exists()


def test_process_id_that_now_belongs_to_another_is_never_stopped(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    try:
        (tmp_path / "pid").write_text(f"{child.pid} 12345 8080")
        airflow = Standalone(home=tmp_path)
        assert airflow.running() is None
        assert airflow.running_port() is None
        assert not airflow.stop()
        assert child.poll() is None
        (tmp_path / "pid").write_text(f"{child.pid} {start_time(child.pid)} 9000")
        assert airflow.running() == child.pid
        assert airflow.running_port() == 9000
        assert airflow.stop()
        assert child.wait(10) != 0
    finally:
        child.kill()
        child.communicate()


@pytest.mark.parametrize("content", [None, "", "no number", "1", "1 2"])
def test_missing_or_broken_pid_file_means_not_running(tmp_path, content):
    if content is not None:
        (tmp_path / "pid").write_text(content)
    assert Standalone(home=tmp_path).running() is None


def test_secrets_are_made_once_long_and_readable_by_the_owner_only(tmp_path):
    first, second = Standalone(home=tmp_path), Standalone(home=tmp_path)
    assert first.password == second.password
    environment = first.environment()
    assert len(environment["AIRFLOW__API_AUTH__JWT_SECRET"]) >= 64
    for path in (tmp_path / "secrets").iterdir():
        assert path.stat().st_mode & 0o077 == 0
    assert first.password not in repr(first)


def test_environment_binds_to_loopback_without_telemetry_or_examples(tmp_path):
    environment = Standalone(home=tmp_path, port=9000).environment()
    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert environment["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:9000"
    assert environment["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert environment["DO_NOT_TRACK"] == "1"
    assert "@127.0.0.1:9001/" in environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    assert "ALL_ADMINS" not in " ".join(environment)
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert os.environ["AIRFLOW_HOME"] != environment["AIRFLOW_HOME"]
