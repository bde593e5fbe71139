"""What Airflow knows of the runs of loops: the newest of each DAG, when the next is due, and what a run returned."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from sqlalchemy import String, cast, func, select

from feedback_loop.assets import STAGES
from include.stages.reports.loop_needs import StageRuns

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

RETURNED = "return_value"
LINK = "_link_"  # how the key begins under which Airflow keeps a task's link


@dataclass(frozen=True)
class TaskOfRun:
    """A task of a run: its state, what it returned, and its links by the name of their class."""

    task_id: str
    state: str | None
    returned: Any
    links: dict[str, str]


def stage_runs(session: "Session", loops: Collection[str]) -> dict[str, tuple[StageRuns, ...]]:
    """Return the newest runs of the DAGs of some loops, in the order of the stages, by the loop's name.

    Parameters
    ----------
    session
        On Airflow's database: two queries, however many loops there are.
    loops
        Names.
    """
    ids = [f"{loop}.{stage}" for loop in loops for stage in STAGES]
    dags = {dag.dag_id: dag for dag in session.scalars(select(DagModel).where(DagModel.dag_id.in_(ids)))}
    newest = select(func.max(DagRun.id)).where(DagRun.dag_id.in_(ids)).group_by(DagRun.dag_id)
    runs = {run.dag_id: run for run in session.scalars(select(DagRun).where(DagRun.id.in_(newest)))}
    return {
        loop: tuple(
            _stage(stage, dags[dag_id], runs.get(dag_id)) for stage in STAGES if (dag_id := f"{loop}.{stage}") in dags
        )
        for loop in loops
    }


def _stage(stage: str, dag: DagModel, run: DagRun | None) -> StageRuns:
    return StageRuns(
        stage=stage,
        dag_id=dag.dag_id,
        state=str(run.state) if run else None,
        run_id=run.run_id if run else None,
        started_at=run.start_date if run else None,
        next_at=None if dag.is_paused else dag.next_dagrun_create_after,
        is_paused=dag.is_paused,
    )


def tasks_of_run(session: "Session", dag_id: str, run_id: str) -> Sequence[TaskOfRun]:
    """Return the tasks of a run in the order in which they began, others last; empty if there is no such run.

    Parameters
    ----------
    session
        On Airflow's database.
    dag_id, run_id
        Of the run.
    """
    of_run = (TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
    begun_first = (TaskInstance.start_date.is_(None), TaskInstance.start_date, TaskInstance.task_id)
    instances = session.scalars(select(TaskInstance).where(*of_run).order_by(*begun_first))
    kept = session.scalars(select(XComModel).where(XComModel.dag_id == dag_id, XComModel.run_id == run_id))
    values: dict[str, dict[str, Any]] = {}
    for row in kept:
        if row.key == RETURNED or row.key.startswith(LINK):
            values.setdefault(row.task_id, {})[row.key] = XComModel.deserialize_value(row)
    return [_task(instance, values.get(instance.task_id, {})) for instance in instances]


def writers_of(session: "Session", dag_ids: Collection[str], address: str) -> Sequence[tuple[str, str]]:
    """Return the DAG and the id of each run of which a task links to a page, the newest run first.

    Parameters
    ----------
    session
        On Airflow's database.
    dag_ids
        Of the DAGs that may have written it.
    address
        Of the page, as links have it: relative to the base address of Airflow's UI.
    """
    links = XComModel.dag_id.in_(dag_ids), XComModel.key.startswith(LINK, autoescape=True)
    names_it = cast(XComModel.value, String).contains(address, autoescape=True)
    kept = session.scalars(select(XComModel).where(*links, names_it).order_by(XComModel.dag_run_id.desc()))
    return list(dict.fromkeys((row.dag_id, row.run_id) for row in kept if XComModel.deserialize_value(row) == address))


def _task(instance: TaskInstance, values: dict[str, Any]) -> TaskOfRun:
    return TaskOfRun(
        task_id=instance.task_id,
        state=str(instance.state) if instance.state else None,
        returned=values.pop(RETURNED, None),
        links={key.removeprefix(LINK): address for key, address in values.items() if address},
    )
