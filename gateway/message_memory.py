"""Messages that came lately, so that one that is sent again is not written again."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

from gateway.refusals import Refusal

MOST = 100_000
Outcome = TypeVar("Outcome")


class _Remembered(NamedTuple, Generic[Outcome]):
    digest: bytes
    outcome: "asyncio.Future[Outcome]"


class MessageMemory(Generic[Outcome]):
    """What became of the newest messages; on one event loop.

    It is lost with the process. That costs a second copy of a line in the log, never a second row: a pull takes lines of equal
    content as one.

    Parameters
    ----------
    most
        Messages that are remembered; the one that was sent longest ago is forgotten first.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: OrderedDict[Hashable, _Remembered[Outcome]] = OrderedDict()

    async def once(self, key: Hashable, digest: bytes, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """Return the outcome of a message, worked out once: for whoever sends it again while it is, too.

        Parameters
        ----------
        key
            Of the message.
        digest
            Of its content.
        work
            Works the outcome out; what it raises is raised here, and not remembered.

        Raises
        ------
        Refusal
            409 if another content came under this key.
        """
        known = self._known.get(key)
        if known is not None and known.digest != digest:
            raise Refusal(
                409, "Another message has this webhook-id; give each its own, and one that is sent again the same"
            )
        if known is None:
            known = self._known[key] = _Remembered(digest, asyncio.ensure_future(work()))
            known.outcome.add_done_callback(lambda done: self._forget_failed(key, done))
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return await asyncio.shield(known.outcome)

    def _forget_failed(self, key: Hashable, done: "asyncio.Future[Outcome]") -> None:
        if done.cancelled() or done.exception() is not None:
            self._known.pop(key, None)
