"""A page for people: ask the model of a loop, see what it says, and report what is wrong; off where it is not asked for."""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from gateway.answers import Prediction
from gateway.http_exchange import Exchange
from gateway.messages import Instance, Signal
from gateway.refusals import Refusal
from gateway.routes import Addresses, Caller
from gateway.served_loop import ServedLoop
from include.foundation.config.sections import Input
from include.foundation.lines.values import json_or_text, number_of
from include.foundation.pages.rendering import render

TEMPLATES = Path(__file__).parent / "templates"
FORM = b"application/x-www-form-urlencoded"
OWN_SITE = (
    None,
    "same-origin",
    "none",
)  # browsers say where a form comes from; a login that they know is sent with all
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
HEADERS = {"content-security-policy": POLICY, "cache-control": "no-store", "x-content-type-options": "nosniff"}
LOGIN = {"www-authenticate": 'Basic realm="Feedback Loop gateway: any name, and the key as password", charset="UTF-8"'}
Form = Mapping[str, str]


class TryPage:
    """The page at ``/``; an ASGI application.

    A key is the password of a login by the browser (HTTP Basic); the name does not matter.

    Parameters
    ----------
    addresses
        Loops, keys and limits.
    """

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request, exchange = Request(scope), Exchange(scope, receive, send)
        caller = Caller(self._addresses.keys.loops_of(_bearer(exchange.authorization)), self._addresses.loops)
        try:
            response = await self._page(request, exchange, caller)
        except Refusal as refusal:  # who asks is not known, or asks what is not served
            response = HTMLResponse(refusal.detail, refusal.status, LOGIN if refusal.status == 401 else None)
        response.headers.update(HEADERS)
        await response(scope, receive, send)

    async def _page(self, request: Request, exchange: Exchange, caller: Caller) -> Response:
        caller.demand_key()
        names = sorted(caller.allowed & self._addresses.loops.keys())
        served = caller.loop_named(request.query_params.get("loop", next(iter(names), "")))
        page: dict[str, Any] = {"names": names, "form": {}, "refusal": None, "said": None, "kept": None}
        if request.method == "POST":
            if request.headers.get("sec-fetch-site") not in OWN_SITE:
                raise Refusal(403, "Another site sent this form")
            page["form"] = form = await self._form(exchange)
            try:
                page |= await self._done(served, form)
            except Refusal as refusal:
                page["refusal"] = refusal
        facts = page | {"served": served, "inputs": served.loop.inputs, "form_action": "'self'"}
        return HTMLResponse(render(TEMPLATES, "try_page.html", facts), getattr(page["refusal"], "status", 200))

    async def _form(self, exchange: Exchange) -> Form:
        settings = self._addresses.settings
        body = await exchange.body(settings.most_body_kb << 10, settings.deadline_seconds, FORM)
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[0].replace("\r\n", "\n") for name, values in fields.items()}

    async def _done(self, served: ServedLoop, form: Form) -> dict[str, Any]:
        """Do what a form asks for, and return what the page then shows."""
        if "trace_id" in form:
            (taken,) = await served.feedback.take([_signal(form)], self._addresses.settings.deadline_seconds)
            return {"kept": taken.kept}
        given = {name: _value(item, form.get(f"input.{name}", "")) for name, item in served.loop.inputs.items()}
        instance = Instance({name: value for name, value in given.items() if value is not None})
        instance.metadata = {"asked": "on the gateway's page"}
        return {"said": await self._predicted(served, instance)}

    async def _predicted(self, served: ServedLoop, instance: Instance) -> Prediction:
        served.demand_model()
        (said,) = await served.predictions.predict([instance], self._addresses.settings.deadline_seconds)
        return said


def _bearer(authorization: bytes | None) -> bytes | None:
    """Return the header as programs send it: of a login by name and password, the password."""
    scheme, _, login = (authorization or b"").partition(b" ")
    if scheme.lower() != b"basic":
        return authorization
    try:
        return b"Bearer " + base64.b64decode(login, validate=True).partition(b":")[2]
    except binascii.Error:
        return None


def _value(item: Input, text: str) -> Any:
    """Return a field as JSON would have it; an empty one is none, but of a text that must be there."""
    if not text:
        return "" if item.type == "text" and item.required else None
    if item.type == "numeric":
        return text if number_of(text) is None else number_of(text)
    return json_or_text(text) if item.type == "vector" else text


def _signal(form: Form) -> Signal:
    label, comment = form.get("label"), form.get("comment") or None
    told: dict[str, Any] = {"signal": "correction", "value": label} if label else {"signal": "report"}
    consent = True if "consent" in form else None
    return Signal(trace_id=form["trace_id"], kind="explicit", comment=comment, source="page", consent=consent, **told)
