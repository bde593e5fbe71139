import json

import pytest
import yaml
from moto.server import ThreadedMotoServer

from tests.builders import make_loop


@pytest.fixture
def define(monkeypatch):
    """Define an Airflow connection as users do: in the environment of the process."""

    def set_variable(conn_id, **fields):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))

    return set_variable


@pytest.fixture
def loop_file(monkeypatch, tmp_path):
    """Write the file of the loop called wire, with overrides of its sections, into a folder of its own."""
    folder = tmp_path / "loops"
    folder.mkdir()
    monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(folder))

    def write(**overrides):
        loop = make_loop(tmp_path, **overrides)
        (folder / "wire.yaml").write_text(yaml.safe_dump(loop.model_dump(mode="json", exclude_unset=True)))
        return loop

    write()
    return write


@pytest.fixture(scope="module")
def aws():
    """Address of a real HTTP server that speaks S3 and STS."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def no_aws_environment(monkeypatch, tmp_path):
    """Let nothing of the machine's own AWS settings reach a test."""
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_DEFAULT_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("CONFIG_FILE", "SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(f"AWS_{name}", str(tmp_path / name.lower()))
    return tmp_path
