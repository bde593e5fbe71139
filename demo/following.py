"""The demo's loop in a real Airflow: it goes on until it comes to rest, and what happens is said."""

import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from demo.airflow_client import TERMINAL, AirflowClient
from demo.annotators import Annotators
from demo.gateway_server import GatewayServer
from demo.progress import Progress
from demo.standalone import Standalone
from demo.traffic import Traffic
from include.foundation.config.loop_file import Loop
from include.foundation.decisions import Decision, GateVerdict, GuardVerdict, find
from include.foundation.errors import FeedbackLoopError
from include.foundation.store.ledgers.deployments import history
from include.foundation.store.tables import LoopStore
from include.stages.labeling.pushing import open_requests

STAGES = ("observe", "label", "retrain", "guard")
QUIET_LOOKS = 3
LONGEST_WAIT_SECONDS = 900  # on a machine that does a lot else
LONGEST_LABELING_SECONDS = 1800  # where people answer one task after another
TOLD = {"promote", "reject", "await_live", "broken"}
REASONS_WIDTH = 118


@dataclass
class Follower:
    """Follows a loop: the simulated world around it, and the Airflow and the gateway that it runs in."""

    loop: Loop
    airflow: Standalone
    gateway: GatewayServer
    client: AirflowClient
    traffic: Traffic
    annotators: Annotators
    progress: Progress
    store: LoopStore
    patience: float = LONGEST_WAIT_SECONDS
    served: str | None = None
    quiet: int = 0  # looks in a row at which nothing went on
    _told: set[str] = field(default_factory=set)

    def run(self, stage: str, form: dict[str, Any]) -> None:
        """Trigger a DAG by hand, and let the loop go on until that run has ended.

        Parameters
        ----------
        stage
            One of `STAGES`.
        form
            What the trigger form says.
        """
        dag_id = f"{self.loop.name}.{stage}"
        run = self.client.trigger(dag_id, form)
        self.run_until(lambda: self.client.get(f"/dags/{dag_id}/dagRuns/{run}")["state"] in TERMINAL)

    def run_until_idle(self, until_deployments: int = 0) -> None:
        """Let the loop go on until no run is left and every request is resolved.

        Parameters
        ----------
        until_deployments
            Wait until at least so many versions were deployed.

        Raises
        ------
        FeedbackLoopError
            If a task failed, or if the loop does not become idle in time.
        """
        self.run_until(lambda: self.quiet >= QUIET_LOOKS and len(history(self.store)) >= until_deployments)

    def run_until(self, is_over: Callable[[], bool]) -> None:
        """Let the annotators answer and print progress, once a second.

        Parameters
        ----------
        is_over
            Tells after each look whether to go on.

        Raises
        ------
        FeedbackLoopError
            If a task failed, or if it takes too long.
        """
        self.quiet, deadline = 0, time.monotonic() + self.patience
        while True:
            self.quiet = 0 if self.look() else self.quiet + 1
            if is_over():
                break
            if time.monotonic() > deadline:
                raise FeedbackLoopError(f"The loop did not come to rest in {self.patience} s; see {self.airflow.url}")
            time.sleep(1)
        self.tell_verdicts()

    def look(self) -> bool:
        """Let the annotators answer, print what has ended since, and return whether anything goes on."""
        answered = self.annotators.answer_open()
        if answered:
            self.progress.say(f"Annotators gave {answered} answer{'' if answered == 1 else 's'}")
        has_runs, is_waiting, is_behind = self.progress.look(), self.waiting(), self.gateway_is_behind()
        if self.progress.failed:
            raise FeedbackLoopError(self.failure())
        return has_runs or is_waiting or is_behind or bool(answered)

    def waiting(self) -> bool:
        """Return whether a pushed request is not resolved yet."""
        return bool(open_requests(self.store).num_rows)

    def gateway_is_behind(self) -> bool:
        """Return whether the gateway serves another version than is live; say so when it has followed."""
        live, version = history(self.store)[-1:], self.gateway.version()
        if version != self.served:
            waited = (datetime.now(UTC) - live[0].deployed_at).total_seconds() if live else 0.0
            before = f", before version {self.served}" if self.served else ""
            self.progress.say(f"The gateway answers with version {version}{before}; it followed within {waited:.0f} s")
            self.served = version
        return any(deployment.model_version != version for deployment in live)

    def tell_verdicts(self) -> None:
        """Say in words why challengers were promoted or refused, and a champion was put back, once."""
        verdicts: list[Decision] = [*find(self.store, GateVerdict), *find(self.store, GuardVerdict)]
        for verdict in verdicts:
            if verdict.outcome in TOLD and verdict.evidence_digest not in self._told:
                self._told.add(verdict.evidence_digest)
                said = f"{verdict.kind} {verdict.subject[:8]}: {verdict.outcome.replace('_', ' ')}. {' '.join(verdict.reasons)}"
                print(textwrap.fill(said, REASONS_WIDTH, initial_indent=" " * 9, subsequent_indent=" " * 9), flush=True)

    def failure(self) -> str:
        """Return which task failed first, and the end of its log."""
        dag_id, run_id, task_id, map_index, attempt = self.progress.failed[0]
        text = self.client.log_text(dag_id, run_id, task_id, map_index, attempt)
        return f"{dag_id}, task {task_id} failed:\n{text[-1500:]}"
