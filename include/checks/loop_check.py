"""Say everything that is wrong with the loop files, what is worth knowing, and what Airflow makes of them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator

from include.foundation.config.loading import ROOT, checked_loops, loops_dir, resolve, shown
from include.foundation.config.loop_file import Loop
from include.foundation.config.operations import untold
from include.foundation.errors import ConfigError, FeedbackLoopError
from include.foundation.uris import is_remote

IN_AIRFLOW = (sys.executable, "-m", "feedback_loop.loop_checks")
NOTICED = "A running Airflow shows a new or changed loop file within half a minute. Unpause the DAGs of a new loop."
MOST_SEEDS = 5000  # lines that are compared

Finding = tuple[str, bool, str]  # name of the loop, whether it is a problem, and a sentence


def check_loops() -> int:
    """Print what is known of every loop, then every problem, and return the exit status: 0 if there is none."""
    loops, problems = checked_loops()
    airflow = _ask_airflow()
    findings = [finding for loop in loops for finding in _tried(loop)] + _answer(airflow)
    for loop in loops:
        own = [(is_problem, sentence) for name, is_problem, sentence in findings if name == loop.name]
        state = "NOT VALID" if any(is_problem for is_problem, _ in own) else f"valid, digest {loop.digest[:12]}"
        notes = [f"  {sentence}" for is_problem, sentence in own if not is_problem]
        sys.stdout.write("\n".join([f"{loop.name}: {state}", *notes, ""]))
    problems += [f"{name}.yaml: {text}" if name else text for name, is_problem, text in findings if is_problem]
    return _told(loops, problems)


def _told(loops: Iterable[Loop], problems: list[str]) -> int:
    if problems:
        head = f"{len(problems)} problem{'s' * (len(problems) > 1)}:"
        sys.stderr.write("\n".join([head, *(f"  {problem}" for problem in problems), ""]))
        return 1
    none = f"There is no loop file in {shown(loops_dir())}; docs/add-a-loop.md says how to write one."
    sys.stdout.write(f"{NOTICED if loops else none}\n")
    return 0


def _tried(loop: Loop) -> Iterator[Finding]:
    """Yield what is found by doing with little what the tasks will do with much."""
    from include.stages.labels.domain_rules import slow_searches
    from include.stages.training.rehearsal import rehearse

    if events := untold(loop.notify):
        yield loop.name, False, f"nobody is told of {', '.join(events)}; name a notifier in notify"
    yield from ((loop.name, True, problem) for problem in slow_searches(_expressions(loop)))
    if loop.labeling.backend == "label_studio":
        yield from _shown_config(loop)
    yield from _seeds(loop)
    try:
        rehearse(loop)
    except FeedbackLoopError as error:
        listed = f": {', '.join(error.problems)}" if error.problems else ""
        yield loop.name, True, f"training, rehearsed on invented rows, fails: {error.message}{listed}"


def _expressions(loop: Loop) -> dict[str, str]:
    """Return the regular expressions of a loop file by key."""
    rules = {f"labels.rules.{number}.when": rule.when for number, rule in enumerate(loop.labels.rules)}
    stakes = {
        f"escalation.high_stakes.{number}.when": each.when for number, each in enumerate(loop.escalation.high_stakes)
    }
    return rules | {key: expression for key, expression in stakes.items() if expression is not None}


def _shown_config(loop: Loop) -> Iterator[Finding]:
    """Yield what is wrong with the labeling config that annotators are to see, as far as it can be told without its server."""
    from include.stages.labeling.label_studio.labeling_config import config_for

    try:
        config_for(loop)
    except ConfigError as error:
        yield loop.name, True, error.message


def _seeds(loop: Loop) -> Iterator[Finding]:
    """Yield a note on seed labels in two splits that seem to belong together; files elsewhere than here are not looked at."""
    import pyarrow.compute as pc

    from include.stages.labels.seeds import seed_rows
    from include.stages.labels.straddling import straddling

    place = loop.training.seed_labels
    if place is None or is_remote(resolve(place)):
        return
    try:
        rows = seed_rows(loop, MOST_SEEDS)
    except FeedbackLoopError:  # reading them fails again where it is told: in the label DAG
        return
    parts = (rows.filter(pc.equal(rows.column("split"), split)) for split in ("train", "holdout"))
    if said := straddling(loop, *parts):
        yield loop.name, False, f"training.seed_labels: {said}"


def _ask_airflow() -> "subprocess.Popen[str]":
    """Start asking Airflow in a process of its own: nothing here imports it."""
    environment = {"AIRFLOW_HOME": str(ROOT / ".airflow" / "check"), **os.environ}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    return subprocess.Popen(  # noqa: S603 - this interpreter, a module of ours
        IN_AIRFLOW, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _answer(airflow: "subprocess.Popen[str]") -> list[Finding]:
    answer, log = airflow.communicate()
    if airflow.returncode:
        last = (log.strip().splitlines() or ["it says nothing"])[-1]
        return [
            ("", True, f"Airflow cannot be asked ({' '.join(IN_AIRFLOW[1:])} ends with {airflow.returncode}): {last}")
        ]
    return [(name, is_problem, sentence) for name, is_problem, sentence in json.loads(answer.splitlines()[-1])]
