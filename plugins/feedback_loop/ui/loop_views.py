"""The pages that are made when they are looked at: all loops, one loop, one run."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.sdk.exceptions import AirflowNotFoundException
from fastapi import APIRouter, Depends, HTTPException, Request, Response, status

from feedback_loop.links.every_link import LINKS
from feedback_loop.ui import access
from feedback_loop.ui.loop_runs import TaskOfRun, stage_runs, tasks_of_run
from feedback_loop.ui.page_answers import page_answer
from feedback_loop.ui.table_cache import of_tables, told
from include.foundation.config.loading import checked_loops, valid_loops
from include.foundation.config.loop_file import Loop
from include.foundation.errors import FeedbackLoopError

if TYPE_CHECKING:
    from include.foundation.store.tables import LoopStore
    from include.stages.reports.loop_needs import StageRuns
    from include.stages.reports.run_decisions import RecordedDecision
    from include.stages.reports.standing import Standing

LINK_NAMES = {link.__name__: link.name for link in LINKS}
URGENCY = ("act", "waits", "well")
OF_NO_LOOP = "This DAG is no stage of a loop, or its loop file is not valid"

router = APIRouter()
_lookers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="feedback-loop-stores")  # that wait for stores


@router.get("/", dependencies=[Depends(requires_access_dag("GET"))])
def loops(request: Request, seen: access.AccessDep, session: SessionDep) -> Response:
    """Return the page of all loops that the user may see, the worst first.

    Parameters
    ----------
    request, seen, session
        Given by FastAPI.
    """
    checked, problems = checked_loops()
    visible = [loop for loop in checked if seen.sees_loop(loop.name)]
    runs, now = stage_runs(session, [loop.name for loop in visible]), datetime.now(UTC)
    stands = _lookers.map(lambda loop: _standing_or_none(loop, now, runs[loop.name]), visible)
    rows = list(zip(visible, stands, strict=True))
    rows.sort(key=lambda row: (URGENCY.index(row[1].state) if row[1] else -1, row[0].name))
    return page_answer(request, "loops.html", {"rows": rows, "now": now, "problems": len(problems)})


@router.get("/dags/{dag_id}", dependencies=[Depends(access.to_dag)])
def loop_of_dag(request: Request, seen: access.AccessDep, session: SessionDep, dag_id: str) -> Response:
    """Return the page of the loop that a DAG is a stage of.

    Parameters
    ----------
    request, seen, session
        Given by FastAPI.
    dag_id
        Of the DAG, from the address.
    """
    loop = _loop(dag_id.rpartition(".")[0])
    access.to_loop(seen, loop.name)
    return _loop_page(request, session, loop)


@router.get("/dags/{dag_id}/runs/{run_id:path}", dependencies=[Depends(access.to_dag)])
def run(request: Request, session: SessionDep, dag_id: str, run_id: str) -> Response:
    """Return the page of what a run decided, and why.

    Parameters
    ----------
    request, session
        Given by FastAPI.
    dag_id, run_id
        Of the run, from the address.
    """
    loop = _loop(dag_id.rpartition(".")[0])
    tasks = tasks_of_run(session, dag_id, run_id)
    if not tasks:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"There is no run {run_id!r} of the DAG {dag_id!r}")
    facts = {"loop": loop, "dag_id": dag_id, "run_id": run_id, "tasks": list(_told(loop, tasks))}
    return page_answer(request, "run.html", facts)


@router.get("/{loop}", dependencies=[Depends(access.to_loop)])
def one_loop(request: Request, session: SessionDep, loop: str) -> Response:
    """Return the page of a loop.

    Parameters
    ----------
    request, session
        Given by FastAPI.
    loop
        Its name, from the address.
    """
    return _loop_page(request, session, _loop(loop))


@router.get("/{loop}/disagreements", dependencies=[Depends(access.to_loop)])
def disagreements(request: Request, loop: str) -> Response:
    """Return the page of rows on which the newest challenger and the champion disagree, with what they say.

    Parameters
    ----------
    request
        Given by FastAPI.
    loop
        Its name, from the address.
    """
    from include.stages.reports.disagreements import READ, disagreeing_rows

    known = _loop(loop)
    facts = {"loop": known, "judged": of_tables(known, READ, disagreeing_rows)}
    return page_answer(request, "disagreements.html", facts)


def _loop(name: str) -> Loop:
    for loop in valid_loops():
        if loop.name == name:
            return loop
    raise HTTPException(status.HTTP_404_NOT_FOUND, OF_NO_LOOP)


def _loop_page(request: Request, session: SessionDep, loop: Loop) -> Response:
    from include.stages.reports.kept_pages import OVERVIEW
    from include.stages.reports.overview import overview_facts

    now = datetime.now(UTC)
    stand = _standing(loop, now, stage_runs(session, [loop.name])[loop.name])
    facts = overview_facts(told(loop, OVERVIEW, now))
    return page_answer(request, "index.html", {**facts, "loop": loop, "stand": stand, "now": now})


def _standing_or_none(loop: Loop, now: datetime, runs: "Sequence[StageRuns]") -> "Standing | None":
    """Return where a loop stands; None where its store cannot be read, which its own page explains."""
    try:
        return _standing(loop, now, runs)
    except (FeedbackLoopError, AirflowNotFoundException):
        return None


def _standing(loop: Loop, now: datetime, runs: "Sequence[StageRuns]") -> "Standing":
    from include.stages.reports.kept_pages import FACTS
    from include.stages.reports.standing import standing

    return standing(loop, told(loop, FACTS, now), now, runs)


def _told(loop: Loop, tasks: Sequence[TaskOfRun]) -> Iterator[dict[str, Any]]:
    """Yield the tasks of a run, each with what it decided and its links by name."""
    digests = {task.task_id: _digest(task.returned) for task in tasks}
    decided = _decided(loop, {digest for digest in digests.values() if digest})
    for task in tasks:
        links = {LINK_NAMES.get(name, name): address for name, address in task.links.items()}
        yield {"task": task, "decision": decided.get(digests[task.task_id] or ""), "links": links}


def _decided(loop: Loop, digests: set[str]) -> "dict[str, RecordedDecision]":
    from include.stages.reports.run_decisions import decisions_of

    def decisions(store: "LoopStore") -> "dict[str, RecordedDecision]":
        return decisions_of(store, digests)

    return of_tables(loop, ["decisions"], decisions, frozenset(digests)) if digests else {}


def _digest(returned: Any) -> str | None:
    """Return the digest of the evidence of the decision that a task's output refers to; None if it is no reference."""
    digest = returned.get("evidence_digest") if isinstance(returned, dict) else None
    return digest if isinstance(digest, str) else None
