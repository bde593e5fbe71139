"""Play a loop's whole story through a real Airflow: ``python -m demo.story --loop newswire``.

A first champion is trained on a hundred labels. It serves a month of ordinary days; then the traffic shifts. In each cycle the
log of a day is pulled by schedule, labels are requested, simulated annotators answer, and a challenger is trained and judged.
"""

import argparse
import contextlib
import signal
import sys
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from demo.airflow_client import AirflowClient, connected
from demo.annotators import Annotators
from demo.data_sets import examples_for
from demo.earlier_demos import remove_earlier_demos, remove_earlier_projects
from demo.epilogue import gains
from demo.label_studio_server import USER, LabelStudioServer
from demo.loopback import demand_free
from demo.progress import Progress, table
from demo.standalone import Standalone, running
from demo.studio_annotators import StudioAnnotators
from demo.studio_loop import with_label_studio
from demo.traffic import Traffic
from include.foundation.config.loading import loop_named, resolve
from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError, FeedbackLoopError
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
        kind = "topics and lengths have shifted" if shifted else "an ordinary day"
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
                self.progress.say(f"Annotators gave {answered} answers")
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


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 if the story was played to its end."""
    parser = argparse.ArgumentParser(prog="python -m demo.story", description=__doc__)
    parser.add_argument("--loop", default="newswire")
    parser.add_argument("--cycles", type=int, default=3)
    parser.add_argument("--rows", type=int, default=None, help="documents a cycle")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--labeling", choices=["files", "label_studio"], default="files")
    parser.add_argument("--studio-port", type=int, default=8085)
    options = parser.parse_args(arguments)
    # If it is ended from outside, it cleans up as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        studio = LabelStudioServer(port=options.studio_port)
        if options.labeling == "files":
            play(options.loop, options.cycles, options.rows, Standalone(port=options.port))
        else:
            airflow = Standalone(port=options.port, loops=Standalone().home / "loops", label_studio=studio)
            play(options.loop, options.cycles, options.rows, airflow, studio)
    except FeedbackLoopError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    return 0


def play(
    name: str, number_of_cycles: int, rows: int | None, airflow: Standalone, studio: LabelStudioServer | None = None
) -> None:
    """Play the story of one loop in an Airflow that is started for it and stopped at its end.

    Parameters
    ----------
    name
        Name of the loop; its labeling backend must be ``files``.
    number_of_cycles
        How many days are served after the reference days.
    rows
        Documents a cycle; if None, a number that suits the size of the data set.
    airflow
        The Airflow to start, which must not be running.
    studio
        The Label Studio to start and to label in, in place of files.

    Raises
    ------
    ConfigError
        If the demo cannot play this loop here.
    FeedbackLoopError
        If a task failed, or if the loop does not become idle in time.
    """
    loop = loop_named(name)
    if loop.labeling.backend != "files":
        raise ConfigError(
            f"{name}: labeling.backend is {loop.labeling.backend}; the demo starts from the files backend, see --labeling"
        )
    if airflow.running():
        raise ConfigError(f"Airflow runs already at {airflow.url}; `make down` stops it")
    if studio is not None:
        if studio.port in (airflow.port, airflow.port + 1):
            raise ConfigError(
                f"Port {studio.port} is Airflow's or its database's: give Label Studio another (STUDIO_PORT)"
            )
        demand_free(studio.port)
    examples = examples_for(loop)
    remove_earlier_demos(loop, airflow)
    with contextlib.ExitStack() as stack:
        if studio is not None and airflow.loops is not None:
            remove_earlier_projects(studio)
            loop = with_label_studio(name, airflow.loops)
            print(f"Starting Label Studio at {studio.url} (its log: {studio.log}) …", flush=True)
            stack.callback(studio.stop)
            studio.launch()
        traffic = Traffic(loop, examples)
        _make_sources(loop, traffic)
        print(f"Starting Airflow at {airflow.url} (its log: {airflow.log}) …", flush=True)
        store, registry = LoopStore(loop, airflow.store), ModelRegistry(airflow.tracking_uri, loop)
        stack.enter_context(running(airflow))
        client = stack.enter_context(connected(airflow.url, "admin", airflow.password))
        annotators = _annotators(loop, traffic, studio, stack)
        _ = registry.experiment_id  # the first use creates MLflow's tables
        progress = Progress(client, [f"{name}.{stage}" for stage in STAGES])
        story = Story(loop, airflow, client, traffic, annotators, progress, store, registry)
        story.patience = LONGEST_WAIT_SECONDS if studio is None else LONGEST_LABELING_SECONDS
        story.play(number_of_cycles, rows or (400 if len(examples) > 4000 else 250))
        print(story.summary())
        if studio is not None:
            print(f"Label Studio with these tasks: make label-studio, then {studio.url}; user {USER}")


def _annotators(
    loop: Loop, traffic: Traffic, studio: LabelStudioServer | None, stack: contextlib.ExitStack
) -> Annotators:
    """Return who answers: in files, or in Label Studio once it is healthy."""
    if studio is None:
        return Annotators(loop, traffic.truth)
    studio.wait()
    people = StudioAnnotators(loop, traffic.truth, studio)
    stack.callback(people.close)
    return people


def _make_sources(loop: Loop, traffic: Traffic) -> None:
    traffic.write_seed_labels(SEED_LABELS)
    Path(resolve(str(loop.logs.uri))).mkdir(parents=True, exist_ok=True)
    if loop.feedback.uri:
        Path(resolve(loop.feedback.uri)).mkdir(parents=True, exist_ok=True)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
