"""Requests at a fixed rate, whatever becomes of the ones before: what a server answers when more is asked than it can do.

``python -m benchmarks.workloads.open_loop PORT PATH RATE SECONDS`` reads the bodies to send from standard input, one a line,
and prints a JSON object: answers by status, what was not sent since too many wait, latencies, and the ids of predictions that
were acknowledged. A latency begins when its request was sent: no process can send as many as it is told to at any rate.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from itertools import cycle
from typing import Any

import numpy as np
import uvloop

CONNECTIONS = 4096  # that are open at most
TICK = 0.002
PATIENCE = 30.0
END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"


class Connection(asyncio.Protocol):
    """One connection, which sends a request when it has none.

    Parameters
    ----------
    told
        Takes each answer.
    free
        Where it waits for the next request; who was there last goes first, so that the server may end what is idle.
    made
        All that are open.
    """

    def __init__(self, told: "Told", free: "list[Connection]", made: "set[Connection]") -> None:
        self._told, self._free, self._made = told, free, made
        self._received, self._sent_at = b"", 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready."""
        self._transport = transport
        self._made.add(self)

    def ask(self, question: bytes) -> None:
        """Send a whole request."""
        self._sent_at = time.perf_counter()
        self._transport.write(question)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Take what comes; a whole answer frees the connection."""
        self._received += data
        head_end = self._received.find(END_OF_HEAD)
        if head_end < 0:
            return
        head = self._received[:head_end].lower()
        begin = head_end + len(END_OF_HEAD)
        size = int(head[head.index(LENGTH) + len(LENGTH) :].split(b"\r\n", 1)[0])
        if len(self._received) >= begin + size:
            self._told.answer(int(self._received[9:12]), self._received[begin:], time.perf_counter() - self._sent_at)
            self._received, self._sent_at = b"", 0.0
            if b"connection: close" in head:
                self._transport.close()
            else:
                self._free.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for no request any more; one that was not answered counts as status 0."""
        self._made.discard(self)
        if self in self._free:
            self._free.remove(self)
        if self._sent_at:
            self._told.answer(0, b"", time.perf_counter() - self._sent_at)


class Told:
    """What was answered."""

    def __init__(self) -> None:
        self.statuses, self.seconds, self.acknowledged = Counter[int](), list[float](), list[bytes]()

    def answer(self, status: int, body: bytes, seconds: float) -> None:
        """Take in an answer.

        Parameters
        ----------
        status
            Of HTTP; 0 where the connection ended without one.
        body
            Of the answer.
        seconds
            Since the request was sent.
        """
        self.statuses[status] += 1
        self.seconds.append(seconds)
        if status == 200:
            self.acknowledged.append(body)


async def ask(port: int, path: str, rate: float, seconds: float, bodies: list[bytes]) -> dict[str, Any]:
    """Return what a server on a port of loopback answered.

    Parameters
    ----------
    port, path
        Of the server.
    rate
        Requests a second.
    seconds
        For which they are sent.
    bodies
        JSON, sent in turn.
    """
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\ncontent-length: "
    questions = cycle([f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies])
    told, free, loop, made = Told(), list[Connection](), asyncio.get_running_loop(), set[Connection]()
    begin, due, unsent = time.perf_counter(), 0, 0
    while (now := time.perf_counter()) < begin + seconds:
        while due < (now - begin) * rate:
            due += 1
            if not free and len(made) < CONNECTIONS:
                free.append((await loop.create_connection(lambda: Connection(told, free, made), "127.0.0.1", port))[1])
            if free:
                free.pop().ask(next(questions))
            else:
                unsent += 1
        await asyncio.sleep(TICK)
    sent, took = due - unsent, time.perf_counter() - begin
    while sum(told.statuses.values()) < sent and time.perf_counter() < begin + seconds + PATIENCE:
        await asyncio.sleep(0.05)
    return {
        "due": due,
        "sent_per_second": sent / took,
        "unsent": unsent,
        "unanswered": sent - sum(told.statuses.values()),
        "statuses": told.statuses,
        "p50_ms": float(np.percentile(told.seconds, 50) * 1000),
        "p99_ms": float(np.percentile(told.seconds, 99) * 1000),
        "max_ms": max(told.seconds) * 1000,
        "acknowledged": [each["trace_id"] for body in told.acknowledged for each in _predictions(json.loads(body))],
    }


def _predictions(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return list(answer.get("predictions", [answer]))


if __name__ == "__main__":
    port, path, rate, seconds = sys.argv[1:]
    bodies = sys.stdin.buffer.read().splitlines()
    said = json.dumps(uvloop.run(ask(int(port), path, float(rate), float(seconds), bodies)))
    with open(1, "wb", closefd=False) as output:  # with PYTHONUNBUFFERED, print loses what a pipe does not take at once
        output.write(said.encode())
