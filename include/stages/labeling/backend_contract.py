"""The seam to labeling platforms: what a backend is given, what it gives, and what it promises."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from include.foundation.lines.line_files import Line


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
