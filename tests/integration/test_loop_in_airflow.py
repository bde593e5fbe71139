"""A whole cycle through a real Airflow, with a person signing off, and what must hold around it."""

import contextlib
import json
import socket
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import psutil
import pytest
import yaml

from demo.airflow_client import connected
from demo.following import STAGES
from demo.gateway_server import GatewayServer, serving
from demo.playing import Story
from demo.process_sessions import members
from demo.progress import Progress
from demo.standalone import Standalone, running
from include.foundation.config.loading import load_loop
from include.foundation.decisions import (
    Approval,
    GateVerdict,
    RegisteredVersion,
    SelectedBatch,
    broken_links,
    find,
    latest,
)
from include.foundation.digests import table_digest
from include.foundation.errors import ConfigError
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.store.ledgers import deployments
from include.foundation.store.ledgers.deployments import history
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.deployment.canaries import CanaryReport, roll_out
from tests.decision_builders import make_approval
from tests.include.stages.training.challenger_builders import say_gate
from tests.integration.worlds import FIRST_DAY, REFERENCE_DAYS, make_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]
LARGEST_XCOM = 4000


def free_port() -> int:
    """Return a port whose two successors are free, too."""
    for port in range(18200, 19000, 10):
        with socket.socket() as one, socket.socket() as two, socket.socket() as three:
            try:
                for probe, number in ((one, port), (two, port + 1), (three, port + 2)):
                    probe.bind(("127.0.0.1", number))
            except OSError:
                continue
            return port
    msg = "no three free ports in a row"
    raise AssertionError(msg)


class SignedStory(Story):
    """A story in which a person answers the required actions."""

    @property
    def registry(self) -> ModelRegistry:
        return ModelRegistry(self.airflow.tracking_uri, self.loop)

    def waiting(self) -> bool:
        dag_id = f"{self.loop.name}.retrain"
        for run in self.client.runs(dag_id):
            for task in self.client.task_instances(dag_id, run["dag_run_id"]):
                if task["task_id"] == "approve" and task["state"] == "awaiting_input":
                    self.client.answer(dag_id, run["dag_run_id"], "approve", "Approve")
        return super().waiting()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A loop whose file is the only one; other tests of this process have theirs again afterwards."""
    folder = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(folder / "loops"))
        world = make_world(folder, approval="required", approvers=[{"id": "admin", "name": "The admin"}])
        ask_challengers_and_tell(folder)
        world.loop = load_loop(folder / "loops" / "sums.yaml")
        yield world


def ask_challengers_and_tell(folder):
    """Let the world's loop ask challengers about live requests, and tell everything in a file."""
    path = folder / "loops" / "sums.yaml"
    notifier = {
        "notifier": "feedback_loop.notifiers.file_notifier.FileNotifier",
        "params": {"path": str(folder / "told")},
    }
    events = ["failure", "rollback", "drift_alarm", "approval", "label_deadline"]
    deploy = {"strategy": "shadow", "shadow": {"uri": str(folder / "shadow"), "requests": 40}}
    loop = yaml.safe_load(path.read_text()) | {"notify": [{"events": events, **notifier}], "deploy": deploy}
    path.write_text(yaml.safe_dump(loop))


@pytest.fixture(scope="module")
def story(world):
    """Play the first model, the reference days and one cycle; give the story while Airflow still runs."""
    folder = world.folder
    airflow = Standalone(
        home=folder / "airflow",
        port=free_port(),
        store=world.store,
        tracking_uri=world.tracking_uri,
        loops=folder / "loops",
    )
    store = LoopStore(world.loop, world.store)
    with running(airflow), connected(airflow.url, "admin", airflow.password) as client:
        progress = Progress(client, [f"{world.loop.name}.{stage}" for stage in STAGES])
        outside = (client, world.traffic, world.annotators, progress, store)
        with serving(GatewayServer(world.loop, airflow)) as gateway:
            told = SignedStory(world.loop, airflow, gateway, *outside)
            told.cycle(1, told.opening(), 200, "ordinary")
            yield told
    assert airflow.running() is None


def test_cycle_through_the_scheduler_deploys_a_first_model_and_judges_a_challenger(story):
    verdicts = find(story.store, GateVerdict)
    assert verdicts[0].outcome == "promote"
    assert len({verdict.subject for verdict in verdicts}) == 2
    assert verdicts[-1].outcome in {"promote", "reject"}
    asked = story.store.read("shadow_answers").num_rows
    assert bool(asked) == bool(find(story.store, GateVerdict, outcome="await_live"))
    assert history(story.store)[0].model_version == "1"
    assert broken_links(story.store) == []


def test_approval_names_a_person_by_pseudonym_and_the_evidence(story):
    approval = find(story.store, Approval)[0]
    assert approval.outcome == "approved"
    assert approval.by.startswith("person ")
    assert "admin" not in approval.by
    assert approval.gate == find(story.store, GateVerdict)[0].evidence_digest


