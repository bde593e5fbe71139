"""The ASGI application: its addresses, what starts with it, and what ends with it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import msgspec
from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.routing import Route

from gateway.answers import Status
from gateway.api_keys import ApiKeys, Everybody
from gateway.champion_holder import Follower
from gateway.http_exchange import PROBLEM
from gateway.measures import Measures
from gateway.openapi_page import openapi
from gateway.refusals import Refusal
from gateway.routes import Addresses, JsonRoute
from gateway.served_loops import ServedLoops
from gateway.settings import Settings
from gateway.shedding import Overload
from gateway.try_page import TryPage
from gateway.webhook_page import ADDRESS
from gateway.webhook_route import WebhookRoute
from gateway.webhook_secrets import WebhookSecrets
from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError


def application(settings: Settings, loops: Sequence[Loop]) -> FastAPI:
    """Return the application of a gateway; models are loaded when it starts.

    Parameters
    ----------
    settings
        Of the process.
    loops
        To serve.

    Raises
    ------
    ConfigError
        If a loop cannot be served, the keys cannot be read, or others could ask without one.
    """
    if not settings.is_local:
        _demand_keys_and_no_replay(settings)
    keys = Everybody(settings.loops) if settings.keys is None else ApiKeys(settings.keys)
    secrets = None if settings.webhooks is None else WebhookSecrets(settings.webhooks)
    measures = Measures()
    served = ServedLoops(loops, settings, measures)
    addresses = Addresses(served.by_name, keys, settings)
    overload = Overload(settings.deadline_seconds, settings.most_requests, measures.shed_requests.inc)

    @asynccontextmanager
    async def _running(_: FastAPI) -> AsyncIterator[dict[str, Overload]]:
        event_loop = asyncio.get_running_loop()
        overload.watch(event_loop)
        looks = [keys.look, *([] if secrets is None else [secrets.look])]
        looks += [partial(served.look, name, event_loop) for name in served.by_name]
        looks += [partial(served.look_at_challenger, name) for name in served.by_name]
        followers = [
            Follower(look, settings.follow_seconds) for look in looks
        ]  # a registry that hangs delays its loop only
        yield {"overload": overload}
        for follower in followers:
            follower.close()
        await asyncio.to_thread(served.close)

    app = FastAPI(title="Feedback Loop gateway", lifespan=_running, docs_url=None, redoc_url=None)
    app.openapi = lambda: openapi(  # type: ignore[method-assign]
        [each.loop for each in served.by_name.values()], webhooks=secrets is not None, replay=settings.replay
    )
    for path, method, answer in (
        ("/v1/predict", "POST", addresses.predict),
        ("/v1/feedback", "POST", addresses.feedback),
        ("/v1/models", "GET", addresses.models),
    ):
        app.router.routes.insert(0, Route(path, JsonRoute(path, answer, addresses, measures), methods=[method]))
    if secrets is not None:
        app.router.routes.insert(0, Route(ADDRESS, WebhookRoute(secrets, addresses, measures), methods=["POST"]))
    if settings.page:
        app.router.routes.insert(0, Route("/", TryPage(addresses), methods=["GET", "POST"]))
    _add_states(app, served, measures)
    app.add_exception_handler(HTTPException, _refused)
    return app


def _demand_keys_and_no_replay(settings: Settings) -> None:
    if settings.keys is None:
        raise ConfigError(f"host: got {settings.host} without keys; make some with python -m gateway.make_key")
    if settings.replay:
        raise ConfigError(
            f"replay: got host {settings.host}, expected one of loopback: clients say when a row was asked"
        )


def _add_states(app: FastAPI, served: ServedLoops, measures: Measures) -> None:
    """Add the addresses that say how the gateway is; they need no key, and say nothing of what was asked."""

    @app.get("/health")
    async def _health() -> Response:
        return _json(Status("alive", notes=served.notes))

    @app.get("/ready")
    async def _ready() -> Response:
        problems = served.problems
        status, code = ("not ready", 503) if problems else ("ready", 200)
        return _json(Status(status, problems, served.notes), code)

    @app.get("/metrics")
    async def _metrics() -> Response:
        return Response(generate_latest(measures.registry), media_type=CONTENT_TYPE_LATEST)


async def _refused(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    refusal = Refusal(status, str(getattr(error, "detail", "")))
    headers = dict(getattr(error, "headers", None) or {})
    return Response(msgspec.json.encode(refusal.content), status, headers, media_type=PROBLEM[1].decode())


def _json(content: Status, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
