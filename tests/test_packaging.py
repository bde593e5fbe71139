"""What a new user gets: locks that fit, and commands, an image, a compose file and Astro settings that agree."""

import ast
import json
import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import PurePosixPath

import pytest
import yaml

from tests.conftest import ROOT

LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-image.txt", "requirements-label-studio.txt")
COMPOSE_HOME = "/opt/airflow"
ASTRO_HOME = "/usr/local/airflow"


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def requirements(name):
    return [line.split(" ")[0] for line in text_of(name).splitlines() if line and not line.startswith((" ", "#", "-"))]


def normal(name):
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=;!~]", name)[0]).lower()


def instructions(name="Dockerfile"):
    """Return the Dockerfile's instructions in order: the word and the rest, continuation lines joined."""
    joined = re.sub(r"\\\n\s*", "", text_of(name))
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(" ", 1)) for line in lines]


def arguments(instruction):
    return [rest for word, rest in instructions() if word == instruction]


def make_prints(*arguments):
    """Return what make prints, also where make itself runs the tests and would say so."""
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=own, capture_output=True, text=True, check=True).stdout


class TestLocks:
    def test_every_requirement_is_in_its_lock(self):
        for lock in LOCKS:
            wanted = {normal(line) for line in requirements(lock.replace(".txt", ".in"))}
            assert wanted
            assert wanted <= {normal(line) for line in requirements(lock)}, lock

    def test_every_package_is_pinned(self):
        for lock in LOCKS:
            assert [line for line in requirements(lock) if "==" not in line] == [], lock

    def test_every_package_has_the_digests_of_its_files(self):
        for lock in LOCKS:
            packages = re.split(r"^(?=[a-z0-9])", text_of(lock), flags=re.MULTILINE)[1:]
            assert [text.split(" ")[0] for text in packages if "--hash=sha256:" not in text] == [], lock

    @pytest.mark.parametrize("lock", LOCKS[1:3])
    def test_what_is_tested_and_what_is_shipped_have_the_versions_of_a_run(self, lock):
        assert set(requirements("requirements.txt")) <= set(requirements(lock))

    def test_whatever_is_imported_is_named(self):
        named = {normal(line) for line in requirements("requirements.in")} | {"apache-airflow-task-sdk"}
        own = {"include", "gateway", "demo", "feedback_loop"} | set(sys.stdlib_module_names)
        distributions = packages_distributions()
        paths = [
            path
            for folder in ("include", "gateway", "plugins", "dags", "demo")
            for path in (ROOT / folder).rglob("*.py")
        ]
        names = set[str]().union(*(imported(path) for path in paths)) - own
        assert {name for name in names if not {normal(one) for one in distributions[name]} & named} == set()

    def test_locks_name_no_index(self):
        for name in (*LOCKS, *(lock.replace(".txt", ".in") for lock in LOCKS), "Dockerfile", "Makefile"):
            assert re.findall(r"--(?:extra-)?index-url|--find-links|://", text_of(name)) == [], name


