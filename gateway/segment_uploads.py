"""Complete segments on their way to S3: on the local disk until S3 has them, and sent until it does."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from gateway.event_log import told_problem
from gateway.log_segments import complete_segments
from include.foundation.store.objects.s3_objects import bucket_and_key, s3_client

LOOK_SECONDS = 0.5
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds after failures, each twice as long as the one before
STOP_SECONDS = 10.0
SETTLED = timedelta(days=2)  # after which nobody makes a segment in the folder of a day


class Backlog(NamedTuple):
    """What S3 does not have yet.

    Attributes
    ----------
    segments, size
        Number, and bytes.
    seconds
        Since the oldest was completed; 0 if there is none.
    """

    segments: int
    size: int
    seconds: float


class SegmentUploads:
    """Sends the segments of one log to S3 on a thread of its own, and deletes each once S3 has acknowledged it.

    The key is the segment's name, which nobody else has, and a complete segment never changes. So a segment that is sent again,
    since the process ended before it was deleted, is the same object, and a pull reads an object once.

    Parameters
    ----------
    folder
        Where the segments are completed.
    uri
        ``s3://bucket/prefix`` that they belong to.
    options
        Credentials and endpoint, as ``boto3.client`` takes them.
    watch
        Is told of each attempt whether it succeeded.
    """

    def __init__(
        self, folder: Path, uri: str, options: Mapping[str, str], watch: Callable[[bool], None] = lambda _: None
    ) -> None:
        self.folder, self.uri, self._options, self._watch = folder, uri.rstrip("/"), dict(options), watch
        self.problem: str | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"uploads of {folder.name}", daemon=True)
        self._thread.start()

    @property
    def backlog(self) -> Backlog:
        """What waits on the local disk."""
        segments, size, oldest = 0, 0, time.time()
        for path in complete_segments(self.folder):
            with suppress(FileNotFoundError):  # sent meanwhile
                status = path.stat()
                segments, size, oldest = segments + 1, size + status.st_size, min(oldest, status.st_mtime)
        return Backlog(segments, size, max(0.0, time.time() - oldest))

    def close(self) -> None:
        """Send what waits, for a few seconds at most; the rest is sent after the next start."""
        self._stopped.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopped.is_set():
            if self._sent():
                pause = FIRST_PAUSE
                self._stopped.wait(LOOK_SECONDS)
            else:
                self._stopped.wait(pause * random.uniform(0.75, 1.25))  # noqa: S311 - so that gateways do not come together
                pause = min(LONGEST_PAUSE, 2 * pause)
        self._sent()

    def _sent(self) -> bool:
        """Send what waits, the oldest first, and tell whether all went well."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            for path in complete_segments(self.folder):
                self._send(path)
        except (BotoCoreError, ClientError, OSError, ValueError) as error:
            self._watch(False)
            self._say(error)
            return False
        self._say(None)
        return True

    def _send(self, path: Path) -> None:
        """Put a segment, whole or not at all, and delete it here."""
        name = path.relative_to(self.folder).as_posix()
        bucket, key = bucket_and_key(f"{self.uri}/{name}")
        with path.open("rb") as opened:
            s3_client(self._options, tries=1).put_object(Bucket=bucket, Key=key, Body=opened)
        path.unlink(missing_ok=True)
        if path.parent.name < f"{datetime.now(UTC) - SETTLED:%Y-%m-%d}":
            with suppress(OSError):  # it has other segments
                path.parent.rmdir()
        self._watch(True)

    def _say(self, error: Exception | None) -> None:
        self.problem = told_problem("segments cannot be uploaded", error, self.problem, log=self.uri)
