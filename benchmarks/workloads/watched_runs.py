"""Runs of loops in Airflow's database, as its pages and ours read them, without a scheduler."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow import settings
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunType
from sqlalchemy import insert

STAGES = {
    "observe": ("pull_logs", "detect_drift"),
    "label": ("collect_annotations",),
    "retrain": ("gate",),
    "guard": (),
}


def add_runs(loops: Path) -> None:
    """Add a run ``r`` of each DAG of the loops in a folder, unless that was done before."""
    prepare: Any = import_all_models
    prepare()
    engine: Any = settings.get_engine
    Base.metadata.create_all(engine())
    with create_session() as session:
        if session.get(DagBundleModel, "loops") is not None:
            return
        session.add(DagBundleModel(name="loops"))
        session.flush()
        for path in loops.glob("*.yaml"):
            for stage, tasks in STAGES.items():
                _add(session, f"{path.stem}.{stage}", tasks)


def _add(session: Any, dag_id: str, tasks: tuple[str, ...]) -> None:
    now = datetime.now(UTC)
    model: Any = DagModel
    session.add(model(dag_id=dag_id, bundle_name="loops", fileloc="dags", is_paused=False, is_stale=False))
    session.flush()
    session.add(
        DagRun(
            dag_id=dag_id,
            run_id="r",
            run_type=DagRunType.MANUAL,
            run_after=now,
            start_date=now,
            state=DagRunState.SUCCESS,
        )
    )
    session.flush()
    for task_id in tasks:
        session.execute(
            insert(TaskInstance).values(
                id=uuid.uuid4(),
                dag_id=dag_id,
                run_id="r",
                task_id=task_id,
                map_index=-1,
                state="success",
                start_date=now,
                pool="default_pool",
                pool_slots=1,
                queue="default",
                try_number=1,
                max_tries=0,
            )
        )
