"""The address that takes what servers of others log: signed lines, which land in the same logs."""

import asyncio
import hashlib
from typing import Any

from gateway.answers import Received
from gateway.http_exchange import Exchange
from gateway.measures import Measures
from gateway.message_memory import MessageMemory
from gateway.refusals import Refusal
from gateway.routes import Addresses, Caller, JsonAddress
from gateway.webhook_messages import Lines, lines_of
from gateway.webhook_page import ADDRESS
from gateway.webhook_secrets import HEADERS, WebhookSecrets

LONGEST_ID = 1000


class WebhookRoute(JsonAddress):
    """The address of webhooks; an ASGI application.

    Parameters
    ----------
    secrets
        That messages are signed with.
    addresses
        Loops and limits.
    measures
        Of the process.
    """

    def __init__(self, secrets: WebhookSecrets, addresses: Addresses, measures: Measures) -> None:
        super().__init__(ADDRESS, addresses, measures)
        self._secrets, self._memory = secrets, MessageMemory[Received]()

    async def _content(self, exchange: Exchange, caller: Caller) -> Any:
        """Return what became of a message, once its lines are in the log."""
        loop = exchange.path_parameters["loop"]
        headers = {name: exchange.headers.get(name.encode(), b"").decode("latin-1") for name in HEADERS}
        body = await self._body(exchange)
        self._secrets.demand_signed(loop, headers, body)
        caller.allowed = frozenset([loop])
        caller.loop_named(loop)
        if len(message_id := headers["webhook-id"]) > LONGEST_ID:
            raise Refusal(422, f"webhook-id: got {len(message_id)} characters, expected at most {LONGEST_ID}")

        async def _log() -> Received:
            lines = await asyncio.to_thread(lines_of, body, self._addresses.loops[loop].loop)
            return await self._logged(loop, lines)

        return await self._memory.once((loop, message_id), hashlib.sha256(body).digest(), _log)

    async def _logged(self, loop: str, lines: Lines) -> Received:
        log = self._addresses.loops[loop].lines.get(lines.log)
        if log is None:
            raise Refusal(404, f"Loop {loop} reads no {lines.log}: its file has no {lines.log}.uri")
        await log.written(lines.kept, self._addresses.settings.deadline_seconds)
        return Received(lines.total, len(lines.kept))
