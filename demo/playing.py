"""The demo's story: a first champion serves ordinary days, then the traffic shifts, and the loop answers, cycle by cycle."""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from demo.airflow_client import AirflowClient
from demo.annotators import Annotators
from demo.epilogue import gains
from demo.progress import Progress, table
from demo.standalone import Standalone
from demo.traffic import Traffic
from include.foundation.config.loop_file import Loop
from include.foundation.errors import FeedbackLoopError
from include.foundation.models.loaded_model import LoadedModel
from include.foundation.models.registry import ModelRegistry
from include.foundation.store.ledgers.deployments import history
from include.foundation.store.tables import LoopStore
from include.stages.labeling.pushing import open_requests
from include.stages.reports.loop_history import cycles

STAGES = ("observe", "label", "retrain", "guard")
SEED_LABELS = 100
FIRST_DAY = date(2026, 9, 1)
ORDINARY_ROWS = 40
QUIET_LOOKS = 3
LONGEST_WAIT_SECONDS = 240
LONGEST_LABELING_SECONDS = 1800  # where people answer one task after another


@dataclass
class Story:
    """The demo's state: the loop, the simulated world around it, and the Airflow that it runs in."""

    loop: Loop
    airflow: Standalone
    client: AirflowClient
    traffic: Traffic
    annotators: Annotators
    progress: Progress
    store: LoopStore
    registry: ModelRegistry
    patience: float = LONGEST_WAIT_SECONDS

    def play(self, number_of_cycles: int, rows: int) -> None:
        """Play the story from the first labels to the last cycle."""
        for stage in STAGES:
            self.client.unpause(f"{self.loop.name}.{stage}")
        self.progress.say(f"The loop starts from {SEED_LABELS} labels: label → retrain → the first champion")
        self.client.trigger(f"{self.loop.name}.label")
        self.run_until_idle(until_deployments=1)
        day = self.ordinary_days()
        for number in range(1, number_of_cycles + 1):
            self.cycle(number, day + timedelta(days=number - 1), rows)

    def ordinary_days(self) -> date:
        """Let the first champion serve the reference days, pull them with the trigger form, and return the day after them."""
        days = self.loop.drift.reference_days
        model = self.champion()
        for number in range(days):
            self.traffic.serve_day(FIRST_DAY + timedelta(days=number), ORDINARY_ROWS, model, shifted=False)
        end = FIRST_DAY + timedelta(days=days)
        self.progress.say(f"Version {model.version} served {days} ordinary days; pulling them with the trigger form")
        form = {"start": _midnight(FIRST_DAY).isoformat(), "end": _midnight(end).isoformat(), "budget": 0}
        run = self.client.trigger(f"{self.loop.name}.observe", form)
        self.client.wait_for_run(f"{self.loop.name}.observe", run, LONGEST_WAIT_SECONDS)
        self.run_until_idle()
        return end

    def cycle(self, number: int, day: date, rows: int) -> None:
        """Serve one day with the present champion, and let the scheduler run the loop on it.

        Parameters
        ----------
        number
            1 for the first cycle, whose day is ordinary; later days have shifted.
        day
            The day to serve.
        rows
            How many documents to serve.
        """
        model = self.champion()
        shifted = number > 1
        written = self.traffic.serve_day(day, rows, model, shifted=shifted)
        kind = "topics, and lengths or the scanner, have shifted" if shifted else "an ordinary day"
        self.progress.say("")
        self.progress.say(f"Cycle {number}: version {model.version} served {day}, {written} log lines; {kind}")
        self.client.backfill(f"{self.loop.name}.observe", _midnight(day), _midnight(day))
        self.run_until_idle()

    def run_until_idle(self, until_deployments: int = 0) -> None:
        """Let the annotators answer and print progress until no run is left and every request is resolved.

        Parameters
        ----------
        until_deployments
            Wait until at least so many versions were deployed.

        Raises
        ------
        FeedbackLoopError
            If a task failed, or if the loop does not become idle in time.
        """
        quiet, deadline = 0, time.monotonic() + self.patience
        while quiet < QUIET_LOOKS or len(history(self.store)) < until_deployments:
            if time.monotonic() > deadline:
                raise FeedbackLoopError(f"The loop did not come to rest in {self.patience} s; see {self.airflow.url}")
            answered = self.annotators.answer_open()
            if answered:
                self.progress.say(f"Annotators gave {answered} answer{'' if answered == 1 else 's'}")
            has_runs, is_waiting = self.progress.look(), self.waiting()
            busy = has_runs or is_waiting or bool(answered)
            if self.progress.failed:
                raise FeedbackLoopError(self.failure())
            quiet = 0 if busy else quiet + 1
            time.sleep(1)

    def waiting(self) -> bool:
        """Return whether a pushed request is not resolved yet."""
        return bool(open_requests(self.store).num_rows)

    def champion(self) -> LoadedModel:
        """Return the champion.

        Raises
        ------
        FeedbackLoopError
            If there is none.
        """
        model = self.registry.champion()
        if model is None:
            raise FeedbackLoopError("No champion is live: the first model did not pass its floor")
        return model

    def failure(self) -> str:
        """Return which task failed first, and the end of its log."""
        dag_id, run_id, task_id, map_index, attempt = self.progress.failed[0]
        text = self.client.log_text(dag_id, run_id, task_id, map_index, attempt)
        return f"{dag_id}, task {task_id} failed:\n{text[-1500:]}"

    def summary(self) -> str:
        """Return the table of the cycles, what they gained, and where to look further."""
        reports = f"{self.store.uri}/_files/reports/index.html"
        return "\n".join(
            ["", table(cycles(self.store)), "", *gains(self.store, self.registry), "", f"Release notes: {reports}",
             f"Airflow's UI with these runs: make up, then {self.airflow.url}"]
        )  # fmt: skip


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
