"""``python -m feedback_loop.loop_checks``: what Airflow says of the loop files, as JSON in the last line of the output.

``make check`` runs it as a process of its own, because ``include`` imports no Airflow.
"""

import contextlib
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowNotFoundException

from feedback_loop.assets import STAGES
from feedback_loop.dag_docs import parsed
from feedback_loop.hooks.log_source_hook import LogSourceHook
from feedback_loop.hooks.loop_store_hook import LoopStoreHook
from feedback_loop.notifications import notifier_problems
from include.foundation.config.loading import valid_loops
from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError

if TYPE_CHECKING:
    from include.stages.logs.source_sample import Finding

CHECKING = "check_loop_files.py"


def main() -> int:
    """Print what is found, by loop and whether it is a problem; Airflow's own log goes to standard error."""
    with contextlib.redirect_stdout(sys.stderr):
        findings = list(all_findings(valid_loops()))
    sys.stdout.write(f"{json.dumps(findings)}\n")
    return 0


def all_findings(loops: Iterable[Loop]) -> Iterator[tuple[str, bool, str]]:
    """Yield name of the loop, whether it is a problem, and a sentence.

    The DAG files are parsed and their DAGs serialised as the scheduler needs them; every schedule is asked for its next two
    runs, every notifier is made, every source is looked at, and so is every store whose connection is there.
    """
    dags, errors = parsed()
    for path, error in errors.items():
        if not path.endswith(CHECKING):  # its errors are the problems of the loop files, which are told anyway
            yield "", True, f"{path} cannot be imported: {error.strip().splitlines()[-1]}"
    for loop in loops:
        for is_problem, sentence in _of_loop(loop, dags):
            yield loop.name, is_problem, sentence


def _of_loop(loop: Loop, dags: dict[str, Any]) -> Iterator["Finding"]:
    from include.stages.logs.source_sample import Finding

    for stage in STAGES:
        yield from (Finding(True, text) for text in _unusable(f"{loop.name}.{stage}", dags))
    if f"{loop.name}.observe" in dags:
        yield _next_runs(dags[f"{loop.name}.observe"])
    yield from (Finding(True, text) for text in notifier_problems(loop))
    options: dict[str, Any] = {}
    hook = LoopStoreHook(loop.name)
    with contextlib.suppress(Exception):  # without the store's credentials a source has its own, or is told below
        options = dict(hook.get_conn().s3_client_options)
        yield from _of_store(hook)
    yield from _of_source(loop, "logs", LogSourceHook(loop.logs, options))
    if loop.feedback.given:
        yield from _of_source(loop, "feedback", LogSourceHook(loop.feedback, options))


def _unusable(dag_id: str, dags: dict[str, Any]) -> Iterator[str]:
    from airflow.serialization.serialized_objects import DagSerialization

    if dag_id not in dags:
        yield f"Airflow makes no DAG {dag_id}"
        return
    try:
        DagSerialization.to_dict(dags[dag_id])
    except Exception as error:  # whatever Airflow cannot take is what is looked for
        yield f"Airflow cannot store DAG {dag_id}: {error}"


def _next_runs(dag: Any) -> "Finding":
    """Return the next two runs, of Airflow's own timetable, or that there are none."""
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import TimeRestriction

    from include.stages.logs.source_sample import Finding

    schedule = dag.timetable.expression
    try:
        timetable: Any = coerce_to_core_timetable(dag.timetable)
        restriction = TimeRestriction(earliest=dag.start_date, latest=None, catchup=False)
        runs: list[datetime] = []
        interval = None
        for _ in range(2):
            info = timetable.next_dagrun_info(last_automated_data_interval=interval, restriction=restriction)
            interval = info.data_interval
            runs.append(info.run_after)
    except Exception as error:  # whatever Airflow cannot take is what is looked for
        return Finding(True, f"logs.schedule: got {schedule!r}, which Airflow does not take: {error!r}")
    first, second = (f"{run:%Y-%m-%d %H:%M}" for run in runs)
    return Finding(False, f"observe runs for what ends {first} UTC, then for what ends {second}, and so on")


def _of_store(hook: LoopStoreHook) -> Iterator["Finding"]:
    """Yield the classes of stored rows of which the loop file does not say what became of them, and vectors of other sizes."""
    from include.foundation.models.frames import changed_sizes
    from include.foundation.store.ledgers.taxonomies import undeclared_classes
    from include.stages.logs.source_sample import Finding

    try:
        store = hook.get_conn()
        yield from (Finding(True, f"task.classes: {text}") for text in undeclared_classes(store))
        yield from (Finding(True, text) for text in changed_sizes(store))
    except Exception as error:  # an object store raises its own
        yield Finding(False, f"the store could not be looked at: {hook.without_secrets(str(error))}")


def _of_source(loop: Loop, section: str, hook: LogSourceHook) -> Iterator["Finding"]:
    from include.stages.logs.source_sample import Finding, look_at

    try:
        access = hook.get_conn()
    except AirflowNotFoundException:
        yield Finding(False, f"{section}.connection: {hook.log_source_conn_id} is not known here; the tasks need it")
        return
    except Exception as error:  # a provider raises its own
        yield Finding(False, f"{section}.connection: cannot be used here: {hook.without_secrets(str(error))}")
        return
    try:
        yield from look_at(loop, section, access)
    except ConfigError as error:
        yield Finding(True, f"{section}: {hook.without_secrets(error.message)}")
    except Exception as error:  # a database or an object store raises its own
        yield Finding(False, f"{section}: could not be looked at: {hook.without_secrets(str(error))}")


if __name__ == "__main__":
    sys.exit(main())
