"""The processes of a session: when one started, which ones run, and how to signal them.

All that the local Airflow starts stays in the session of its first process, while each task has a process group of its own.
"""

import contextlib
import os
import signal
import subprocess
from pathlib import Path


def start_time(pid: int) -> str | None:
    """Return when a process started, in ticks since the kernel did; None if no such process runs."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return _started_without_proc(pid) if not Path("/proc").is_dir() else None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def _started_without_proc(pid: int) -> str | None:
    return _ps("-o", "lstart=", "-p", str(pid)).strip().replace(" ", "_") or None


def command_line(pid: int) -> str:
    """Return the command and arguments of a process; nothing if no such process runs."""
    return _ps("-ww", "-o", "args=", "-p", str(pid)).strip()


def members(session: int) -> list[int]:
    """Return the ids of the running processes of a session."""
    rows = [line.split() for line in _ps("-eo", "pid=,stat=").splitlines()]
    return [int(pid) for pid, state in rows if not state.startswith("Z") and _session_of(int(pid)) == session]


def _session_of(pid: int) -> int | None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        return os.getsid(pid)
    return None


def send_signal(session: int, number: signal.Signals) -> None:
    """Send a signal to all processes of a session, if there are any."""
    for pid in members(session):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _ps(*arguments: str) -> str:
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout
