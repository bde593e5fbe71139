"""The seam to labeling platforms: what a backend receives, what it returns and what it promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from include.foundation.lines.line_files import Line
from include.stages.labeling.answers_read import Mark


@dataclass(frozen=True)
class LabelRequest:
    """A request as annotators see it; ``prelabel`` is None where it is hidden."""

    request_id: str
    trace_id: str
    input: dict[str, Any]
    prelabel: dict[str, Any] | None
    reasons: list[str]
    tier: int
    batch_id: str


@dataclass(frozen=True)
class Answer:
    """One annotator's answer to one request; ``label`` is None where the annotator declined."""

    request_id: str
    trace_id: str
    annotator: str
    label: str | None
    created_at: datetime
    source: str
    comment: str | None = None
    lead_time_seconds: float | None = None


@dataclass(frozen=True)
class Answers:
    """What is new in a backend.

    Attributes
    ----------
    rows
        The answers.
    refused
        The lines that are no answers, each with its file.
    read
        How far was read.
    passed_over
        What is not read at all, with the reason.
    """

    rows: list[Answer]
    refused: list[tuple[str, Line]] = field(default_factory=list)
    read: list[Mark] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class BackendConnection:
    """The address of a labeling platform and the token to log in with, which never appears in a log."""

    host: str
    token: str = field(repr=False)


class LabelingBackend(Protocol):
    """What every labeling backend does. The platform's tasks keep the ``request_id``, by which they are looked up."""

    def existing(self, requests: Sequence[LabelRequest]) -> dict[str, str]:
        """Return the external id of each of these requests that the platform has, by request id."""

    def push(self, requests: Sequence[LabelRequest]) -> None:
        """Create a task for each request. It may fail after it created some or all: the caller then looks them up."""

    def answers(self, requests: Mapping[str, str], read: Mapping[str, Mark]) -> Answers:
        """Return the answers that were not read yet.

        Parameters
        ----------
        requests
            Every request of the ledger: its trace id by its request id.
        read
            How far each source was read before; answers from before may be among those returned.
        """
