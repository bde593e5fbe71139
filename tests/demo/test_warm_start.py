"""What is imported before the fork exists, and the processes that fork import it."""

import subprocess
import sys

import pytest

from demo.local_settings import LOCAL_SETTINGS
from tests.conftest import ROOT


@pytest.fixture
def modules_after(tmp_path):
    return lambda *arguments: imported(tmp_path, arguments)


def imported(home, arguments):
    """Return what a process of Airflow with these arguments has imported."""
    code = f"import sys; sys.argv = ['airflow', *sys.argv[1:]]\n{LOCAL_SETTINGS}\nprint('\\n'.join(sys.modules))"
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", "PATH": "", "AIRFLOW_HOME": str(home)}
    found = subprocess.run([sys.executable, "-c", code, *arguments], env=environment, capture_output=True, check=True)
    return set(found.stdout.decode().split())


def test_scheduler_has_imported_operators_stages_and_libraries(modules_after):
    modules = modules_after("scheduler", "--skip-serve-logs")
    stages = {path.relative_to(ROOT).with_suffix("") for path in (ROOT / "include" / "stages").rglob("*.py")}
    assert {".".join(path.parts).removesuffix(".__init__") for path in stages} <= modules
    assert {"feedback_loop.operators.gate", "great_expectations", "duckdb"} <= modules


def test_dag_processor_has_imported_operators_and_no_heavy_library(modules_after):
    modules = modules_after("dag-processor")
    assert "feedback_loop.operators.gate" in modules
    assert not {"great_expectations", "mlflow", "sklearn", "pandas"} & modules


def test_others_import_nothing_of_it(modules_after):
    assert "feedback_loop.operators.gate" not in modules_after("api-server")
