"""One request and its answer, as lean as ASGI allows: what is sent is what `gateway.answers` says."""

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from gateway.refusals import Refusal

JSON = (b"content-type", b"application/json")
PROBLEM = (b"content-type", b"application/problem+json")
Header = tuple[bytes, bytes]
_ENCODER = msgspec.json.Encoder()


class Exchange:
    """A request that is being answered.

    Parameters
    ----------
    scope, receive, send
        As ASGI gives them.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.path_parameters: dict[str, str] = scope.get("path_params", {})

    @property
    def authorization(self) -> bytes | None:
        """The header of that name."""
        return self.headers.get(b"authorization")

    async def body(self, most_bytes: int, seconds: float, expected: bytes = JSON[1]) -> bytes:
        """Return the body.

        Parameters
        ----------
        most_bytes
            It may have.
        seconds
            In which it must be here.
        expected
            What it must call itself, unless it does not say.

        Raises
        ------
        Refusal
            408, 413, or 415 if it calls itself something else.
        """
        kind = self.headers.get(b"content-type", expected).partition(b";")[0].strip().lower()
        if kind != expected:
            raise Refusal(415, f"The body must be {expected.decode()}")
        if int(self.headers.get(b"content-length", b"0")) > most_bytes:
            raise _too_large(most_bytes)
        message = await self._receive()
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            body = await self._rest(body, most_bytes, seconds)
        if len(body) > most_bytes:
            raise _too_large(most_bytes)
        return body

    async def answer(self, content: Any, status: int = 200) -> None:
        """Send an answer."""
        await self._respond(status, _ENCODER.encode(content), JSON)

    async def refuse(self, refusal: Refusal) -> None:
        """Send why there is no answer; a body that was not read ends the connection."""
        ends = [(b"connection", b"close")] if refusal.status in {408, 413, 415} else []
        await self._respond(refusal.status, _ENCODER.encode(refusal.content), PROBLEM, *refusal.headers, *ends)

    async def _rest(self, begin: bytes, most_bytes: int, seconds: float) -> bytes:
        parts, size, more = [begin], len(begin), True
        try:
            async with asyncio.timeout(seconds):
                while more and size <= most_bytes:
                    message = await self._receive()
                    more = message.get("more_body", False) and message["type"] != "http.disconnect"
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
        except TimeoutError:
            raise Refusal(408, "The body did not arrive in time") from None
        return b"".join(parts)

    async def _respond(self, status: int, body: bytes, *headers: Header) -> None:
        size = (b"content-length", str(len(body)).encode())
        await self._send({"type": "http.response.start", "status": status, "headers": _listed(headers, size)})
        await self._send({"type": "http.response.body", "body": body})


def _listed(headers: Iterable[Header], size: Header) -> list[Header]:
    return [*headers, size, (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]


def _too_large(most_bytes: int) -> Refusal:
    return Refusal(413, f"The body has more than {most_bytes:,} bytes; send fewer rows at once")
