"""The tasks by which a promoted challenger goes through the environments before production."""

from airflow.sdk import BaseOperator

from feedback_loop.operators.approve import ApproveDeploymentOperator
from feedback_loop.operators.deliver import DeliverOperator
from include.foundation.config.loop_file import Loop


def environment_tasks(loop: Loop, gate: BaseOperator) -> list[BaseOperator]:
    """Return, in their order, the tasks that deliver to each environment before production; none without such environments.

    Parameters
    ----------
    loop
        The loop.
    gate
        Its output is the verdict on the challenger.
    """
    tasks: list[BaseOperator] = []
    for place, environment in enumerate(loop.deploy.gitops.before_production):
        name, approval = environment.replace("-", "_"), None
        if place:
            approve = ApproveDeploymentOperator(
                task_id=f"approve_{name}", gate=gate.output, loop=loop.name, policy=loop.gate, environment=environment
            )
            tasks.append(approve)
            approval = approve.output
        tasks.append(
            DeliverOperator(
                task_id=f"deliver_to_{name}",
                loop=loop.name,
                decision=gate.output,
                environment=environment,
                approval=approval,
            )
        )
    return tasks
