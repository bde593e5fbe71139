"""A real HTTP server on loopback that speaks as much S3 as reading logs needs, and fails as it is told."""

import itertools
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET, SECRET, PAGE = "loops", "a-secret-that-nobody-may-read", 2
Fault = int | str | None
CODES = {403: "AccessDenied", 404: "NoSuchKey", 412: "PreconditionFailed", 500: "InternalError", 503: "SlowDown"}


class S3Server(ThreadingHTTPServer):
    """Objects of one bucket.

    Attributes
    ----------
    faults
        Of ``list`` and of ``get``, what becomes of one request after the other: a status, or what is wrong with the body, or
        None. Once they have run out, all is well.
    sent
        Bytes of the body of every ``get`` that is answered.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[str, tuple[bytes, datetime]] = {}
        self.faults: dict[str, Iterator[Fault]] = {"list": iter(()), "get": iter(())}
        self.asked: list[str] = []
        self.sent: list[int] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def options(self) -> dict[str, Any]:
        """Options of ``boto3.client``."""
        return {
            "endpoint_url": f"http://127.0.0.1:{self.server_port}",
            "aws_access_key_id": "reader",
            "aws_secret_access_key": SECRET,
            "region_name": "us-east-1",
        }

    def put(self, key: str, body: bytes, written_at: datetime) -> None:
        """Put an object in the bucket, or another one in its place."""
        self.objects[key] = (body, written_at)

    def fail(self, kind: str, *faults: Fault, forever: bool = False) -> None:
        """Say what becomes of the next requests."""
        self.faults[kind] = itertools.cycle(faults) if forever else iter(faults)

    def stop(self) -> None:
        """Listen no longer."""
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: Any) -> None:
        """Say nothing when a client has gone."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every answer waits 40 ms
    server: S3Server

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer a listing, or with an object."""
        place = urlsplit(self.path)
        bucket, _, key = unquote(place.path).lstrip("/").partition("/")
        kind = "get" if key else "list"
        self.server.asked.append(kind)
        fault = next(self.server.faults[kind], None)
        if isinstance(fault, int):
            self._refuse(fault)
        elif fault == "hang up":
            self._hang_up()
        elif bucket != BUCKET:
            self._refuse(404, "NoSuchBucket")
        elif kind == "list":
            self._list({name: values[0] for name, values in parse_qs(place.query).items()})
        else:
            self._get(key, fault)

    def do_PUT(self) -> None:
        """Let nobody write."""
        self.close_connection = True  # what was to be written is not read
        self._refuse(403)

    def do_DELETE(self) -> None:
        """Let nobody delete."""
        self._refuse(403)

    def _list(self, query: dict[str, str]) -> None:
        keys = sorted(key for key in self.server.objects if key.startswith(query.get("prefix", "")))
        start = int(query.get("continuation-token", 0))
        more = f"<NextContinuationToken>{start + PAGE}</NextContinuationToken>" if start + PAGE < len(keys) else ""
        items = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{self._moment(key)}</LastModified>"
            f"<ETag>&quot;{self._tag(key)}&quot;</ETag><Size>{len(self.server.objects[key][0])}</Size></Contents>"
            for key in keys[start : start + PAGE]
        )
        truncated = f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{more}"
        self._answer(200, f"<ListBucketResult>{truncated}{items}</ListBucketResult>".encode())

    def _get(self, key: str, fault: Fault) -> None:
        if key not in self.server.objects:
            return self._refuse(404)
        tag, body = self._tag(key), self.server.objects[key][0]
        if fault != "any version" and self.headers.get("If-Match", tag).strip('"') != tag:
            return self._refuse(412)
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        headers = {"ETag": f'"{tag}"', "Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
        if fault == "no ranges":
            start = 0
            del headers["Content-Range"]
        if fault == "short":
            body = body[: start + (len(body) - start) // 2]
        if fault == "empty":
            body = b""
        return self._answer(206 if "Content-Range" in headers else 200, body[start:], headers, fault)

    def _refuse(self, status: int, code: str | None = None) -> None:
        text = f"<Error><Code>{code or CODES[status]}</Code><Message>no</Message></Error>"
        self._answer(status, text.encode())

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, fault: Fault = None) -> None:
        if headers is not None:
            self.server.sent.append(len(body))  # before the client can know that it has all of it
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if fault == "stall":
            time.sleep(1)
            return self._hang_up()
        for part in self._parts(body, fault):
            self.wfile.write(part)
            self.wfile.flush()
        return self._hang_up() if fault == "cut" else None

    def _parts(self, body: bytes, fault: Fault) -> Iterable[bytes]:
        if fault == "cut":
            return [body[: len(body) // 2]]
        if fault != "trickle":
            return [body]
        size = len(body) // 20 + 1
        return (time.sleep(0.005) or body[at : at + size] for at in range(0, len(body), size))

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _tag(self, key: str) -> str:
        return md5(self.server.objects[key][0], usedforsecurity=False).hexdigest()

    def _moment(self, key: str) -> str:
        return self.server.objects[key][1].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
