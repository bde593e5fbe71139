"""What every test runs in: no telemetry, no network but loopback, a scratch Airflow home; set before Airflow is imported."""

import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRATCH = tempfile.mkdtemp(prefix="feedback-loop-tests-")

os.environ.update(
    {
        "AIRFLOW_HOME": SCRATCH,
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MPLBACKEND": "Agg",
    }
)
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import pytest  # noqa: E402 - the environment comes first
from pytest_socket import socket_allow_hosts  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what starts an Airflow: it takes longest, and a worker that began it last would be waited for."""
    integration = ROOT / "tests" / "integration"
    items.sort(key=lambda item: integration not in item.path.parents)


@pytest.fixture(autouse=True)
def _only_loopback() -> None:
    """Let no test reach the network by accident."""
    socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def mlflow_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow migrates a new database once a session; each test gets a copy."""
    from tests.include.stages.training.challenger_builders import migrate_template

    return migrate_template(tmp_path_factory.getbasetemp())
