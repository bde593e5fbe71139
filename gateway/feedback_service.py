"""The feedback of one loop: each signal is in the log before it is acknowledged."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.answers import Taken
from gateway.durable_lines import DurableLines
from gateway.messages import Signal
from gateway.refusals import Refusal
from include.foundation.config.loop_file import Loop
from include.foundation.lines.signal_lines import may_be_kept

OPTIONAL = ("value", "comment", "user_id", "consent", "source")


class FeedbackService:
    """Takes what is said about the predictions of one loop.

    Parameters
    ----------
    loop
        Says whether consent is required.
    lines
        The log of feedback; None if the loop reads none.
    """

    def __init__(self, loop: Loop, lines: DurableLines | None) -> None:
        self.loop, self._lines = loop, lines
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
        if self._lines is None:
            raise Refusal(404, f"Loop {self.loop.name} reads no feedback: its file has no feedback.uri")
        policy = self.loop.feedback
        taken = [
            Taken(signal.feedback_id or uuid.uuid4().hex, may_be_kept(policy, signal.consent)) for signal in signals
        ]
        kept = [self._line(signal, one) for signal, one in zip(signals, taken, strict=True) if one.kept]
        await self._lines.written(kept, seconds)
        return taken

    def _line(self, signal: Signal, taken: Taken) -> bytes:
        """Return a line as `docs/edges.md` has it; what was not given is not in it."""
        line: dict[str, Any] = {
            "feedback_id": taken.feedback_id,
            "trace_id": signal.trace_id,
            "ts": (signal.ts or datetime.now(UTC)).isoformat(),
            "kind": signal.kind,
            "signal": signal.signal,
        }
        given = {name: getattr(signal, name) for name in OPTIONAL}
        return self._encoder.encode(line | {name: value for name, value in given.items() if value is not None})
