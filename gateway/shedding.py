"""Requests that could not be answered in time are refused before they are read, so that refusing costs next to nothing."""

import asyncio
import re
import time
from collections.abc import Callable

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.http_exchange import PROBLEM, Header
from gateway.refusals import Refusal

TICK = 0.05  # seconds between looks at the clock
TURNS = 8  # of the event loop, in which a request is read, scored, logged and answered, with room for slow ones
LATE_SHARE = 0.5  # of what may be answered is, however late it gets: a machine that does something else is no overload
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,12}) *(?:\r\n|$)", re.IGNORECASE)
SHED = b"POST "  # states and metrics are answered however much is asked


class Overload:
    """Whether more is asked than can be answered in time: what waits in sockets is in no queue, but delays every answer.

    Parameters
    ----------
    deadline_seconds
        In which a request must be answered.
    most_requests
        That may be answered at a time; half of them while a turn of the event loop takes an eighth of the deadline.
    count
        Is called for each request that is refused.
    """

    def __init__(self, deadline_seconds: float, most_requests: int, count: Callable[[], None]) -> None:
        self._longest_turn, self._most, self._count = deadline_seconds / TURNS, most_requests, count
        self._late, self._due = 0.0, float("inf")

    def watch(self, event_loop: asyncio.AbstractEventLoop) -> None:
        """Look at the clock from now on, for as long as an event loop runs."""
        self._due = time.monotonic() + TICK
        event_loop.call_later(TICK, self._look, event_loop)

    def sheds(self, answering: int) -> bool:
        """Return whether a request is to be refused, since it could hardly be answered in time, and count it.

        Parameters
        ----------
        answering
            Requests that are being answered.
        """
        is_late = max(self._late, time.monotonic() - self._due) >= self._longest_turn
        is_refused = answering >= (max(1, int(self._most * LATE_SHARE)) if is_late else self._most)
        if is_refused:
            self._count()
        return is_refused

    def _look(self, event_loop: asyncio.AbstractEventLoop) -> None:
        self._late = time.monotonic() - self._due
        self.watch(event_loop)


class SheddingProtocol(HttpToolsProtocol):
    """One connection. The application's state, which its lifespan gives, has an `Overload` as ``overload``."""

    def data_received(self, data: bytes) -> None:
        """Read a request, or refuse it; if more bytes of it are to come, which nobody reads, the connection ends."""
        if not (self._begins_with(data) and self.app_state["overload"].sheds(len(self.tasks))):
            super().data_received(data)
        elif _is_whole(data):
            self.transport.write(BUSY)
        else:
            self.transport.write(BUSY_AND_CLOSED)
            self.transport.close()

    def _begins_with(self, data: bytes) -> bool:
        return data.startswith(SHED) and (self.cycle is None or self.cycle.response_complete)


def _is_whole(data: bytes) -> bool:
    """Return whether bytes are exactly one request; one that does not say how long it is is not."""
    head, _, body = data.partition(b"\r\n\r\n")
    size = LENGTH.search(head)
    return size is not None and len(body) == int(size[1])


def _answer(refusal: Refusal, *ends: Header) -> bytes:
    body = msgspec.json.encode(refusal.content)
    headers = [PROBLEM, *refusal.headers, (b"content-length", b"%d" % len(body)), *ends]
    return b"HTTP/1.1 429 Too Many Requests\r\n%s\r\n%s" % (b"".join(b"%s: %s\r\n" % each for each in headers), body)


BUSY = _answer(Refusal.busy(1.0))
BUSY_AND_CLOSED = _answer(Refusal.busy(1.0), (b"connection", b"close"))
