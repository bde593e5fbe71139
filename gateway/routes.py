"""The addresses of the gateway, and what each does."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.types import Receive, Scope, Send

from gateway.answers import Model, Models, Predictions, TakenMany
from gateway.api_keys import ApiKeys
from gateway.http_exchange import Exchange
from gateway.measures import Measures
from gateway.messages import predict_request, signals_of
from gateway.refusals import Refusal
from gateway.replays import demand_own_times
from gateway.served_loop import ServedLoop
from gateway.settings import Settings
from include.foundation.errors import did_you_mean

EVENTS = logging.getLogger("gateway")


class Caller:
    """Whoever sent a request.

    Parameters
    ----------
    allowed
        Loops that the key is for.
    loops
        Loops that are served.
    """

    def __init__(self, allowed: frozenset[str], loops: Mapping[str, ServedLoop]) -> None:
        self.allowed, self._loops = allowed, loops
        self.loop = ""

    def demand_key(self) -> None:
        """Refuse whoever has no key of any loop.

        Raises
        ------
        Refusal
            401.
        """
        if not self.allowed:
            raise Refusal(401, "Give a key: Authorization: Bearer <key>")

    def loop_named(self, name: str | None) -> ServedLoop:
        """Return the loop of a request.

        Raises
        ------
        Refusal
            If it is not served, or not to this caller. Who may not ask a loop is not told whether there is one.
        """
        if name is None:
            if len(self._loops) > 1:
                raise Refusal(422, "The request is not valid", ["loop: missing; several loops are served"])
            name = next(iter(self._loops))
        if name not in self.allowed:
            raise Refusal(403, "The key is not for this loop")
        if name not in self._loops:
            raise Refusal(404, f"No such loop is served{did_you_mean(name, self._loops)}")
        self.loop = name
        return self._loops[name]


Answer = Callable[[bytes, Caller], Awaitable[Any]]


class Addresses:
    """What is done at each address.

    Parameters
    ----------
    loops
        That are served, by name.
    keys
        Who may ask them.
    settings
        Limits.
    """

    def __init__(self, loops: Mapping[str, ServedLoop], keys: ApiKeys, settings: Settings) -> None:
        self.loops, self.keys, self.settings = loops, keys, settings

    async def predict(self, body: bytes, caller: Caller) -> Any:
        """Answer ``POST /v1/predict``."""
        request = predict_request(body)
        served = caller.loop_named(request.loop)
        rows = request.rows
        demand_own_times(rows, replay=self.settings.replay)
        served.demand_model()
        answers = await served.predictions.predict(rows, self.settings.deadline_seconds)
        return answers[0] if rows[0] is request else Predictions(answers)

    async def feedback(self, body: bytes, caller: Caller) -> Any:
        """Answer ``POST /v1/feedback``."""
        request, signals = signals_of(body)
        served = caller.loop_named(request.loop)
        demand_own_times(signals, replay=self.settings.replay)
        taken = await served.feedback.take(signals, self.settings.deadline_seconds)
        return taken[0] if signals[0] is request else TakenMany(taken)

    async def models(self, _: bytes, caller: Caller) -> Any:
        """Answer ``GET /v1/models``."""
        shown = [served for name, served in sorted(self.loops.items()) if name in caller.allowed]
        return Models([_shown(served) for served in shown])


class JsonAddress(ABC):
    """An address that takes and gives JSON; an ASGI application.

    Parameters
    ----------
    path
        The address, for the metrics.
    addresses
        Loops and limits.
    measures
        Of the process.
    """

    def __init__(self, path: str, addresses: Addresses, measures: Measures) -> None:
        self._path, self._addresses, self._measures = path, addresses, measures
        self._counters: dict[tuple[str, int], tuple[Any, Any]] = {}

    @abstractmethod
    async def _content(self, exchange: Exchange, caller: Caller) -> Any:
        """Return what is answered, or raise a refusal."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        begin, exchange = time.perf_counter(), Exchange(scope, receive, send)
        caller = Caller(self._addresses.keys.loops_of(exchange.authorization), self._addresses.loops)
        try:
            content = await self._content(exchange, caller)
        except Refusal as refusal:
            self._count(caller.loop, refusal.status, begin)
            await exchange.refuse(refusal)
        except Exception as error:
            EVENTS.exception("request failed", extra={"told": {"path": self._path, "error": type(error).__name__}})
            self._count(caller.loop, 500, begin)
            await exchange.refuse(Refusal(500, "The gateway failed; its log says where"))
        else:
            self._count(caller.loop, 200, begin)
            await exchange.answer(content)

    async def _body(self, exchange: Exchange) -> bytes:
        settings = self._addresses.settings
        return await exchange.body(settings.most_body_kb << 10, settings.deadline_seconds)

    def _count(self, loop: str, status: int, begin: float) -> None:
        if (loop, status) not in self._counters:
            counter = self._measures.requests.labels(loop, self._path, status)
            self._counters[loop, status] = (counter, self._measures.request_seconds.labels(loop, self._path))
        counter, seconds = self._counters[loop, status]
        counter.inc()
        seconds.observe(time.perf_counter() - begin)


class JsonRoute(JsonAddress):
    """An address for those who have a key.

    Parameters
    ----------
    path, addresses, measures
        As of `JsonAddress`.
    answer
        What is done there.
    """

    def __init__(self, path: str, answer: Answer, addresses: Addresses, measures: Measures) -> None:
        super().__init__(path, addresses, measures)
        self._answer = answer

    async def _content(self, exchange: Exchange, caller: Caller) -> Any:
        caller.demand_key()
        return await self._answer(await self._body(exchange), caller)


def _shown(served: ServedLoop) -> Model:
    current = served.champion.current
    inputs: dict[str, str] = {name: item.type for name, item in served.loop.inputs.items()}
    version = None if current is None else current.version
    canary = served.canary.current
    return Model(
        served.loop.name, version, list(served.loop.task.classes), inputs, served.challenger_version,
        canary and canary.scorer.version, canary.share if canary else 0.0,
    )  # fmt: skip
