"""Airflow's API server serves our pages to who may see the DAGs that wrote them, and nothing else to nobody else."""

import json
import os
import re
import subprocess
import sys
from unittest.mock import Mock

import pytest
from airflow import plugins_manager
from airflow.api_fastapi.app import get_auth_manager
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from feedback_loop.ui.mounting import HINTS, PREFIX, page_address
from feedback_loop.ui.pages_app import app

from include.foundation.store.loop_files import write_file
from tests.conftest import ROOT
from tests.plugins.ui.conftest import PAGES

EXAMPLE = {"loop": "wire", "path": "reports/c1-0.html", "dag_id": "wire.observe", "run_id": "manual__1"}
NOTES = f"{PREFIX}/wire/files/reports/c1-0.html"


def unguarded(browse, application, prefix=PREFIX):
    """Return every route of an application, with its method, that is not refused as it must be."""
    open_routes = []
    for route in application.routes:
        if not isinstance(route, APIRoute):
            open_routes.append(f"{route}: no route of an API, so nothing checks who asks")
            continue
        parameters = {name: EXAMPLE[name] for name in route.param_convertors}
        address = prefix + route.url_path_for(route.name, **parameters)
        for method in route.methods:
            answers = [browse(address, login, method=method).status_code for login in (None, "no role", "admin")]
            if answers != [401, 403, 200]:
                open_routes.append(f"{method} {route.path}: {answers}")
    return open_routes


class TestEveryRoute:
    @pytest.fixture(autouse=True)
    def run(self, airflow_run):
        airflow_run("wire.observe", EXAMPLE["run_id"], tasks=[("detect_drift", "success", {})])

    def test_is_closed_without_a_login_and_without_a_role(self, browse):
        assert len(app.routes) == 6
        assert unguarded(browse, app) == []

    def test_is_closed_below_a_sub_path_too(self, browse, api, monkeypatch):
        monkeypatch.setattr(api, "root_path", "/airflow")
        assert unguarded(browse, app, f"/airflow{PREFIX}") == []

    def test_one_that_forgets_the_check_is_seen(self, browse, api):
        from airflow.api_fastapi.core_api.security import get_user

        careless = FastAPI(dependencies=[Depends(get_user)], openapi_url=None, docs_url=None, redoc_url=None)
        careless.get("/{loop}/open")(lambda loop: loop)
        careless.mount("/static", FastAPI())
        api.mount("/careless", careless)
        api.router.routes.insert(0, api.router.routes.pop())  # before Airflow's own page for every other address
        try:
            seen = unguarded(browse, careless, "/careless")
        finally:
            api.router.routes.pop(0)
        assert len(seen) == 2
        assert seen[0] == "GET /{loop}/open: [401, 200, 200]"


class TestPages:
    @pytest.mark.parametrize("path", PAGES)
    def test_page_comes_with_its_type_and_is_private_and_can_load_and_run_nothing(self, browse, path):
        answer = browse(f"/{page_address('wire', path)}")
        assert answer.status_code == 200
        assert answer.content == PAGES[path]  # which has no body to put a way back into
        kind = "image/png" if path.endswith(".png") else "text/html; charset=utf-8"
        assert answer.headers["content-type"] == kind
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "script" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"].startswith("private")

    def test_page_is_there_below_a_sub_path(self, browse, api, monkeypatch):
        monkeypatch.setattr(api, "root_path", "/airflow")
        assert browse(f"/airflow{NOTES}").status_code == 200

    def test_page_leads_back_to_its_loop_and_to_the_newest_runs_that_wrote_it(self, browse, loop, airflow_run):
        write_file(loop.store, "reports/c1-0.html", "<html><body class=a><h1>notes</body></html>")
        (there, other) = (json.dumps(page_address("wire", f"reports/c1-{n}.html")) for n in (0, 10))
        for run_id, address in (
            ("manual__1", there),
            ("manual__2", there),
            ("manual__~+3", there),
            ("manual__4", other),
        ):
            tasks = [("write_release_notes", "success", {"_link_ReleaseNotesLink": address})]
            airflow_run("wire.retrain", run_id, tasks=tasks)
        page = browse(NOTES).text
        assert page.startswith("<html><body class=a><nav")
        assert re.findall(r'href="([^"]*)"', page) == [
            "/feedback-loop/wire",
            "/feedback-loop/dags/wire.retrain/runs/manual__~%2B3",
            "/feedback-loop/dags/wire.retrain/runs/manual__2",
            "/feedback-loop/dags/wire.retrain/runs/manual__1",
        ]
        assert page.endswith("<h1>notes</body></html>")

    @pytest.mark.parametrize("role", ["viewer", "user", "op", "admin"])
    def test_who_may_see_dags_may_see_pages(self, browse, role):
        assert browse(NOTES, role).status_code == 200

    def test_login_of_the_browser_is_enough(self, browse):
        assert browse(NOTES, cookie=True).status_code == 200

    def test_broken_login_is_refused(self, browse, api, loop):
        assert browse(NOTES + "?token=x", None).status_code == 401

    @pytest.mark.parametrize(
        "address",
        [
            "/gone/files/reports/c1-0.html",
            "/wire/files/reports/none.html",
            "/wire/files/reports",
            "/wire/files/reports/",
            "/wire/files/reports/.c1-0.html.1.part",
            "/wire/files/secret.html",
            "/wire/files/pulls/plan.json",
            "/wire/files/pulls/plan.html",
            "/wire/files/reports/../secret.html",
            "/wire/files/reports/%2e%2e/secret.html",
            "/wire/files/reports/..%2fsecret.html",
            "/wire/files/reports/..%5csecret.html",
            "/wire/files//etc/passwd.html",
            "/wire/files/%2fetc/passwd.html",
            "/..%2fwire/files/reports/c1-0.html",
            "/%2e%2e/files/reports/c1-0.html",
            "/wire/files/reports/c1-0.html%00.html",
            "/wire/files/reports/c1-0.html%0a",
            "/wire/reports/c1-0.html",
            "/openapi.json",
            "/dags/wire.observe/runs/none",
            "/dags/other",
            "/dags/gone.observe",
            "/gone",
        ],
    )
    def test_anything_else_is_not_found(self, browse, loop, address):
        (loop.folder / "store" / "wire" / "_files" / "secret.html").write_text("secret")
        (loop.folder / "store" / "wire" / "_files" / "pulls").mkdir()
        (loop.folder / "store" / "wire" / "_files" / "pulls" / "plan.html").write_text("secret")
        answer = browse(PREFIX + address)
        assert answer.status_code == 404
        assert "secret" not in answer.text.replace("secret.html", "")

    def test_who_may_not_see_a_loop_does_not_learn_which_there_are(self, browse):
        for loop in ("wire", "gone"):
            assert browse(f"{PREFIX}/{loop}/files/reports/c1-0.html", "no role").status_code == 403


