"""The seam to labeling platforms: what a backend promises, and which there are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from include.config.loop_file import Loop
from include.errors import ConfigError
from include.logs.reading import Line


@dataclass(frozen=True)
class LabelTask:
    """One ask for a label, as annotators see it; ``prelabel`` is None where it is hidden."""

    request_id: str
    trace_id: str
    input: dict[str, Any]
    prelabel: dict[str, Any] | None
    reasons: list[str]
    tier: int
    batch_id: str


@dataclass(frozen=True)
class Answer:
    """One annotator's answer to one request."""

    request_id: str
    trace_id: str
    annotator: str
    label: str
    created_at: datetime
    source: str
    comment: str | None = None
    lead_time_seconds: float | None = None


@dataclass(frozen=True)
class Answers:
    """What a backend has: answers, and what could not be read as one, by where it was found."""

    rows: list[Answer]
    refused: list[tuple[str, Line]] = field(default_factory=list)


@dataclass(frozen=True)
class BackendConnection:
    """Where a labeling platform is and how to log in; the token never shows in a log."""

    host: str
    token: str = field(repr=False)


class LabelingBackend(Protocol):
    """What every labeling backend does. A task's key is its ``request_id``, which the platform keeps in the task's data."""

    def existing(self, request_ids: Sequence[str]) -> dict[str, str]:
        """Return the external id of each request that the platform has, by request id."""

    def push(self, tasks: Sequence[LabelTask]) -> None:
        """Create the tasks. May fail after some or all were created: the caller looks up again."""

    def answers(self, open_requests: dict[str, str]) -> Answers:
        """Return the answers to the open requests, given as request id by trace id; older ones may be among them."""


def backend_for(loop: Loop, connection: BackendConnection | None) -> LabelingBackend:
    """Return the backend that a loop file names.

    Raises
    ------
    ConfigError
        If this version has no such backend.
    """
    if loop.labeling.backend == "files":
        from include.labeling.files_backend import FilesBackend

        return FilesBackend(loop)
    raise ConfigError(
        f"labeling.backend: got {loop.labeling.backend!r} at {connection.host if connection else 'no connection'}; this "
        "version pushes to 'files' only: set backend: files and exchange the request and answer files with the platform"
    )
