"""Play a loop's whole story through a real Airflow: ``python -m demo.story --loop newswire``.

A first champion is trained on a hundred labels. A real gateway serves it for a month of ordinary days; then the traffic
shifts. In each cycle what the gateway logged is pulled by schedule, labels are requested, simulated annotators answer, and a
challenger is trained and judged: by labels, and then by live requests that it is asked about as well (a shadow phase). One
that was promoted goes bad when the world changes, and is rolled back.
"""

import argparse
import contextlib
import signal
import sys
from pathlib import Path

from demo.airflow_client import connected
from demo.annotators import Annotators
from demo.data_sets import examples_for
from demo.earlier_demos import remove_earlier_demos, remove_earlier_projects
from demo.following import LONGEST_LABELING_SECONDS, LONGEST_WAIT_SECONDS, STAGES
from demo.gateway_server import GatewayServer, serving
from demo.label_studio_server import USER, LabelStudioServer
from demo.loopback import demand_free
from demo.playing import SEED_LABELS, Story
from demo.progress import Progress
from demo.standalone import Standalone, running
from demo.studio_annotators import StudioAnnotators
from demo.studio_loop import with_label_studio
from demo.traffic import Traffic
from include.foundation.config.loading import loop_named, resolve
from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError, FeedbackLoopError
from include.foundation.store.tables import LoopStore


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 if the story was played to its end."""
    parser = argparse.ArgumentParser(prog="python -m demo.story", description=__doc__)
    parser.add_argument("--loop", default="newswire")
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
            play(options.loop, options.rows, Standalone(port=options.port))
        else:
            airflow = Standalone(port=options.port, loops=Standalone().home / "loops", label_studio=studio)
            play(options.loop, options.rows, airflow, studio)
    except FeedbackLoopError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    return 0


def play(name: str, rows: int | None, airflow: Standalone, studio: LabelStudioServer | None = None) -> None:
    """Play the story of one loop in an Airflow that is started for it and stopped at its end.

    Parameters
    ----------
    name
        Name of the loop; its labeling backend must be ``files``.
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
        stack.enter_context(running(airflow))
        client = stack.enter_context(connected(airflow.url, "admin", airflow.password))
        annotators = _annotators(loop, traffic, studio, stack)
        progress = Progress(client, [f"{name}.{stage}" for stage in STAGES])
        gateway = stack.enter_context(serving(GatewayServer(loop, airflow)))
        store = LoopStore(loop, airflow.store)
        story = Story(loop, airflow, gateway, client, traffic, annotators, progress, store)
        story.patience = LONGEST_WAIT_SECONDS if studio is None else LONGEST_LABELING_SECONDS
        story.play(rows or (400 if len(examples) > 4000 else 250))
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


if __name__ == "__main__":
    sys.exit(main())
