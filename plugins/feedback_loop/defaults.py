"""What all DAGs of all loops have in common."""

from datetime import UTC, datetime, timedelta
from typing import Any

from feedback_loop.notifications import LoopNotifier
from include.foundation.config.loop_file import Loop

START = datetime(2024, 1, 1, tzinfo=UTC)


def dag_arguments(loop: Loop, stage: str) -> dict[str, Any]:
    """Return the keyword arguments of a loop's DAG for one stage: ``observe``, ``label``, ``retrain`` or ``guard``.

    One run at a time: the stages read what the run before them wrote.

    Notes
    -----
    ``execution_timeout`` counts the time on a worker, anew when a task that was deferred or waited for a person goes on. A wait
    itself is bounded by ``labeling.deadline_hours`` or ``gate.approval_hours``.
    """
    return {
        "dag_id": f"{loop.name}.{stage}",
        "description": f"{loop.description} ({stage})",
        "start_date": START,
        "catchup": False,
        "max_active_runs": 1,
        "tags": ["feedback-loop", loop.name, stage],
        "default_args": {
            "owner": loop.owner,
            "retries": 2,
            "retry_delay": timedelta(seconds=30),
            "retry_exponential_backoff": True,
            "execution_timeout": timedelta(minutes=loop.tasks.timeout_minutes),
            "on_failure_callback": [LoopNotifier(loop.name, "failure")],
        },
        "render_template_as_native_obj": True,
    }


def long_timeout(loop: Loop) -> timedelta:
    """Return the ``execution_timeout`` of a task that reads many logs, trains or evaluates."""
    return timedelta(minutes=loop.tasks.long_timeout_minutes)
