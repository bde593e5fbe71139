"""Processes that need not import anything: each is forked from one process that has, and is killed like any other."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# What a gateway and the stages import, at once or later; the one process that all are forked from has no threads of Python.
PRELOADED = [
    "gateway.__main__",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
    "boto3",
    "duckdb",
    "mlflow.sklearn",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "pyarrow.dataset",
    "skops.io",
    "sqlalchemy.dialects.sqlite",
]


class Forked:
    """A process that runs a function, in the root of the repository; it is asked as `subprocess.Popen` is.

    Parameters
    ----------
    work, arguments
        What to call, a function of a module, and with what; it returns the exit status, or None.
    environment
        Of the process.
    output
        File that what it prints is added to; None to print where this process does.
    """

    def __init__(
        self,
        work: Callable[..., int | None],
        *arguments: Any,
        environment: Mapping[str, str] | None = None,
        output: Path | None = None,
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        given = (dict(environment or os.environ), output, work, arguments)
        self._process = context.Process(target=_run, args=given, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit status, negative after a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status when it has ended."""
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise TimeoutError(f"process {self.pid} runs still, after {timeout} s")
        return status

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to it."""
        os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()


class Steps:
    """Counts the moments before and after each commit, and kills this process at one of them; 0 spares it."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def step(self) -> None:
        """Count a moment."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, real: Any) -> Any:
        """Return a commit whose moments count."""

        def wrapped(*arguments: Any, **named: Any) -> Any:
            self.step()
            done = real(*arguments, **named)
            self.step()
            return done

        return wrapped


def _run(environment: Mapping[str, str], output: Path | None, work: Callable[..., int | None], arguments: Any) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    if output is not None:
        opened = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.dup2(opened, 1)
        os.dup2(opened, 2)
    sys.exit(work(*arguments))