def test_waiting_approval_is_told_with_the_page_to_answer_on_and_nobody_named(story, world):
    told = [json.loads(line) for line in (world.folder / "told").read_text().splitlines()]
    assert {line["event"] for line in told} == {"approval"}
    assert all("/tasks/approve/required_actions" in line["url"] for line in told)
    assert "admin" not in json.dumps(told)


def test_observing_an_interval_again_changes_nothing(story):
    tables = ("predictions", "quarantine", "feedback", "profiles", "requests", "decisions")
    before = {name: (story.store.version(name), table_digest(story.store.read(name))) for name in tables}
    dag_id = f"{story.loop.name}.observe"
    interval = latest(story.store, SelectedBatch).subject.split("/")
    run = story.client.trigger(dag_id, {"start": interval[0], "end": interval[1]})
    ended = story.client.wait_for_run(dag_id, run, 300)
    assert ended["state"] == "success"
    assert {name: (story.store.version(name), table_digest(story.store.read(name))) for name in tables} == before


def test_deciding_again_after_the_verdict_trains_nothing(story):
    before = [version.version for version in story.registry.client.search_model_versions(f"name = '{story.loop.name}'")]
    dag_id = f"{story.loop.name}.retrain"
    run = story.client.trigger(dag_id, {})
    story.client.wait_for_run(dag_id, run, 300)
    states = {task["task_id"]: task["state"] for task in story.client.task_instances(dag_id, run)}
    assert states["decide_retrain"] == "skipped"
    assert states["deploy"] == "skipped"
    after = [version.version for version in story.registry.client.search_model_versions(f"name = '{story.loop.name}'")]
    assert after == before


def test_clearing_deploy_leaves_the_same_model_live(story):
    """What a person does after a crash: clear the task. The ledger must not grow, the alias must not move."""
    dag_id = f"{story.loop.name}.retrain"
    runs = [run for run in story.client.runs(dag_id) if run["state"] == "success"]
    deployed = next(
        run["dag_run_id"]
        for run in runs
        for task in story.client.task_instances(dag_id, run["dag_run_id"])
        if task["task_id"] == "deploy" and task["state"] == "success"
        and story.client.xcom(dag_id, run["dag_run_id"], "deploy")["version"] == story.registry.aliased("champion")
    )  # fmt: skip
    before, live = history(story.store), story.registry.aliased("champion")
    body = {"dag_run_id": deployed, "task_ids": ["deploy"], "dry_run": False, "only_failed": False}
    story.client.post(f"/dags/{dag_id}/clearTaskInstances", body)
    story.client.wait_for_run(dag_id, deployed, 300)
    assert history(story.store) == before
    assert story.registry.aliased("champion") == live


def test_xcom_carries_references_and_counts_only(story):
    for stage in STAGES:
        dag_id = f"{story.loop.name}.{stage}"
        for run in story.client.runs(dag_id):
            for task in story.client.task_instances(dag_id, run["dag_run_id"]):
                if task["state"] == "success":
                    found = story.client.xcom(dag_id, run["dag_run_id"], task["task_id"], task["map_index"])
                    assert len(json.dumps(found)) < LARGEST_XCOM, (dag_id, task["task_id"])


def test_form_refuses_a_budget_out_of_bounds(story):
    with pytest.raises(Exception, match="400"):
        story.client.trigger(f"{story.loop.name}.observe", {"budget": -1})


def test_waiting_for_labels_holds_no_worker_slot(story):
    """Ask for labels, do not answer, and see the task deferred; then answer and see it end."""
    dag_id = f"{story.loop.name}.label"
    day = FIRST_DAY.toordinal() + REFERENCE_DAYS + 5
    from datetime import date, timedelta

    when = date.fromordinal(day)
    story.serve(when, when + timedelta(days=1), 60, "ordinary")
    story.client.wait(lambda: not story.progress.look(), "the loop to be at rest", 120)
    observe = f"{story.loop.name}.observe"
    start, end = (f"{moment.isoformat()}T00:00:00Z" for moment in (when, when + timedelta(days=1)))
    run = story.client.trigger(observe, {"start": start, "end": end, "budget": 12})
    story.client.wait_for_run(observe, run, 300)
    deferred = story.client.wait(
        lambda: [
            task
            for found in story.client.runs(dag_id)
            for task in story.client.task_instances(dag_id, found["dag_run_id"])
            if task["task_id"] == "collect_annotations" and task["state"] == "deferred"
        ],
        "collect_annotations to be deferred",
        120,
    )
    assert deferred
    story.run_until_idle()
    assert not story.waiting()


def test_second_airflow_on_the_same_port_is_refused_before_anything_starts(story, tmp_path):
    other = Standalone(home=tmp_path / "other", port=story.airflow.port)
    with pytest.raises(ConfigError, match="taken"):
        other.start()
    assert not (tmp_path / "other" / "pid").exists()


