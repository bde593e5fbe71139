"""The demo's story: a first champion serves ordinary days, the traffic shifts, a champion goes bad, and the loop answers."""

import textwrap
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from demo.airflow_client import TERMINAL, AirflowClient
from demo.annotators import Annotators
from demo.epilogue import gains
from demo.gateway_server import GatewayServer
from demo.progress import Progress, table
from demo.standalone import Standalone
from demo.traffic import Kind, Traffic
from include.foundation.config.loop_file import Loop
from include.foundation.decisions import Decision, GateVerdict, GuardVerdict, find
from include.foundation.errors import FeedbackLoopError
from include.foundation.store.ledgers.deployments import history
from include.foundation.store.tables import LoopStore
from include.stages.labeling.pushing import open_requests
from include.stages.reports.loop_history import cycles

STAGES = ("observe", "label", "retrain", "guard")
SEED_LABELS = 100
FIRST_DAY = date(2026, 9, 1)
ORDINARY_ROWS = 40
BAD_DAYS = 5
CYCLES: tuple[Kind, ...] = ("shifted", "traded", "traded")
GUARD_RUNS = 3
QUIET_LOOKS = 3
LONGEST_WAIT_SECONDS = 900  # on a machine that does a lot else
LONGEST_LABELING_SECONDS = 1800  # where people answer one task after another
KINDS: dict[Kind, str] = {
    "ordinary": "an ordinary day",
    "shifted": "topics, and lengths or the scanner, have shifted",
    "traded": "documents are ordinary, but classes have traded places: what was {0} counts as {1}, and what was {1} as {0}",
}
TOLD = {"promote", "reject", "broken"}
REASONS_WIDTH = 118


@dataclass
class Story:
    """The demo's state: the loop, the simulated world around it, and the Airflow and the gateway that it runs in."""

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

    def play(self, rows: int) -> None:
        """Play the story from the first labels to the rollback."""
        day = self.opening()
        for number, kind in enumerate(CYCLES):
            self.cycle(number + 1, day + timedelta(days=number), rows, kind)
        self.undone(day + timedelta(days=len(CYCLES)), rows)

    def opening(self) -> date:
        """Train a first champion, let it serve the reference days, and return the day after them."""
        for stage in STAGES:
            self.client.unpause(f"{self.loop.name}.{stage}")
        self.progress.say(f"The gateway at {self.gateway.url} says: {self.gateway.readiness()}")
        self.progress.say(f"The loop starts from {SEED_LABELS} labels: label → retrain → the first champion")
        self.client.trigger(f"{self.loop.name}.label")
        self.run_until_idle(until_deployments=1)
        days = self.loop.drift.reference_days
        end = FIRST_DAY + timedelta(days=days)
        self.serve(FIRST_DAY, end, ORDINARY_ROWS, "ordinary")
        self.pull(FIRST_DAY, end)
        self.run_until_idle()
        return end

    def cycle(self, number: int, day: date, rows: int, kind: Kind) -> None:
        """Serve one day with the present champion, and let the scheduler run the loop on it.

        Parameters
        ----------
        number
            1 for the first cycle.
        day
            The day to serve.
        rows
            How many documents to serve.
        kind
            Of the day.
        """
        self.progress.say("")
        self.progress.say(f"Cycle {number}")
        self.serve(day, day + timedelta(days=1), rows, kind)
        self.client.backfill(f"{self.loop.name}.observe", _midnight(day), _midnight(day))
        self.run_until_idle()

    def undone(self, day: date, rows: int) -> None:
        """Serve days on which what the champion learnt last does not hold any more, and have the guard look at it.

        Parameters
        ----------
        day
            The first of them.
        rows
            How many documents to serve on all of them.
        """
        end = day + timedelta(days=BAD_DAYS)
        self.progress.say("")
        self.progress.say("The world changes back")
        self.serve(day, end, rows // BAD_DAYS, "ordinary")
        self.pull(day, end)
        self.run_until_idle()
        known = len(history(self.store))
        for _ in range(GUARD_RUNS):
            self.run("guard", {})
            if len(history(self.store)) > known:
                break
            self.run_until(lambda: not self.waiting())
        self.run_until_idle()

    def serve(self, first: date, end: date, rows: int, kind: Kind) -> None:
        """Let users ask the gateway on each day, and say what answered.

        Parameters
        ----------
        first, end
            The first day, and the one after the last.
        rows
            How many documents a day.
        kind
            Of the days.
        """
        days, answered = (end - first).days, Counter[str]()
        for number in range(days):
            answered += self.traffic.serve_day(first + timedelta(days=number), rows, self.gateway, kind)
        self.gateway.wait_for_logs()
        when = f"on {first}" if days == 1 else f"on {days} days from {first} on"
        by = " and ".join(f"version {version} answered {count} requests" for version, count in answered.items())
        self.progress.say(f"Served {when}: {by}; {KINDS[kind].format(*self.traffic.trades)}")

    def pull(self, first: date, end: date) -> None:
        """Pull days with the trigger form, without asking for labels.

        Parameters
        ----------
        first, end
            The first day, and the one after the last.
        """
        self.run("observe", {"start": _midnight(first).isoformat(), "end": _midnight(end).isoformat(), "budget": 0})

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
                said = f"{verdict.kind} {verdict.subject[:8]}: {verdict.outcome}. {' '.join(verdict.reasons)}"
                print(textwrap.fill(said, REASONS_WIDTH, initial_indent=" " * 9, subsequent_indent=" " * 9), flush=True)

    def failure(self) -> str:
        """Return which task failed first, and the end of its log."""
        dag_id, run_id, task_id, map_index, attempt = self.progress.failed[0]
        text = self.client.log_text(dag_id, run_id, task_id, map_index, attempt)
        return f"{dag_id}, task {task_id} failed:\n{text[-1500:]}"

    def summary(self) -> str:
        """Return the table of the cycles, what they gained, and where to look further."""
        reports = f"{self.store.uri}/_files/reports/index.html"
        return "\n".join(
            ["", table(cycles(self.store)), "", *gains(self.store), "", f"Release notes: {reports}",
             f"Airflow's UI with these runs: make up, then {self.airflow.url}"]
        )  # fmt: skip


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
