"""An S3 server on loopback whose answers get lost: what was written is written, and the writer is not told."""

import hashlib
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Fate = Literal["well", "answer lost", "never arrived", "busy"]
FATES: tuple[Fate, ...] = ("answer lost", "never arrived", "busy")
RANDOM_NAMES = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|-c\d{3}")  # of data files


class LossyS3(ThreadingHTTPServer):
    """Passes requests on to an S3 server, and loses some of the answers.

    What becomes of a request follows from the seed, its method, its object (less the random part of its name) and how often the
    same was asked before, so that one seed gives one history, however threads take turns.

    Parameters
    ----------
    endpoint
        Address of the S3 server.
    seed
        Decides what becomes of which request.
    share
        Of all writing requests that go wrong, 0 to 1.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, endpoint: str, seed: int, share: float) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.upstream, self.seed, self.share = urlsplit(endpoint).netloc, seed, share
        self.fates: Counter[Fate] = Counter()
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def fate(self, method: str, path: str) -> Fate:
        """Return what becomes of the next such request."""
        place = f"{method} {RANDOM_NAMES.sub('*', urlsplit(path).path)}"
        with self._lock:
            self._asked[place] += 1
            drawn = hashlib.sha256(f"{self.seed} {place} {self._asked[place]}".encode()).digest()
            wrong = method in {"PUT", "POST", "DELETE"} and int.from_bytes(drawn[:4], "big") < self.share * 2**32
            fate: Fate = FATES[drawn[4] % len(FATES)] if wrong else "well"
            self.fates[fate] += 1
        return fate

    def handle_error(self, *_: object) -> None:
        """Say nothing when a client has gone."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: LossyS3

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _pass_on(self) -> None:
        body = self._body()
        fate = self.server.fate(self.command, self.path)
        if fate == "never arrived":
            return self._hang_up()
        if fate == "busy":
            return self._answer(503, {}, b"<Error><Code>SlowDown</Code><Message>no</Message></Error>")
        upstream = HTTPConnection(self.server.upstream, timeout=60)
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in {"transfer-encoding", "expect"}
        }
        upstream.request(self.command, self.path, body, {**headers, "Content-Length": str(len(body))})
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        if fate == "answer lost":
            return self._hang_up()
        return self._answer(answer.status, dict(answer.getheaders()), content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on  # noqa: N815 - the names that http.server calls

    def _body(self) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response_only(status)
        skipped = {"connection", "transfer-encoding", "content-length"}
        for name, value in headers.items():
            if name.lower() not in skipped:
                self.send_header(name, value)
        length = headers.get("Content-Length", str(len(content))) if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()


@contextmanager
def lossy(options: dict[str, str], seed: int, share: float) -> Iterator[tuple[LossyS3, dict[str, str]]]:
    """Run such a server before the one of some ``deltalake`` options, and give the options that reach it."""
    server = LossyS3(options["AWS_ENDPOINT_URL"], seed, share)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server, options | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}
    finally:
        server.shutdown()
        server.server_close()
