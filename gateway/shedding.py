"""Requests that could not be answered in time are refused before they are read, so that refusing costs next to nothing."""

import asyncio
import time
from collections.abc import Callable

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.http_exchange import PROBLEM
from gateway.refusals import Refusal

TICK = 0.05  # seconds between looks at the clock
TURNS = 8  # of the event loop, in which a request is read, scored, logged and answered, with room for slow ones
SHED = b"POST "  # states and metrics are answered however much is asked


class Overload:
    """Whether more is asked than can be answered in time: what waits in sockets is in no queue, but delays every answer.

    Parameters
    ----------
    deadline_seconds
        In which a request must be answered. One that comes while a turn of the event loop takes an eighth of it is refused.
    most_requests
        That may be answered at a time.
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

    def refusal(self, answering: int) -> bytes | None:
        """Return what to answer a request instead of reading it; None if it can be answered in time.

        Parameters
        ----------
        answering
            Requests that are being answered.
        """
        if answering < self._most and max(self._late, time.monotonic() - self._due) < self._longest_turn:
            return None
        self._count()
        return BUSY

    def _look(self, event_loop: asyncio.AbstractEventLoop) -> None:
        self._late = time.monotonic() - self._due
        self.watch(event_loop)


class SheddingProtocol(HttpToolsProtocol):
    """One connection. The application's state, which its lifespan gives, has an `Overload` as ``overload``."""

    def data_received(self, data: bytes) -> None:
        """Read a request, or refuse it and end the connection, whose next bytes would be of the same request."""
        refusal = self.app_state["overload"].refusal(len(self.tasks)) if self._begins_with(data) else None
        if refusal is None:
            super().data_received(data)
        else:
            self.transport.write(refusal)
            self.transport.close()

    def _begins_with(self, data: bytes) -> bool:
        return data.startswith(SHED) and (self.cycle is None or self.cycle.response_complete)


def _whole(refusal: Refusal) -> bytes:
    body = msgspec.json.encode(refusal.content)
    headers = [PROBLEM, *refusal.headers, (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
    return b"HTTP/1.1 429 Too Many Requests\r\n%s\r\n%s" % (b"".join(b"%s: %s\r\n" % each for each in headers), body)


BUSY = _whole(Refusal.busy(1.0))
