"""The processes of a group: when one started, which ones run, and how to signal them."""

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
    output = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return output.strip().replace(" ", "_") or None


def members(group: int) -> list[int]:
    """Return the ids of the running processes of a group."""
    output = subprocess.run(["ps", "-eo", "pid=,pgid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in output.splitlines()]
    return [int(pid) for pid, of_group, state in rows if int(of_group) == group and not state.startswith("Z")]


def send_signal(group: int, number: signal.Signals) -> None:
    """Send a signal to all processes of a group, if there are any."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
