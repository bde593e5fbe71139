"""The seam to labeling platforms: what a backend receives, what it returns and what it promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from include.foundation.lines.line_files import Line
from include.stages.labeling.answers_read import Mark

HINT_HEADER = "X-Feedback-Loop-Secret"


@dataclass(frozen=True)
class LabelRequest:
    """A request as annotators see it; ``prelabel`` is None where it is hidden.

    Attributes
    ----------
    request_id, trace_id, batch_id
        Of the request.
    input
        By input name.
    prelabel
        The model's ``label`` and ``confidence``; None where it is hidden.
    reasons
        Why the row is worth a label.
    tier
        Who is asked.
    ts, model_version, segments
        When the row was served, by which version, and to whom.
    feedback
        What users said of it, in words; empty where the pre-label is hidden, since users speak of the model's answer.
    assigned_to
        Who is asked; empty where the loop file does not name the tier's people.
    """

    request_id: str
    trace_id: str
    input: dict[str, Any]
    prelabel: dict[str, Any] | None
    reasons: list[str]
    tier: int
    batch_id: str
    ts: datetime | None = None
    model_version: str | None = None
    segments: dict[str, str] = field(default_factory=dict)
    feedback: list[str] = field(default_factory=list)
    assigned_to: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """One annotator's answer to one request.

    Attributes
    ----------
    request_id, trace_id
        Of the request.
    annotator
        Who wrote it.
    label
        None where the annotator declined.
    created_at
        When it was written, or last changed.
    source
        File or task that it was read from.
    comment, lead_time_seconds
        None where the platform does not say.
    given_for
        In whose name it was written, where that is not the annotator's own.
    """

    request_id: str
    trace_id: str
    annotator: str
    label: str | None
    created_at: datetime
    source: str
    comment: str | None = None
    lead_time_seconds: float | None = None
    given_for: str | None = None


@dataclass(frozen=True)
class WholeTask:
    """A task all of whose present answers were read: what was read from it before and is not among them was taken back.

    Attributes
    ----------
    source
        The task, as its answers name it.
    request_id
        Of its request.
    changed_at
        When it was last changed.
    """

    source: str
    request_id: str
    changed_at: datetime


class Failure(NamedTuple):
    """Why answers to some requests will not come, such as a labeling job that has failed, and what to do."""

    message: str
    request_ids: list[str]


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
    whole
        Tasks that were read anew as a whole; none of a backend whose answers are never taken back.
    failed
        Why some answers will not come.
    """

    rows: list[Answer]
    refused: list[tuple[str, Line]] = field(default_factory=list)
    read: list[Mark] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    whole: list[WholeTask] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)


@dataclass(frozen=True)
class Webhook:
    """Where a platform sends hints of new answers, and the secret that it sends along, which never appears in a log."""

    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class BackendConnection:
    """The address of a labeling platform and the token to log in with, which never appears in a log.

    Attributes
    ----------
    host, token
        Of the platform.
    webhook
        Which one its project is to have; None where it is left as it is.
    loop_page
        Where browsers find the page of the loop that asks; None where that is not known.
    """

    host: str
    token: str = field(repr=False)
    webhook: Webhook | None = None
    loop_page: str | None = None


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
