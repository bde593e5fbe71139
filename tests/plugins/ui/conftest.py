import json
import uuid
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import yaml
from fastapi.testclient import TestClient

from include.foundation.decisions import record
from include.foundation.statistics.estimates import Estimate
from include.foundation.store.ledgers.deployments import Deployment, append_deployment
from include.foundation.store.loop_files import write_file
from include.foundation.store.tables import LoopStore
from tests.builders import make_loop
from tests.decision_builders import make_guard_verdict

PICTURE = b"\x89PNG\r\n"
PAGES = {
    "drift/20260310T0000-20260311T0000.html": b"<h1>drift",
    "drift/20260310T0000-20260311T0000.png": PICTURE,
    "evaluations/c1-abc.png": PICTURE,
    "expectations/index.html": b"<h1>batches",
    "expectations/2026-03/20260310T000000-logs-20260311T000000.html": b"<h1>batch",
    "reports/c1-0.html": b"<h1>notes",
}


@pytest.fixture(scope="session")
def api():
    """Airflow's whole API server as it starts, our plugin in it, on a database with Airflow's tables."""
    from airflow import settings
    from airflow.api_fastapi.app import create_app
    from airflow.models import import_all_models
    from airflow.models.base import Base

    import_all_models()
    Base.metadata.create_all(settings.get_engine())
    return create_app()


@pytest.fixture
def loop(monkeypatch, tmp_path):
    """The loop called wire with pages in its store, and the connection that the API server's process is given."""
    folder = tmp_path / "loops"
    folder.mkdir()
    wire = make_loop(tmp_path)
    (folder / "wire.yaml").write_text(yaml.safe_dump(wire.model_dump(mode="json", exclude_unset=True)))
    monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(folder))
    place = str(tmp_path / "store")
    monkeypatch.setenv("AIRFLOW_CONN_FEEDBACK_STORE", json.dumps({"conn_type": "generic", "extra": {"uri": place}}))
    store = LoopStore(wire, place)
    for path, content in PAGES.items():
        write_file(store, path, content)
    return SimpleNamespace(store=store, folder=tmp_path)


@pytest.fixture
def live(loop):
    """The loop called wire with a version that is live, which the guard has looked at."""
    append_deployment(loop.store, Deployment("3", "2", "deploy", "It is better.", "e", None))
    score = Estimate(0.8125, 0.75, 0.875, 100, 100.0)
    record(loop.store, make_guard_verdict("3", "kept", score=score, reasons=("It keeps its promise.",)))
    return loop


@pytest.fixture
def browse(api, loop):
    """Ask the API server for an address as a user with a role, or without any login, as ``login=None`` is."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    def get(address, login="admin", *, method="GET", cookie=False, **options):
        client = TestClient(api, raise_server_exceptions=False, **options)
        if login is None:
            return client.request(method, address)
        user = SimpleAuthManagerUser(username="ada", role=login if login != "no role" else None)
        token = get_auth_manager().generate_jwt(user)
        if cookie:
            client.cookies.set("_token", token)
            return client.request(method, address)
        return client.request(method, address, headers={"Authorization": f"Bearer {token}"})

    return get


@pytest.fixture
def airflow_run(api):
    """Put runs of the loop called wire into Airflow's database, each with its tasks, and take them away again."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunType
    from sqlalchemy import delete, insert

    begun = datetime(2026, 11, 20, 6, tzinfo=UTC)

    def add(dag_id, run_id="manual__1", state="success", tasks=(), *, is_paused=False):
        """Add a run, whose tasks are each a name, a state and what it left by key."""
        with create_session() as session:
            if session.get(DagModel, dag_id) is None:
                session.add(DagModel(dag_id=dag_id, bundle_name="wire", fileloc="x", is_paused=is_paused))
                session.flush()
            run = DagRun(
                dag_id=dag_id, run_id=run_id, run_type=DagRunType.MANUAL, run_after=begun, start_date=begun, state=state
            )
            session.add(run)
            session.flush()
            own = {"dag_id": dag_id, "run_id": run_id, "map_index": -1}
            for place, (task_id, task_state, left) in enumerate(tasks):
                start = begun.replace(minute=place) if task_state else None
                session.execute(
                    insert(TaskInstance).values(
                        id=uuid.uuid4(),
                        task_id=task_id,
                        state=task_state,
                        start_date=start,
                        pool="default_pool",
                        pool_slots=1,
                        queue="default",
                        try_number=1,
                        max_tries=0,
                        **own,
                    )
                )
                for key, value in left.items():
                    session.execute(
                        insert(XComModel).values(
                            key=key, value=value, dag_run_id=run.id, task_id=task_id, timestamp=begun, **own
                        )
                    )

    with create_session() as session:
        session.add(DagBundleModel(name="wire"))
    yield add
    with create_session() as session:
        for table in (XComModel, TaskInstance, DagRun, DagModel, DagBundleModel):
            session.execute(delete(table))