def imported(path):
    """Return the first names of all modules that a file imports, also within functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


class TestCommands:
    def test_make_help_lists_every_target(self):
        targets = " ".join(re.findall(r"^\.PHONY:(.*)", text_of("Makefile"), flags=re.MULTILINE)).split()
        assert set(targets) == {line.split()[1] for line in make_prints("help").splitlines()}

    def test_lock_that_others_contain_is_resolved_before_them(self):
        (names,) = re.findall(r"for name in ([^;]*);", make_prints("--dry-run", "lock"))
        assert names.split()[0] == "requirements"
        assert {f"{name}.txt" for name in names.split()} == set(LOCKS)

    def test_lint_checks_style_format_and_types_of_every_layer(self):
        printed = make_prints("--dry-run", "lint")
        assert "ruff check ." in printed
        assert "ruff format --check ." in printed
        checked = next(line for line in printed.splitlines() if "mypy" in line).split("mypy", 1)[1].split()
        assert {"include", "gateway", "demo", "plugins/feedback_loop", "dags/observe.py"} <= set(checked)
        assert all((ROOT / path).exists() for path in checked)

    def test_pre_commit_runs_the_targets_that_ci_runs(self):
        hooks = [hook for repo in yaml.safe_load(text_of(".pre-commit-config.yaml"))["repos"] for hook in repo["hooks"]]
        lint = next(hook for hook in hooks if hook["id"] == "lint")
        assert (lint["entry"], lint["always_run"], lint["pass_filenames"]) == ("make lint", True, False)
        assert {hook["entry"] for hook in hooks} == {"make lint", "make check"}
        assert [line for line in text_of(".ci/run").splitlines() if line.startswith("make")] == [
            "make lint",
            "make test",
        ]


class TestImage:
    def test_airflow_is_the_version_of_the_lock(self):
        (base,) = [rest for rest in arguments("ARG") if rest.startswith("BASE_IMAGE=")]
        locked = next(line for line in requirements("requirements-image.txt") if normal(line) == "apache-airflow")
        assert base == f"BASE_IMAGE=apache/airflow:{locked.split('==')[1]}-python3.11"
        assert arguments("FROM") == ["${BASE_IMAGE}"]

    def test_everything_that_pip_installs_comes_from_one_lock(self):
        installs = [rest for rest in arguments("RUN") if "install" in rest]
        assert installs == ["pip install --no-cache-dir --require-hashes --requirement requirements-image.txt"]

    def test_it_never_runs_as_root(self):
        words = [word for word, _ in instructions()]
        assert arguments("USER") == ["50000:0"]
        assert words.index("USER") < min(words.index("RUN"), words.index("COPY"))
        assert all(rest.startswith("--chown=50000:0 ") for rest in arguments("COPY"))

    def test_copies_what_exists_and_is_not_ignored_and_nothing_else(self):
        copied = [rest.split(" ")[1] for rest in arguments("COPY")]
        assert copied == ["requirements-image.txt", "dags", "plugins", "include", "observability", "gateway"]
        assert all((ROOT / name).exists() for name in copied)
        ignore = [line for line in text_of(".dockerignore").splitlines() if not line.startswith("#")]
        assert ignore[0] == "*"
        allowed = {line[1:] for line in ignore if line.startswith("!")}
        assert set(copied) <= allowed
        assert allowed <= {*copied, "requirements.txt", "packages.txt"}  # those two are read by an Astro Runtime

    def test_nothing_in_it_imports_what_is_left_out(self):
        for folder in ("dags", "plugins", "include", "observability", "gateway"):
            for path in (ROOT / folder).rglob("*.py"):
                assert not imported(path) & {"demo", "tests", "benchmarks"}, path

    def test_holds_no_secret(self):
        names = " ".join(arguments("ENV") + arguments("ARG"))
        assert re.search(r"KEY|SECRET|PASSWORD|TOKEN", names) is None

    def test_project_is_on_the_path_wherever_airflow_lives(self):
        assert arguments("WORKDIR") == ["${AIRFLOW_HOME}"]
        assert any(rest.startswith("PYTHONPATH=${AIRFLOW_HOME} ") for rest in arguments("ENV"))


class TestCompose:
    @pytest.fixture(scope="class")
    def compose(self):
        return yaml.safe_load(text_of("docker-compose.yaml"))

    @pytest.fixture(scope="class")
    def ours(self, compose):
        return {name: service for name, service in compose["services"].items() if "build" in service}

    def test_has_every_service_of_airflow_and_mlflow(self, compose, ours):
        names = {"apiserver", "scheduler", "dag-processor", "worker", "triggerer", "init"}
        assert set(ours) == {f"airflow-{name}" for name in names} | {"mlflow", "loop-metrics", "gateway"}
        assert set(compose["services"]) == {*ours, "postgres", "redis", "label-studio", "prometheus", "grafana"}

    def test_what_watches_starts_only_when_it_is_asked_for(self, compose):
        asked = {name for name, service in compose["services"].items() if service.get("profiles") == ["watch"]}
        assert asked == {"loop-metrics", "prometheus", "grafana"}

    def test_prometheus_scrapes_the_exporter_with_the_token_that_it_asks_for(self, compose):
        scraped, gateway = yaml.safe_load(text_of("observability/prometheus/prometheus.yml"))["scrape_configs"]
        assert gateway["static_configs"] == [{"targets": ["gateway:8090"]}]
        assert scraped["static_configs"] == [{"targets": ["loop-metrics:9109"]}]
        assert "--port=9109" in compose["services"]["loop-metrics"]["command"]
        assert scraped["authorization"]["credentials_file"] == "/run/secrets/metrics_token"
        assert compose["services"]["prometheus"]["secrets"] == ["metrics_token"]
        assert compose["secrets"] == {"metrics_token": {"environment": "METRICS_TOKEN"}}

    def test_grafana_finds_prometheus_and_the_dashboards(self, compose):
        provisioned = ROOT / "observability" / "grafana" / "provisioning"
        (source,) = yaml.safe_load((provisioned / "datasources" / "prometheus.yml").read_text())["datasources"]
        assert source["url"] == "http://prometheus:9090"
        (provider,) = yaml.safe_load((provisioned / "dashboards" / "feedback_loop.yml").read_text())["providers"]
        mounts = dict(volume.split(":")[:2] for volume in compose["services"]["grafana"]["volumes"])
        assert mounts["./observability/grafana/dashboards"] == provider["options"]["path"]
        assert mounts["./observability/grafana/provisioning"] == "/etc/grafana/provisioning"

    def test_ports_are_bound_to_loopback(self, compose):
        ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
        assert ports
        assert all(port.startswith("127.0.0.1:") for port in ports)

    def test_images_have_a_version(self, compose):
        images = {service["image"] for service in compose["services"].values()}
        assert all(re.search(r":[\w.-]+$", image) and not image.endswith(":latest") for image in images)

    def test_label_studio_is_the_version_that_is_tested_and_what_its_connection_leads_to(self, compose):
        (tested,) = [
            line for line in requirements("requirements-label-studio.txt") if line.startswith("label-studio==")
        ]
        service = compose["services"]["label-studio"]
        assert service["image"].rpartition(":")[2] == tested.partition("==")[2]
        connection = json.loads(compose["x-airflow"]["environment"]["AIRFLOW_CONN_LABEL_STUDIO"])
        assert (connection["host"], f":{connection['port']}") == ("label-studio", service["ports"][0][-5:])
        assert connection["extra"]["ui_uri"] == f"http://{service['ports'][0][:-5]}"
        assert connection["password"].startswith("${LABEL_STUDIO_TOKEN")
        assert "LABEL_STUDIO_PASSWORD" in compose["services"]["airflow-init"]["environment"]

    def test_secrets_have_no_default_and_are_all_in_the_example(self):
        compose = text_of("docker-compose.yaml")
        example = dict(line.split("=", 1) for line in text_of(".env.example").splitlines() if re.match(r"[A-Z]", line))
        variables = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", compose))
        assert variables == set(example)
        assert re.findall(r"(?<!\$)\$\{[A-Z_]+:-", compose) == []
        assert all(value.startswith("replace-me-") for value in example.values())
        assert "replace-me-" in compose  # airflow-init refuses the placeholders

    def test_no_service_of_ours_runs_as_another_user_than_the_image(self, ours):
        assert [name for name, service in ours.items() if "user" in service or "privileged" in service] == []

    def test_named_volumes_are_mounted_on_folders_that_the_image_gives_to_its_user(self, compose, ours):
        (made,) = [rest for rest in arguments("RUN") if rest.startswith("mkdir")]
        folders = {f"{COMPOSE_HOME}/{name}" for name in made.split(" && ")[0].split()[2:]}
        mounts = [volume.split(":") for service in ours.values() for volume in service["volumes"]]
        named = {target: source for source, target, *_ in mounts if not source.startswith(".")}
        assert set(named) == folders
        theirs = {"postgres", "label-studio", "prometheus", "grafana"}
        assert set(named.values()) | theirs == set(compose["volumes"])

    def test_code_is_mounted_read_only_where_the_image_has_it(self, ours):
        for name, service in ours.items():
            bound = [volume for volume in service["volumes"] if volume.startswith(".")]
            wanted = {"airflow": ("dags", "plugins", "include"), "loop": ("include",), "gateway": ("include",)}.get(
                name.split("-")[0], ()
            )
            assert bound == [f"./{folder}:{COMPOSE_HOME}/{folder}:ro" for folder in wanted]

    def test_every_path_in_it_is_on_a_volume(self, ours):
        for name, service in ours.items():
            targets = [PurePosixPath(volume.split(":")[1]) for volume in service["volumes"]]
            for path in re.findall(rf"(?<!\w){COMPOSE_HOME}/[\w./-]+", json.dumps({**service, "volumes": []})):
                assert any(target in (PurePosixPath(path), *PurePosixPath(path).parents) for target in targets), (
                    name,
                    path,
                )

    def test_store_is_on_the_data_volume_where_astro_has_it_too(self, compose):
        store = json.loads(compose["x-airflow"]["environment"]["AIRFLOW_CONN_FEEDBACK_STORE"])["extra"]["uri"]
        assert store == f"{COMPOSE_HOME}/data/store"
        assert f"uri: {ASTRO_HOME}/data/store\n" in text_of("airflow_settings.yaml")

    def test_drivers_of_its_urls_are_in_the_lock_of_the_image(self, compose):
        environment = compose["x-airflow"]["environment"]
        locked = {normal(line) for line in requirements("requirements-image.txt")}
        assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("postgresql+psycopg2://")
        assert environment["AIRFLOW__CELERY__BROKER_URL"].startswith("redis://")
        assert environment["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
        assert {"psycopg2-binary", "asyncpg", "redis", "celery", "apache-airflow-providers-celery"} <= locked


class TestAstro:
    @pytest.fixture(scope="class")
    def settings(self):
        return yaml.safe_load(text_of("airflow_settings.yaml"))["airflow"]

    def test_settings_name_the_connections_and_the_pool_of_the_compose_file(self, settings):
        environment = yaml.safe_load(text_of("docker-compose.yaml"))["x-airflow"]["environment"]
        connections = {name.removeprefix("AIRFLOW_CONN_").lower() for name in environment if "AIRFLOW_CONN_" in name}
        assert {item["conn_id"] for item in settings["connections"]} == connections
        assert connections == {"feedback_store", "mlflow", "label_studio"}
        (pool,) = settings["pools"]
        command = f'airflow pools set {pool["pool_name"]} {pool["pool_slot"]} "{pool["pool_description"]}"'
        assert command in text_of("docker-compose.yaml")

    def test_paths_are_on_the_folder_that_the_documented_override_mounts(self, settings):
        block = re.search(r"```yaml\n(# docker-compose\.override.*?)```", text_of("docs/running.md"), flags=re.DOTALL)[
            1
        ]
        override = yaml.safe_load(block)
        mounts = {tuple(service["volumes"]) for service in override["services"].values()}
        assert mounts == {(f"./data:{ASTRO_HOME}/data",)}
        assert set(override["services"]) == {"api-server", "scheduler", "triggerer"}
        paths = re.findall(r"(?<!\w)(/usr/[\w./-]+|/opt/[\w./-]+)", json.dumps(settings))
        assert paths
        assert all(path.startswith(f"{ASTRO_HOME}/data/") for path in paths)
