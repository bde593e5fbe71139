"""Lines that others made, written to a log before their sender is answered."""

import asyncio
from collections.abc import Sequence

from gateway.batching import give
from gateway.log_writer import LogWriter
from gateway.refusals import Refusal

MOST_WAITING = 10_000  # lines that may wait for the disk


class DurableLines:
    """A log as those see it who wait until their lines are in it; on one event loop.

    Parameters
    ----------
    log
        That is written.
    """

    def __init__(self, log: LogWriter) -> None:
        self._log, self._waiting = log, 0

    async def written(self, lines: Sequence[bytes], seconds: float) -> None:
        """Return once lines are as durable as the log's policy says.

        Parameters
        ----------
        lines
            Without their ends; of none, nothing is written.
        seconds
            Until the deadline.

        Raises
        ------
        Refusal
            429 if too much waits already, 503 if the log cannot be written or the deadline passes.
        """
        if not lines:
            return
        if self._waiting + len(lines) > MOST_WAITING:
            raise Refusal.busy(1.0)
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def _done(problem: OSError | None) -> None:
            answer = problem and Refusal(503, "The log cannot be written; send it again later", retry_after=5.0)
            give([(written, answer)])

        self._waiting += len(lines)
        try:
            self._log.append(b"\n".join([*lines, b""]), len(lines), _done)
            async with asyncio.timeout(seconds):
                await written
        except TimeoutError:
            raise Refusal.too_late() from None
        finally:
            self._waiting -= len(lines)