def test_every_part_is_healthy_and_listens_on_loopback_only(story):
    assert {part["status"] for part in story.airflow.health().values()} == {"healthy"}
    listening = [at for pid in members(story.airflow.running()) for at in listens_on(pid)]
    assert {(at.ip, at.port - story.airflow.port) for at in listening} == {("127.0.0.1", 0), ("127.0.0.1", 1)}


def listens_on(pid):
    """Return the addresses on which a process listens; none if it has ended meanwhile."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [at.laddr for at in psutil.Process(pid).net_connections("inet") if at.status == "LISTEN"]
    return []


def test_nothing_of_it_is_open_to_other_users(story):
    paths = [story.airflow.home, *story.airflow.home.rglob("*")]
    assert len(paths) > 100
    assert [path for path in paths if path.lstat().st_mode & 0o077 and not path.is_symlink()] == []


def test_ui_and_api_demand_a_login(story):
    import httpx

    assert httpx.get(f"{story.airflow.url}/api/v2/dags").status_code == 401
    assert (
        httpx.post(f"{story.airflow.url}/auth/token", json={"username": "admin", "password": "guess"}).status_code
        == 401
    )


def test_links_of_tasks_lead_to_pages_that_only_a_login_opens(story):
    import httpx

    login = {"username": "admin", "password": story.airflow.password}
    token = httpx.post(f"{story.airflow.url}/auth/token", json=login).json()["access_token"]
    links = {}
    for dag_id in (f"{story.loop.name}.{stage}" for stage in STAGES):
        for run in (found["dag_run_id"] for found in story.client.runs(dag_id)):
            for task in story.client.task_instances(dag_id, run):
                path = f"/dags/{dag_id}/dagRuns/{run}/taskInstances/{task['task_id']}/links"
                told = story.client.get(path, map_index=task["map_index"])["extra_links"]
                links |= {(task["task_id"], name): link for name, link in told.items() if link}
    assert {"validate_logs", "validate_labels", "write_release_notes"} <= {task for task, _ in links}
    assert "MLflow run" not in {name for _, name in links}  # MLflow has no server here
    for link in links.values():
        assert httpx.get(f"{story.airflow.url}/{link}").status_code == 401
        page = httpx.get(f"{story.airflow.url}/{link}", headers={"Authorization": f"Bearer {token}"})
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_canary_is_live_after_its_last_step_and_the_loop_file_that_asks_for_it_is_followed(story, world, monkeypatch):
    """Last of all: it changes what is live."""
    path, dag_id = world.folder / "loops" / "sums.yaml", f"{story.loop.name}.guard"
    canary = {"shares": [0.5, 1.0], "step_hours": 1, "requests": 20}
    path.write_text(
        yaml.safe_dump(yaml.safe_load(path.read_text()) | {"deploy": {"strategy": "canary", "canary": canary}})
    )
    store, registry, live = LoopStore(load_loop(path), world.store), story.registry, story.registry.aliased(CHAMPION)
    chosen = next(one for one in find(store, RegisteredVersion) if one.version != live)
    digest = registry.files_digest(run_id=chosen.run_id, version=chosen.version)
    told = {"champion_version": live, "run_id": chosen.run_id, "files_digest": digest}
    gate = say_gate(store, chosen.subject, "promote", **told)
    now = datetime.now(UTC)
    with monkeypatch.context() as patch:
        patch.setattr(deployments, "datetime", Mock(now=lambda _: now - timedelta(hours=2)))
        begun = roll_out(store, registry, gate, make_approval(gate))
    assert begun == CanaryReport(chosen.version, live, 0.5)
    log_of_late(store, {live: 30, chosen.version: 30}, now - timedelta(hours=1))
    tasks = lambda: {task["task_id"] for task in story.client.get(f"/dags/{dag_id}/tasks")["tasks"]}  # noqa: E731
    story.client.wait(lambda: "advance_canary" in tasks(), "Airflow to follow the loop file", 120)
    run = story.client.trigger(dag_id)
    assert story.client.wait_for_run(dag_id, run, 300)["state"] == "success"
    assert history(store)[-1].model_version == registry.aliased(CHAMPION) == chosen.version
    story.client.wait(lambda: story.gateway.version() == chosen.version, "the gateway to follow", 60)


def log_of_late(store, versions, moment):
    """Store rows as if so many of each version had been served at a moment."""
    row = store.read("predictions").slice(0, 1).to_pylist()[0] | {"ts": moment, "day": f"{moment:%Y-%m-%d}"}
    rows = [
        row | {"trace_id": f"late-{version}-{number}", "model_version": version}
        for version, count in versions.items()
        for number in range(count)
    ]
    store.append_new("predictions", rows_of(store.loop, "predictions", rows))
