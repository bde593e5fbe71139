"""What all DAGs of all loops have in common."""

from datetime import UTC, datetime, timedelta
from typing import Any

from include.foundation.config.loop_file import Loop

START = datetime(2024, 1, 1, tzinfo=UTC)


def dag_arguments(loop: Loop, stage: str) -> dict[str, Any]:
    """Return the keyword arguments of a loop's DAG for one stage: ``observe``, ``label``, ``retrain`` or ``guard``.

    One run at a time: the stages read what the run before them wrote.
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
        },
        "render_template_as_native_obj": True,
    }
