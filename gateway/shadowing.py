"""What a challenger says of live requests: asked after they were answered, on a thread of its own, and given to nobody."""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from gateway.log_writer import LogWriter
from gateway.measures import LoopMeasures
from gateway.scorer import Scorer
from include.foundation.config.loop_file import Loop
from include.foundation.digests import point_of
from include.foundation.errors import short

EVENTS = logging.getLogger("gateway")
MOST_WAITING = 1024  # rows; others are not asked about
MOST_ROWS = 16  # of a batch: what is answered meanwhile waits no longer than for so few
LONGEST_ERROR = 1000  # characters
PATIENCE, LOOK = 0.25, 0.002  # seconds for which a busy gateway is waited for, and between two looks
STOP_SECONDS = 5.0


class LiveRow(NamedTuple):
    """A row that was answered and is in the log: its id and moment there, its inputs, and the seconds that it took."""

    trace_id: str
    ts: str
    inputs: dict[str, Any]
    seconds: float


class Shadow:
    """Asks a challenger about rows that were answered; drops them, and counts it, where there are too many.

    Parameters
    ----------
    loop
        Says which share of the rows is asked about.
    log
        Of what challengers say.
    measures
        Of the loop.
    is_busy
        Whether somebody waits for an answer of the champion: then the challenger waits a little.
    """

    def __init__(self, loop: Loop, log: LogWriter, measures: LoopMeasures, is_busy: Callable[[], bool]) -> None:
        self.scorer: Scorer | None = None
        self._loop, self._log, self._measures, self._is_busy = loop, log, measures, is_busy
        self._waiting: queue.Queue[LiveRow | None] = queue.Queue(MOST_WAITING)
        self._encoder = msgspec.json.Encoder()
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self._thread.start()

    def offer(self, rows: Sequence[LiveRow]) -> None:
        """Have the challenger asked about rows, if there is one; never waits.

        Parameters
        ----------
        rows
            That were answered.
        """
        if self.scorer is None:
            return
        for row in rows:
            if is_chosen(row.trace_id, self._loop.deploy.shadow.share):
                try:
                    self._waiting.put_nowait(row)
                except queue.Full:
                    self._measures.shadowed("dropped", 1)

    def close(self) -> None:
        """End the thread; what waits is not asked about any more."""
        self.scorer = None
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
        self._waiting.put(None)
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            rows, is_last = self._collected(first)
            self._let_answers_pass()
            if (scorer := self.scorer) is not None and self._log.problem is None:
                self._write(scorer, rows)
            else:
                self._measures.shadowed("dropped", len(rows))
            if is_last:
                return

    def _collected(self, first: LiveRow) -> tuple[list[LiveRow], bool]:
        """Return a batch of what waits, and whether it was the last one."""
        rows = [first]
        with contextlib.suppress(queue.Empty):
            while len(rows) < MOST_ROWS:
                if (row := self._waiting.get_nowait()) is None:
                    return rows, True
                rows.append(row)
        return rows, False

    def _let_answers_pass(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while self._is_busy() and time.monotonic() < deadline:
            time.sleep(LOOK)

    def _write(self, scorer: Scorer, rows: Sequence[LiveRow]) -> None:
        lines = self._lines(scorer, rows)

        def _done(problem: OSError | None) -> None:
            if problem is not None:
                self._measures.shadowed("dropped", len(rows))

        self._log.append(b"\n".join([*lines, b""]), len(lines), _done)

    def _lines(self, scorer: Scorer, rows: Sequence[LiveRow]) -> list[bytes]:
        """Return a line of each row, with what the challenger says of it; where it fails, it is asked about each alone."""
        begin = time.perf_counter()
        try:
            said = scorer.score([row.inputs for row in rows])
        except Exception as error:  # a model is the user's own code
            if len(rows) > 1:
                return [line for row in rows for line in self._lines(scorer, [row])]
            self._measures.shadowed("failed", 1)
            return [self._line(scorer, rows[0], {"error": short(error, LONGEST_ERROR)})]
        seconds = (time.perf_counter() - begin) / len(rows)
        self._measures.shadowed("answered", len(rows))
        return [
            self._line(scorer, row, {"prediction": one.prediction, "seconds": seconds})
            for row, one in zip(rows, said, strict=True)
        ]

    def _line(self, scorer: Scorer, row: LiveRow, told: dict[str, Any]) -> bytes:
        line = {"trace_id": row.trace_id, "ts": row.ts, "model_version": scorer.version, "served_seconds": row.seconds}
        return self._encoder.encode(line | told)


def is_chosen(trace_id: str, share: float) -> bool:
    """Return whether a row is of a share that its id decides.

    Parameters
    ----------
    trace_id
        Of the row.
    share
        Above 0, at most 1.

    Examples
    --------
    >>> is_chosen("t1", 1.0), is_chosen("t1", 1e-9)
    (True, False)
    """
    return share == 1 or point_of("shadow", trace_id) < share
