"""Log lines on the disk before anybody is answered: one thread writes for all who wait, and one sync serves them all."""

import contextlib
import errno
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gateway.event_log import told_problem
from gateway.log_segments import Segment, complete_leftovers, demand_room

EVENTS = logging.getLogger("gateway")
MOST_AT_ONCE = 4096  # appends of one write
MOST_WAITING = 64 << 20  # bytes of lines that may wait for a disk that hangs
PROBE_SECONDS = 1.0
STOP_SECONDS = 30.0
Sync = Literal["always", "interval", "none"]
Done = Callable[[OSError | None], None]


@dataclass(frozen=True)
class LogPolicy:
    """When lines are synced to the disk, and when a segment is complete.

    Attributes
    ----------
    sync
        *always*: before the answer, so nothing that was acknowledged is ever lost. *interval*: every ``sync_seconds``; a killed
        process loses nothing, a machine that loses power at most the answers of that time. *none*: when the operating system
        does; a killed process loses nothing, a machine that loses power what it had not written yet.
    sync_seconds
        Seconds between syncs, of *interval*.
    segment_seconds
        Seconds after its first line at which a segment is complete, and a pull can read it.
    segment_bytes
        Bytes at which it is, if that comes first.
    """

    sync: Sync = "always"
    sync_seconds: float = 1.0
    segment_seconds: float = 300.0
    segment_bytes: int = 64 << 20


class LogWriter:
    """One log, written by a thread of its own.

    Parameters
    ----------
    folder
        Where segments lie; segments that a killed process left there are completed first.
    policy
        When lines are synced and segments are complete.
    watch
        Is told how many lines each write had, and how many seconds it took.
    """

    def __init__(self, folder: Path, policy: LogPolicy, watch: Callable[[int, float], None] = lambda *_: None) -> None:
        self.folder, self.policy, self._watch = folder, policy, watch
        self.problem: str | None = None
        self._waiting: queue.SimpleQueue[tuple[bytes, int, Done] | None] = queue.SimpleQueue()
        self._putting = threading.Lock()
        self._bytes_put = self._bytes_taken = 0  # the latter is changed by the writer's thread only
        self._segment: Segment | None = None
        self._opened_at = self._synced_at = self._probed_at = time.monotonic()
        self._is_synced = True
        for path, torn in complete_leftovers(folder):
            EVENTS.warning("leftover segment completed", extra={"told": {"segment": str(path), "torn_bytes": torn}})
        self._thread = threading.Thread(target=self._run, name=f"log {folder.name}", daemon=True)
        self._thread.start()

    def append(self, lines: bytes, count: int, done: Done) -> None:
        """Have lines written.

        Parameters
        ----------
        lines
            Whole ones, each with its end.
        count
            How many they are.
        done
            Called once, on the writer's thread: with None when they are as durable as the policy says, or with what the disk
            refused them for; then they are not in the log. Called at once if too much waits already.
        """
        with self._putting:
            is_too_much = self._bytes_put - self._bytes_taken > MOST_WAITING
            self._bytes_put += 0 if is_too_much else len(lines)
        if is_too_much:
            done(OSError(errno.EAGAIN, "too much waits for the disk"))
        else:
            self._waiting.put((lines, count, done))

    def close(self) -> None:
        """Write what waits, and complete the segment."""
        self._waiting.put(None)
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        stopped = False
        while not stopped:
            with contextlib.suppress(queue.Empty):
                batch = [self._waiting.get(timeout=self._patience())]
                with contextlib.suppress(queue.Empty):
                    while len(batch) < MOST_AT_ONCE:
                        batch.append(self._waiting.get_nowait())
                stopped = None in batch
                self._write([item for item in batch if item is not None])
            self._keep_up(rotate=stopped)

    def _write(self, batch: list[tuple[bytes, int, Done]]) -> None:
        """Write lines and tell those who wait; when the disk refuses, the segment is completed as far as it goes."""
        if not batch:
            return
        begin, problem, written = time.monotonic(), None, b"".join(lines for lines, *_ in batch)
        try:
            if self._segment is None:
                self._segment, self._opened_at = Segment(self.folder), begin
            self._segment.append(written, synced=self.policy.sync == "always")
            self._is_synced = self.policy.sync != "interval"
        except OSError as error:
            problem = error
        self._bytes_taken += len(written)
        self._say(problem)
        for *_, done in batch:
            done(problem)
        if problem is None:
            self._watch(sum(count for _, count, _ in batch), time.monotonic() - begin)
        else:
            self._complete()

    def _keep_up(self, *, rotate: bool) -> None:
        """Sync, complete and probe, each when it is due."""
        now = time.monotonic()
        try:
            if self._segment is not None and not self._is_synced and now >= self._synced_at + self.policy.sync_seconds:
                self._segment.sync()
                self._is_synced, self._synced_at = True, now
            if self.problem is not None and now >= self._probed_at + PROBE_SECONDS:
                self._probed_at = now
                demand_room(self.folder)
                self._say(None)
        except OSError as error:
            self._say(error)
        segment = self._segment
        if segment is not None and (
            rotate or segment.size >= self.policy.segment_bytes or now >= self._opened_at + self.policy.segment_seconds
        ):
            self._complete()

    def _complete(self) -> None:
        """Complete the segment; one that cannot be completed now is completed at the next start."""
        segment, self._segment = self._segment, None
        if segment is not None:
            try:
                segment.complete()
            except OSError as error:
                self._say(error)

    def _say(self, problem: OSError | None) -> None:
        self.problem = told_problem("log cannot be written", problem, self.problem, log=str(self.folder))

    def _patience(self) -> float | None:
        """Return the seconds after which something is due though no line comes; None if nothing is."""
        now, due = time.monotonic(), []
        if self._segment is not None:
            due.append(self._opened_at + self.policy.segment_seconds)
            if not self._is_synced:
                due.append(self._synced_at + self.policy.sync_seconds)
        if self.problem is not None:
            due.append(self._probed_at + PROBE_SECONDS)
        return max(0.0, min(due) - now) if due else None
