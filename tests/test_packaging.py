"""What a new user gets: a lock that fits, a compose file that demands its secrets, and a Makefile that lists itself."""

import re
import subprocess

import pytest
import yaml

from tests.conftest import ROOT


def requirements(name):
    lines = (ROOT / name).read_text().splitlines()
    return [line.split(" ")[0] for line in lines if line and not line.startswith((" ", "#", "-"))]


def normal(name):
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=;!~]", name)[0]).lower()


def test_every_requirement_is_in_both_locks():
    wanted = {normal(line) for line in requirements("requirements.in")}
    locked = {normal(line) for line in requirements("requirements.txt")}
    developing = {normal(line) for line in requirements("requirements-dev.txt")}
    assert wanted <= locked <= developing


def test_locks_pin_every_package():
    for name in ("requirements.txt", "requirements-dev.txt"):
        assert all("==" in line for line in requirements(name))


def test_make_help_lists_every_target():
    text = (ROOT / "Makefile").read_text()
    targets = next(line for line in text.splitlines() if line.startswith(".PHONY")).split()[1:]
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(targets) - {"help"} <= {line.split()[1] for line in shown.splitlines()}


class TestCompose:
    @pytest.fixture(scope="class")
    def compose(self):
        return yaml.safe_load((ROOT / "docker-compose.yaml").read_text())

    def test_has_every_service_of_airflow_and_mlflow(self, compose):
        names = {"apiserver", "scheduler", "dag-processor", "worker", "triggerer", "init"}
        assert {f"airflow-{name}" for name in names} | {"postgres", "redis", "mlflow"} <= set(compose["services"])

    def test_ports_are_bound_to_loopback(self, compose):
        ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
        assert ports
        assert all(port.startswith("127.0.0.1:") for port in ports)

    def test_secrets_have_no_default_and_are_all_in_the_example(self):
        text = (ROOT / "docker-compose.yaml").read_text()
        example = dict(
            line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if re.match(r"[A-Z]", line)
        )
        variables = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text))
        assert variables == set(example)
        assert re.findall(r"(?<!\$)\$\{[A-Z_]+:-", text) == []
        assert all(value.startswith("replace-me-") for value in example.values())
        assert "replace-me-" in text  # airflow-init refuses the placeholders

    def test_project_is_on_the_path_of_every_airflow_service(self, compose):
        for name, service in compose["services"].items():
            if name.startswith("airflow-"):
                assert service["environment"]["PYTHONPATH"] == "/opt/airflow"
                assert any(volume.startswith("./include:") for volume in service["volumes"])


def test_astro_settings_name_the_connections_and_the_pool_the_hooks_use():
    settings = yaml.safe_load((ROOT / "airflow_settings.yaml").read_text())["airflow"]
    assert {item["conn_id"] for item in settings["connections"]} == {"feedback_store", "mlflow"}
    assert [(pool["pool_name"], pool["pool_slot"]) for pool in settings["pools"]] == [("labeling", 1)]


def test_readme_links_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
