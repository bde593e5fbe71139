"""The feedback of one loop: each signal is in the log before it is acknowledged."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.batching import give
from gateway.log_writer import LogWriter
from gateway.messages import Signal, Taken
from gateway.refusals import Refusal
from include.foundation.config.loop_file import Loop

MOST_WAITING = 10_000  # signals that may wait for the disk
OPTIONAL = ("value", "comment", "user_id", "consent", "source")


class FeedbackService:
    """Takes what is said about the predictions of one loop.

    Parameters
    ----------
    loop
        Says whether consent is required.
    log
        Of feedback; None if the loop reads none.
    """

    def __init__(self, loop: Loop, log: LogWriter | None) -> None:
        self.loop, self.log = loop, log
        self._waiting = 0
        self._encoder = msgspec.json.Encoder()

    async def take(self, signals: Sequence[Signal], seconds: float) -> list[Taken]:
        """Return what became of each signal, once those that may be kept are in the log.

        Parameters
        ----------
        signals
            At least one.
        seconds
            Until the deadline.

        Raises
        ------
        Refusal
            If the loop reads no feedback, too much waits already, the log cannot be written, or the deadline passes.
        """
        if self.log is None:
            raise Refusal(404, f"Loop {self.loop.name} reads no feedback: its file has no feedback.uri")
        taken = [Taken(signal.feedback_id or uuid.uuid4().hex, self._may_keep(signal)) for signal in signals]
        kept = [self._line(signal, one) for signal, one in zip(signals, taken, strict=True) if one.kept]
        if kept:
            await self._written(kept, seconds)
        return taken

    async def _written(self, lines: list[bytes], seconds: float) -> None:
        if self._waiting + len(lines) > MOST_WAITING:
            raise Refusal.busy(1.0)
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def _done(problem: OSError | None) -> None:
            answer = problem and Refusal(503, "The log cannot be written; send it again later", retry_after=5.0)
            give([(written, answer)])

        self._waiting += len(lines)
        try:
            if self.log is not None:
                self.log.append(b"\n".join([*lines, b""]), len(lines), _done)
            async with asyncio.timeout(seconds):
                await written
        except TimeoutError:
            raise Refusal.too_late() from None
        finally:
            self._waiting -= len(lines)

    def _may_keep(self, signal: Signal) -> bool:
        """Tell whether a signal may be kept: as a pull decides it."""
        return signal.consent is True or (signal.consent is None and self.loop.feedback.consent == "assumed")

    def _line(self, signal: Signal, taken: Taken) -> bytes:
        """Return a line as `docs/edges.md` has it; what was not given is not in it."""
        line: dict[str, Any] = {
            "feedback_id": taken.feedback_id,
            "trace_id": signal.trace_id,
            "ts": datetime.now(UTC).isoformat(),
            "kind": signal.kind,
            "signal": signal.signal,
        }
        given = {name: getattr(signal, name) for name in OPTIONAL}
        return self._encoder.encode(line | {name: value for name, value in given.items() if value is not None})
