"""A small client of Airflow's REST API, with what the demo and the integration tests need of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx

from include.foundation.errors import FeedbackLoopError

RESTART_SECONDS = 180
TERMINAL = {"success", "failed"}


class NotThereError(FeedbackLoopError):
    """Airflow has nothing of that name."""


class AirflowClient:
    """Call the API of one Airflow.

    Parameters
    ----------
    base_url
        Address of the API server, such as ``http://127.0.0.1:8080``.
    username, password
        Login of a user. A token is fetched when it is first needed.
    """

    def __init__(self, base_url: str, username: str, password: str) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=60)
        self._login = {"username": username, "password": password}

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON of a GET below ``/api/v2``, also across a restart of the API server."""
        deadline = time.monotonic() + RESTART_SECONDS
        while True:
            try:
                return self._call("GET", path, params=params)
            except httpx.TransportError as error:
                if time.monotonic() > deadline:
                    raise FeedbackLoopError(f"Airflow has not answered for {RESTART_SECONDS} s: {error!r}") from error
                time.sleep(1)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the JSON of a POST below ``/api/v2``."""
        return self._call("POST", path, json=body)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """Return the JSON of a PATCH below ``/api/v2``."""
        return self._call("PATCH", path, json=body)

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run a DAG."""
        self.patch(f"/dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Trigger a run by hand and return its id."""
        return str(self.post(f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf or {}})["dag_run_id"])

    def backfill(self, dag_id: str, first: datetime, last: datetime) -> None:
        """Create the scheduled runs whose logical dates lie between two moments, both included.

        Airflow allows one open backfill per DAG, and closes it only some time after its last run. An open one is therefore
        cancelled first, so nothing of it may be running.

        Parameters
        ----------
        dag_id
            The DAG.
        first, last
            The first and the last logical date, with a time zone.
        """
        for backfill in self.get("/backfills", dag_id=dag_id)["backfills"]:
            if backfill["completed_at"] is None:
                self._call("PUT", f"/backfills/{backfill['id']}/cancel")
        body = {
            "dag_id": dag_id,
            "from_date": first.isoformat(),
            "to_date": last.isoformat(),
            "reprocess_behavior": "completed",
            "max_active_runs": 1,
        }
        self.post("/backfills", body)

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return a DAG's runs, newest first."""
        return list(self.get(f"/dags/{dag_id}/dagRuns", order_by="-run_after", limit=100)["dag_runs"])

    def is_woken(self, dag_id: str) -> bool:
        """Return whether an asset event waits for the scheduler to make a run of a DAG."""
        try:
            return bool(self.get(f"/dags/{dag_id}/assets/queuedEvents")["total_entries"])
        except NotThereError:
            return False

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run."""
        return list(self.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", limit=100)["task_instances"])

    def log_text(self, dag_id: str, run_id: str, task_id: str, map_index: int, attempt: int) -> str:
        """Return the text of the log of one attempt.

        Parameters
        ----------
        dag_id, run_id, task_id
            The task.
        map_index
            Which instance of a mapped task; -1 for a task that is not mapped.
        attempt
            1 for the first attempt.
        """
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"
        log = self.get(path, full_content=True, map_index=map_index)
        events = log["content"] if isinstance(log, dict) else []
        return "\n".join(_said(item) if isinstance(item, dict) else str(item) for item in events)

    def xcom(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Any:
        """Return what a task returned; None if it returned nothing.

        Parameters
        ----------
        dag_id, run_id, task_id
            The task.
        map_index
            Which instance of a mapped task; -1 for a task that is not mapped.
        """
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        try:
            return self.get(path, deserialize=True, map_index=map_index)["value"]
        except NotThereError:
            return None

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str) -> None:
        """Answer a required action.

        Parameters
        ----------
        dag_id, run_id, task_id
            The task that waits for an answer.
        option
            The chosen option, such as ``Approve``.
        """
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        self.patch(path, {"chosen_options": [option], "params_input": {}})

    def wait_for_run(self, dag_id: str, run_id: str, seconds: float) -> dict[str, Any]:
        """Return a run once it has ended.

        Parameters
        ----------
        dag_id, run_id
            The run.
        seconds
            How long to wait.

        Raises
        ------
        FeedbackLoopError
            If it has not ended in time.
        """
        return dict(self.wait(lambda: self._ended(dag_id, run_id), f"{dag_id} {run_id} to end", seconds))

    def wait(self, look: Callable[[], Any], event: str, seconds: float) -> Any:
        """Return the first truthy result of ``look``, which is called once a second.

        Parameters
        ----------
        look
            Returns something falsy until the event has happened.
        event
            What is waited for, in the words of the error.
        seconds
            How long to wait.

        Raises
        ------
        FeedbackLoopError
            If it has not happened in time.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            result = look()
            if result:
                return result
            time.sleep(1)
        raise FeedbackLoopError(f"Waited {seconds:.0f} s for {event} in vain")

    def _ended(self, dag_id: str, run_id: str) -> dict[str, Any] | None:
        run: dict[str, Any] = self.get(f"/dags/{dag_id}/dagRuns/{run_id}")
        return run if run["state"] in TERMINAL else None

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        if "Authorization" not in self._http.headers:
            self._authenticate()
        response = self._http.request(method, f"/api/v2{path}", **arguments)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._authenticate()
            response = self._http.request(method, f"/api/v2{path}", **arguments)
        if response.is_error:
            kind = NotThereError if response.status_code == httpx.codes.NOT_FOUND else FeedbackLoopError
            raise kind(f"Airflow answered {response.status_code} to {method} {path}: {response.text[:500]}")
        return response.json() if response.content else None

    def _authenticate(self) -> None:
        response = self._http.post("/auth/token", json=self._login)
        if response.is_error:
            raise FeedbackLoopError(f"Airflow refused the login of {self._login['username']}: {response.text[:200]}")
        self._http.headers["Authorization"] = f"Bearer {response.json()['access_token']}"


@contextmanager
def connected(base_url: str, username: str, password: str) -> Iterator[AirflowClient]:
    """Yield a client, and close it afterwards.

    Parameters
    ----------
    base_url, username, password
        As in `AirflowClient`.
    """
    client = AirflowClient(base_url, username, password)
    try:
        yield client
    finally:
        client.close()


def _said(item: dict[str, Any]) -> str:
    """Return what an entry of a log says, with the error if it has one."""
    errors = [f"{each.get('exc_type')}: {each.get('exc_value')}" for each in item.get("error_detail") or []]
    return "\n".join([str(item.get("event", item)), *errors])
