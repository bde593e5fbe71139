import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from gateway import shedding
from gateway.shedding import BUSY, BUSY_AND_CLOSED, Overload, SheddingProtocol

QUESTION = b"POST /v1/predict HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}"


def overload(*, seconds: float = 2.0, most: int = 3) -> tuple[Overload, list[None]]:
    counted: list[None] = []
    return Overload(seconds, most, lambda: counted.append(None)), counted


def test_as_many_are_answered_as_may_be_and_the_others_are_refused_and_counted() -> None:
    limit, counted = overload()
    assert [limit.sheds(answering) for answering in (0, 2, 3, 400)] == [False, False, True, True]
    assert len(counted) == 2


def test_refusal_is_a_whole_answer_that_says_when_to_try_again() -> None:
    head, body = BUSY_AND_CLOSED.split(b"\r\n\r\n")
    assert BUSY_AND_CLOSED.replace(b"connection: close\r\n", b"") == BUSY
    assert head.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert b"retry-after: 1" in head
    assert b"connection: close" in head
    assert f"content-length: {len(body)}".encode() in head
    assert b'"status":429' in body


@pytest.mark.parametrize("late", [0.2, 0.3])
def test_what_comes_in_a_turn_that_takes_an_eighth_of_the_deadline_is_refused(monkeypatch, late) -> None:
    moments = iter([100.0, 100.0 + shedding.TICK + late])
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))
    limit, _ = overload(most=4)
    limit.watch(SimpleNamespace(call_later=lambda *_: None))  # type: ignore[arg-type]
    assert limit.sheds(2) is (late >= 2.0 / 8)


@pytest.mark.parametrize("most", [1, 32])
def test_half_is_answered_however_late_it_gets(monkeypatch, most) -> None:
    moments = iter([100.0, *[200.0] * 9])
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))
    limit, _ = overload(most=most)
    limit.watch(SimpleNamespace(call_later=lambda *_: None))  # type: ignore[arg-type]
    few = max(1, most // 2)
    assert [limit.sheds(answering) for answering in (0, few - 1, few)] == [False, False, True]


def test_turn_that_was_slow_is_forgiven_after_the_next_look() -> None:
    async def turns() -> list[bool]:
        limit, refusals = overload()[0], []
        limit.watch(asyncio.get_running_loop())
        time.sleep(shedding.TICK + 0.5)
        refusals.append(limit.sheds(1))
        while refusal := limit.sheds(1):
            await asyncio.sleep(shedding.TICK)
        return [*refusals, refusal]

    assert asyncio.run(turns()) == [True, False]


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.closed = b"", False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def said(answering: int, *parts: bytes) -> Transport:
    """Return the connection to which parts of a request were sent, while others are being answered."""

    async def app(_: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def talk() -> Transport:
        config, state, transport = Config(app, log_config=None), ServerState(), Transport()
        state.tasks |= {asyncio.ensure_future(asyncio.sleep(0)) for _ in range(answering)}
        protocol = SheddingProtocol(config, state, {"overload": overload()[0]})
        protocol.connection_made(transport)
        for part in parts:
            protocol.data_received(part)
        await asyncio.sleep(0.05)
        return transport

    return asyncio.run(talk())


@pytest.mark.parametrize(
    ("question", "is_whole"),
    [
        (QUESTION, True),
        (QUESTION.replace(b"content-length: 2", b"Content-Length:2"), True),
        (QUESTION[:-1], False),
        (QUESTION[:-9], False),
        (QUESTION + b"POST /v1/predict", False),
        (QUESTION.replace(b"content-length: 2", b"transfer-encoding: chunked"), False),
    ],
)
def test_request_is_refused_and_its_connection_ends_if_more_of_it_is_to_come(question, is_whole) -> None:
    refused = said(3, question)
    assert (refused.written, refused.closed) == (BUSY if is_whole else BUSY_AND_CLOSED, not is_whole)


@pytest.mark.parametrize(
    ("answering", "parts"),
    [
        (2, [QUESTION]),
        (3, [b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n"]),
        (2, [QUESTION[:-2].replace(b": 2", b": 5"), b"POST "]),  # a body, not the begin of a request
    ],
)
def test_request_that_can_be_answered_and_looks_at_states_are_read(answering, parts) -> None:
    answered = said(answering, *parts)
    assert answered.written.startswith(b"HTTP/1.1 200")
    assert not answered.closed