@pytest.mark.parametrize(
    ("path", "dags"),
    [
        ("drift/20260310T0000-20260311T0000.html", ["wire.observe"]),
        ("expectations/index.html", ["wire.observe", "wire.label"]),
        ("reports/c1-0.html", ["wire.retrain"]),
        ("evaluations/c1-abc.png", ["wire.retrain"]),
        ("other/x.html", ["wire.observe", "wire.label", "wire.retrain", "wire.guard"]),
    ],
)
def test_access_is_that_to_the_dags_that_wrote_the_page(browse, monkeypatch, path, dags):
    """Whatever DAG the address names besides: it is the page's own that is asked for."""
    manager = get_auth_manager()
    asked = Mock(spec=manager.is_authorized_dag, return_value=True)
    monkeypatch.setattr(manager, "is_authorized_dag", asked)
    browse(f"{PREFIX}/wire/files/{path}?dag_id=mine")
    assert [call.kwargs["details"].id for call in asked.call_args_list] == dags
    assert {call.kwargs["method"] for call in asked.call_args_list} == {"GET"}
    asked.reset_mock()
    asked.side_effect = lambda **given: given["details"].id != dags[-1]
    assert browse(f"{PREFIX}/wire/files/{path}?dag_id=mine").status_code == 403


class TestStore:
    def test_without_its_connection_the_answer_says_what_to_do(self, browse, monkeypatch):
        monkeypatch.delenv("AIRFLOW_CONN_FEEDBACK_STORE")
        answer = browse(NOTES)
        assert answer.status_code == 503
        assert "AIRFLOW_CONN_FEEDBACK_STORE" in answer.text

    def test_connection_in_airflows_database_is_found(self, browse, monkeypatch, loop):
        from airflow.models import Connection
        from airflow.utils.session import create_session

        monkeypatch.delenv("AIRFLOW_CONN_FEEDBACK_STORE")
        monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")  # as `airflow api-server` sets it
        extra = f'{{"uri": "{loop.folder}/store"}}'
        with create_session() as session:
            session.add(Connection(conn_id="feedback_store", conn_type="generic", extra=extra))
        try:
            assert browse(NOTES).status_code == 200
        finally:
            with create_session() as session:
                session.query(Connection).delete()

    @pytest.mark.parametrize(
        "connection", ['{"conn_type": "generic"}', '{"conn_type": "generic", "extra": {"uri": "s3://none/hushhush"}}']
    )
    def test_store_that_cannot_be_read_is_told_without_its_place(self, browse, monkeypatch, connection):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AIRFLOW_CONN_FEEDBACK_STORE", connection)
        answer = browse(NOTES)
        assert answer.status_code == 503
        assert "hushhush" not in answer.text


def test_plugin_is_what_the_api_server_lists(api):
    plugin = next(one for one in plugins_manager.get_plugin_info() if one["name"] == "feedback_loop")
    assert [one["url_prefix"] for one in plugin["fastapi_apps"]] == [PREFIX, HINTS]
    assert len(plugin["operator_extra_links"]) == 7
    assert {PREFIX, HINTS} <= {getattr(route, "path", None) for route in api.routes}


def test_plugin_is_light():
    """Every worker and the scheduler load it too, so it imports neither data libraries nor the API server."""
    heavy = {"pandas", "mlflow", "great_expectations", "deltalake", "pyarrow", "numpy", "sklearn", "boto3", "httpx",
             "airflow.api_fastapi.core_api.security"}  # fmt: skip
    code = (
        "import sys, airflow.sdk, airflow.plugins_manager; before = set(sys.modules); import feedback_loop_plugin; "
        "print(*sorted(set(sys.modules) - before), sep='\\n')"
    )
    path = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}"}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **path}, capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.splitlines())
    assert "feedback_loop.links.page_links" in imported
    assert imported & heavy == set()
