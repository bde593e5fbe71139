"""What servers of others send: log lines in a message, read by the rules by which a pull reads them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Raw, Struct

from gateway.messages import MOST_AT_ONCE, decoded
from gateway.refusals import Refusal
from include.foundation.config.loop_file import Loop
from include.foundation.lines.log_lines import LineReader
from include.foundation.lines.refusals import FAILED
from include.foundation.lines.signal_lines import may_be_kept, read_signal
from include.foundation.lines.values import Problem, parse_object

LOGS = {"prediction.created": "predictions", "feedback.created": "feedback"}
Check = Callable[[dict[str, Any], datetime], list[Problem]]


class Message(Struct):
    """A message, as Standard Webhooks has it."""

    type: Literal["prediction.created", "feedback.created"]
    """What happened."""
    data: Raw
    """One line of the log, or a list of up to 1,024."""
    timestamp: str | None = None
    """When it happened; a line has its own."""


class Lines(NamedTuple):
    """Lines of a message.

    Attributes
    ----------
    log
        That they belong to: ``predictions`` or ``feedback``.
    kept
        Those that are to be written, as they came.
    total
        How many there are, also those that may not be kept for want of consent.
    """

    log: str
    kept: list[bytes]
    total: int


_MESSAGE = msgspec.json.Decoder(Message)
_LINES = msgspec.json.Decoder(list[Raw])


def lines_of(body: bytes, loop: Loop) -> Lines:
    r"""Return the lines of a message: what was checked is what is written, byte for byte but for ends of lines.

    Parameters
    ----------
    body
        Of the request.
    loop
        Whose rules the lines must meet.

    Raises
    ------
    Refusal
        400 if it is not JSON; 422, with the reasons of all lines, if a pull would refuse one of them.
    """
    message = decoded(_MESSAGE, body)
    log, given = LOGS[message.type], bytes(message.data).strip()
    lines = [bytes(line) for line in decoded(_LINES, given)] if given.startswith(b"[") else [given]
    if not 1 <= len(lines) <= MOST_AT_ONCE:
        raise Refusal(422, f"The message is not valid: got {len(lines)} lines, expected 1 to {MOST_AT_ONCE:,}")
    check = _check_of(loop, log)
    latest = datetime.now(UTC) + timedelta(seconds=loop.logs.clock_skew_seconds)
    kept, problems = [], []
    for place, line in enumerate(lines):
        record, wrong = parse_object(line)
        wrong = wrong or check(record or {}, latest)
        problems += [f"line {place}: {problem.reason}" for problem in wrong]
        if log == "predictions" or may_be_kept(loop.feedback, (record or {}).get("consent")):
            kept.append(line.replace(b"\r", b" ").replace(b"\n", b" "))
    if problems:
        raise Refusal(422, "The message is not valid, and no line of it is logged", problems)
    return Lines(log, kept, len(lines))


def _check_of(loop: Loop, log: str) -> Check:
    if log == "predictions":
        reader = LineReader(loop)
        return lambda record, latest: [
            problem for problem in reader.row(record, latest)[1] if problem.code != FAILED
        ]  # a failure of the model is a line as well
    return _wrong_with_signal


def _wrong_with_signal(record: dict[str, Any], latest: datetime) -> list[Problem]:
    problems: list[Problem] = []
    read_signal(record, latest, problems)
    return problems
