"""Metrics over HTTP, for those who know the token."""

import hmac
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

LONGEST = 4096  # of a header that can be a token's


class QuietHandler(WSGIRequestHandler):
    """A handler that does not write a line for every scrape, and does not wait for ever for one that says nothing."""

    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing."""


def guarded(application: "WSGIApplication", token: str) -> "WSGIApplication":
    """Return an application that answers with 401 to whoever does not send ``Authorization: Bearer <token>``.

    Parameters
    ----------
    application
        What is guarded.
    token
        Expected, compared in constant time.
    """

    def _guarded(environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        sent = environ.get("HTTP_AUTHORIZATION", "")[:LONGEST].encode("latin-1", "replace")
        if hmac.compare_digest(sent, f"Bearer {token}".encode()):
            return application(environ, start_response)
        start_response(f"{HTTPStatus.UNAUTHORIZED.value} Unauthorized", [("WWW-Authenticate", "Bearer")])
        return [b""]

    return _guarded


def server_of(registry: CollectorRegistry, host: str, port: int, token: str) -> WSGIServer:
    """Return a server of a registry's metrics, bound and not yet serving; scrapes are answered one after the other.

    Parameters
    ----------
    registry
        Whose metrics.
    host, port
        Where it listens; port 0 takes a free one.
    token
        That a scrape must send.

    Raises
    ------
    OSError
        If it cannot listen there.
    """
    return make_server(host, port, guarded(make_wsgi_app(registry), token), handler_class=QuietHandler)
