"""The task that lets a canary go on, where the loop file asks for one."""

from typing import Any

from airflow.sdk import BaseOperator

from feedback_loop.operators.advance_canary import AdvanceCanaryOperator
from include.foundation.config.loop_file import Loop


def canary_tasks(loop: Loop, decision: Any, **kwargs: Any) -> list[BaseOperator]:
    """Return ``advance_canary`` in a list; an empty one without ``deploy.strategy: canary``.

    Parameters
    ----------
    loop
        The loop.
    decision
        Reference of the guard's verdict.
    **kwargs
        Of the operator.
    """
    if loop.deploy.strategy != "canary":
        return []
    return [AdvanceCanaryOperator(task_id="advance_canary", loop=loop.name, decision=decision, **kwargs)]
