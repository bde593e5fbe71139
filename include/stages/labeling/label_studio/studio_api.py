"""Label Studio's API: how it is logged in to, what is tried again, and what its answers mean."""

import time
from collections.abc import Generator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from include.foundation.errors import ConfigError, LabelingError, short
from include.stages.labeling.backend_contract import BackendConnection

READ_SECONDS = 180.0  # the server tries writes to its database again by itself, so an answer may take long
PAUSES = (0.5, 2.0, 5.0)  # seconds before each further attempt
BUSY = (429, 502, 503, 504)
ACCESS_SECONDS = 240.0  # an access token lives 300
REFRESH = "/api/token/refresh/"


class UnclearError(LabelingError):
    """Nobody knows whether the server did what it was asked to: its answer was lost, or says that it failed in the middle."""


class TokenAuth(httpx.Auth):
    """Log in with either kind of token: a legacy token as it is, a personal access token by way of a short-lived one.

    Parameters
    ----------
    host
        Address of the server.
    token
        Of a user. A personal access token is a JWT, which has two dots.
    """

    requires_response_body = True

    def __init__(self, host: str, token: str) -> None:
        self._host = host
        self._token = token
        self._access = ""
        self._until = 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with the token; where that has ended before its time, once more with a new one."""
        if self._token.count(".") != 2:
            request.headers["Authorization"] = f"Token {self._token}"
            yield request
            return
        fresh = time.monotonic() > self._until
        if fresh:
            self._take((yield self._refresh()))
        request.headers["Authorization"] = f"Bearer {self._access}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED and not fresh:
            self._take((yield self._refresh()))
            request.headers["Authorization"] = f"Bearer {self._access}"
            yield request

    def _refresh(self) -> httpx.Request:
        return httpx.Request("POST", f"{self._host}{REFRESH}", json={"refresh": self._token})

    def _take(self, response: httpx.Response) -> None:
        answer = checked(response)
        if not isinstance(answer, dict) or "access" not in answer:
            raise ConfigError(f"{self._host} answered {REFRESH} with {short(answer)}: is it Label Studio's address?")
        self._access = answer["access"]
        self._until = time.monotonic() + ACCESS_SECONDS


class StudioClient:
    """Call the API of one Label Studio.

    Parameters
    ----------
    connection
        Where it is, and the token.

    Raises
    ------
    ConfigError
        If the connection has no address or no token.
    """

    def __init__(self, connection: BackendConnection) -> None:
        token = connection.token.strip()
        if not token or not token.isascii() or any(sign.isspace() for sign in token):
            raise ConfigError(
                "its password is no API token of Label Studio: it is empty, or has signs that no token has"
            )
        self.host = _address(connection.host)
        self.server_time: datetime | None = None  # of the last answer, by the server's clock, to the second
        self._http = httpx.Client(
            base_url=self.host,
            timeout=httpx.Timeout(READ_SECONDS, connect=10.0),
            auth=TokenAuth(self.host, token),
        )

    def get(self, path: str, *needs: str, **params: Any) -> Any:
        """Return the JSON of a GET, which is tried again where the server is away or busy.

        Parameters
        ----------
        path
            Below the server's address.
        *needs
            Names that the answer has if it is one of Label Studio.
        **params
            Of the query.

        Raises
        ------
        ConfigError
            If it has not.
        """
        answer = self._called("GET", path, params=params)
        if needs and not (isinstance(answer, dict) and set(needs) <= answer.keys()):
            raise ConfigError(
                f"{self.host} answered {path} with {short(answer)}, expected {', '.join(needs)}: is it Label Studio's address?"
            )
        return answer

    def post(self, path: str, body: Any, **params: Any) -> Any:
        """Return the JSON of a POST, which is tried again only if the server cannot have seen it.

        Raises
        ------
        UnclearError
            If it may have been done.
        """
        return self._called("POST", path, json=body, params=params)

    def patch(self, path: str, body: Any) -> Any:
        """Return the JSON of a PATCH, see `post`."""
        return self._called("PATCH", path, json=body)

    def delete(self, path: str) -> None:
        """Delete what there is; nothing happens if another process did."""
        response = self._sent("DELETE", path, {})
        if response.status_code != httpx.codes.NOT_FOUND:
            checked(response)

    def _called(self, method: str, path: str, **arguments: Any) -> Any:
        return checked(self._sent(method, path, arguments))

    def _sent(self, method: str, path: str, arguments: dict[str, Any]) -> httpx.Response:
        for pause in (*PAUSES, None):
            try:
                response = self._http.request(method, path, **arguments)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                problem: Exception = LabelingError(f"{self.host} cannot be reached: {error}")
            except httpx.TransportError as error:
                problem = UnclearError(f"{self.host} did not answer {method} {path} to its end: {error!r}")
                if method != "GET":
                    raise problem from error
            else:
                self.server_time = _time_of(response) or self.server_time
                is_repeatable = method == "GET" or response.status_code == httpx.codes.TOO_MANY_REQUESTS
                if response.status_code not in BUSY or not is_repeatable or pause is None:
                    return response
            if pause is not None:
                time.sleep(pause)
        raise problem


def _time_of(response: httpx.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers.get("Date", "")).astimezone(UTC)
    except ValueError:
        return None


def _address(host: str) -> str:
    try:
        url = httpx.URL(host.strip().rstrip("/"))
    except httpx.InvalidURL as error:
        raise ConfigError(f"got {host!r}, expected the address of Label Studio: {error}") from error
    if url.scheme not in ("http", "https") or not url.host or url.query or url.userinfo or " " in host.strip():
        raise ConfigError(f"got {host!r}, expected the address of Label Studio, such as https://labels.example.org")
    return str(url)


def checked(response: httpx.Response) -> Any:
    """Return the JSON of an answer that says that all is well; None if it is empty.

    Raises
    ------
    ConfigError
        If a person must change something: the token, the address, or the project.
    UnclearError
        If the server failed, and may have done what it was asked to.
    LabelingError
        If it refused what it was sent.
    """
    request, status = response.request, response.status_code
    place, host = f"{request.method} {request.url.path}", f"{request.url.scheme}://{request.url.netloc.decode()}"
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise UnclearError(f"{host} failed with {status} at {place}: {said(response)}")
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise ConfigError(
            f"{host} refused the token ({status}: {said(response)}): put a token of a user who may use the project into the "
            "password of the connection; an organization has legacy tokens switched off unless it is told otherwise"
        )
    if response.is_redirect:
        raise ConfigError(
            f"{host} sends {place} on to {response.headers.get('location')}: name that address in the connection"
        )
    if status == httpx.codes.NOT_FOUND:
        raise ConfigError(
            f"{host} has no {request.url.path}: is it Label Studio's address, and does the user see the project?"
        )
    if response.is_error:
        raise LabelingError(f"{host} refused {place} with {status}: {said(response)}")
    try:
        return response.json() if response.content else None
    except ValueError:
        raise ConfigError(
            f"{host} answered {place} with {response.headers.get('content-type', 'no type')}, expected JSON: is it Label "
            "Studio's address, with the right schema and port?"
        ) from None


def said(response: httpx.Response) -> str:
    """Return what an answer says of an error: its detail and what it did not take, or that it is a page."""
    try:
        answer = response.json()
    except ValueError:
        return "an HTML page" if "<html" in response.text[:500].lower() else short(response.text, 300)
    if not isinstance(answer, dict):
        return short(answer, 500)
    wrong = answer.get("validation_errors")
    return short(answer.get("detail") or answer, 300) + (f" {short(wrong, 1000)}" if wrong else "")
