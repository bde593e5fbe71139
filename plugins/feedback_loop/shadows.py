"""The task that reads what challengers said of live requests, where the loop file asks for it."""

from typing import Any

from airflow.sdk import BaseOperator

from feedback_loop.operators.pull_shadow import PullShadowOperator
from include.foundation.config.loop_file import Loop


def shadow_tasks(loop: Loop, interval: Any, **kwargs: Any) -> list[BaseOperator]:
    """Return ``pull_shadow`` in a list; an empty one without ``deploy.strategy: shadow``.

    Parameters
    ----------
    loop
        The loop.
    interval
        Key of the interval, from ``plan_pull``.
    **kwargs
        Of the operator.
    """
    if loop.deploy.strategy != "shadow":
        return []
    return [PullShadowOperator(task_id="pull_shadow", loop=loop.name, interval=interval, **kwargs)]
