"""Run a task in a fork of this process and measure it: a fresh process whose imports are done already.

This process must not have used what starts threads, such as ``deltalake``: its locks would be copied without its threads.
"""

import gc
import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.measuring import ChildFailedError
from include.foundation.errors import NothingToDo


@dataclass(frozen=True)
class Used:
    """What a task used.

    Attributes
    ----------
    cpu_seconds
        User and system time.
    peak_rss_mb
        Largest memory, in MiB, that of the imports among it.
    result
        What the task returned; None if it had nothing to do.
    """

    cpu_seconds: float
    peak_rss_mb: float
    result: Any = None


def in_a_fork(task: Callable[[], Any]) -> Used:
    """Run a task in a fork and return what it used.

    Parameters
    ----------
    task
        Returns what JSON can hold; `NothingToDo` counts as None.

    Raises
    ------
    ChildFailedError
        If the task fails; its traceback is on standard error.
    """
    reading, writing = os.pipe()
    gc.freeze()  # as Airflow's LocalExecutor does: else a collection of all imports falls to whichever task is next
    child = os.fork()
    if child == 0:
        _run(task, writing)
    os.close(writing)
    with os.fdopen(reading) as told:
        text = told.read()
    _, status, used = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        msg = f"A task failed: {getattr(task, '__name__', task)}"
        raise ChildFailedError(msg)
    return Used(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, json.loads(text))


def _run(task: Callable[[], Any], writing: int) -> None:
    """Run the task, tell its result, and end this process as Airflow ends that of a task."""
    code = 1
    try:
        try:
            result = task()
        except NothingToDo:
            result = None
        with os.fdopen(writing, "w") as told:
            told.write(json.dumps(result))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
