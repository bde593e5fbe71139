"""Clients that keep their connections and ask one question after the other: what a server answers in some seconds.

``python -m benchmarks.workloads.http_clients PORT PATH CLIENTS SECONDS`` reads the bodies to send from standard input, one a
line, and prints a JSON object: requests answered, those answered with another status than 200, and latencies. It is one process
on raw sockets, so that little of the machine goes to asking.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from itertools import cycle

import numpy as np
import uvloop

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"


class Client(asyncio.Protocol):
    """One connection: sends the next question when an answer is complete.

    Parameters
    ----------
    questions
        Whole requests, sent in turn.
    statuses
        Counts answers by their status.
    seconds
        Takes the latency of each answer.
    """

    def __init__(self, questions: "cycle[bytes]", statuses: Counter[int], seconds: list[float]) -> None:
        self._questions, self._statuses, self._seconds = questions, statuses, seconds
        self._received, self._needed, self._sent_at, self._stopped = b"", 0, 0.0, False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask the first question."""
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Ask the next question, if the answer is complete."""
        self._received += data
        if not self._needed and (end := self._received.find(END_OF_HEAD)) >= 0:
            head = self._received[:end].lower()
            start = head.index(LENGTH) + len(LENGTH)
            self._needed = end + len(END_OF_HEAD) + int(head[start:].split(b"\r\n", 1)[0])
        if self._needed and len(self._received) >= self._needed:
            self._seconds.append(time.perf_counter() - self._sent_at)
            self._statuses[int(self._received[9:12])] += 1
            self._received, self._needed = self._received[self._needed :], 0
            if self._stopped:
                self._transport.close()
            else:
                self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; a connection that the server closed counts as status 0."""
        if not self._stopped:
            self._statuses[0] += 1
        if not self.done.done():
            self.done.set_result(None)

    def stop(self) -> None:
        """Ask no more."""
        self._stopped = True

    def _ask(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._questions))  # type: ignore[attr-defined]


async def ask(port: int, path: str, clients: int, seconds: float, bodies: list[bytes]) -> dict[str, object]:
    """Return what a server on a port of loopback answered.

    Parameters
    ----------
    port, path
        Of the server.
    clients
        Connections.
    seconds
        For which they ask.
    bodies
        JSON, sent in turn.
    """
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\ncontent-length: "
    questions = cycle([f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies])
    statuses, latencies, loop = Counter[int](), list[float](), asyncio.get_running_loop()
    begin = time.perf_counter()
    made = [
        (await loop.create_connection(lambda: Client(questions, statuses, latencies), "127.0.0.1", port))[1]
        for _ in range(clients)
    ]
    await asyncio.sleep(seconds)
    answered, took = len(latencies), time.perf_counter() - begin
    for client in made:
        client.stop()
    await asyncio.wait([client.done for client in made], timeout=30)
    return {
        "requests": len(latencies),
        "requests_per_second": answered / took,
        "errors": sum(count for status, count in statuses.items() if status != 200),
        "p50_ms": float(np.percentile(latencies, 50) * 1000),
        "p99_ms": float(np.percentile(latencies, 99) * 1000),
    }


if __name__ == "__main__":
    port, path, clients, seconds = sys.argv[1:]
    bodies = sys.stdin.buffer.read().splitlines()
    print(json.dumps(uvloop.run(ask(int(port), path, int(clients), float(seconds), bodies))))
