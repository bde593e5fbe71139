"""Who may see a page: who may see the task instances of the DAGs whose work it shows."""

from collections.abc import Collection
from typing import Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.batch_apis import IsAuthorizedDagRequest
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.models.dag import DagModel
from fastapi import Depends, HTTPException, status

from feedback_loop.assets import STAGES

# Which stages' DAGs write into a folder of the loop's files; other folders are not served.
WRITTEN_BY = {
    "drift": ("observe",),
    "evaluations": ("retrain",),
    "expectations": ("observe", "label"),
    "reports": ("retrain",),
}


class Access:
    """What a user may see.

    Parameters
    ----------
    user, session
        Given by FastAPI.
    """

    def __init__(self, user: GetUserDep, session: SessionDep) -> None:
        self._user, self._session = user, session

    def sees(self, dag_ids: Collection[str]) -> bool:
        """Tell whether the user may see the task instances of all these DAGs."""
        teams = DagModel.get_dag_id_to_team_name_mapping(sorted(dag_ids), session=self._session)
        requests: list[IsAuthorizedDagRequest] = [
            {
                "method": "GET",
                "access_entity": DagAccessEntity.TASK_INSTANCE,
                "details": DagDetails(id=dag_id, team_name=teams.get(dag_id)),
            }
            for dag_id in dag_ids
        ]
        return get_auth_manager().batch_is_authorized_dag(requests, user=self._user)

    def sees_loop(self, loop: str) -> bool:
        """Tell whether the user may see the task instances of every DAG of a loop."""
        return self.sees([f"{loop}.{stage}" for stage in STAGES])

    def demand(self, dag_ids: Collection[str]) -> None:
        """Refuse a user who may not see all these DAGs, whether they exist or not.

        Raises
        ------
        HTTPException
            403.
        """
        if not self.sees(dag_ids):
            raise HTTPException(status.HTTP_403_FORBIDDEN, "Forbidden")


AccessDep = Annotated[Access, Depends(Access)]


def to_file(access: AccessDep, loop: str, path: str) -> None:
    """Demand access to every DAG that writes into a file's folder.

    Parameters
    ----------
    access
        Of the user.
    loop, path
        Of the page, from its address.
    """
    access.demand(writing_dags(loop, path))


def writing_dags(loop: str, path: str) -> list[str]:
    """Return the ids of every DAG that writes into a file's folder; of all DAGs of the loop, where no DAG does."""
    return [f"{loop}.{stage}" for stage in WRITTEN_BY.get(path.partition("/")[0], STAGES)]


def to_loop(access: AccessDep, loop: str) -> None:
    """Demand access to every DAG of a loop."""
    access.demand([f"{loop}.{stage}" for stage in STAGES])


def to_dag(access: AccessDep, dag_id: str) -> None:
    """Demand access to a DAG."""
    access.demand([dag_id])
