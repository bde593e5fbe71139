"""The sections of a loop file about running it: how long tasks may work, and who is told of what."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, StringConstraints

from include.foundation.config.sections import Section

DottedPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]
Event = Literal[
    "failure", "rollback", "drift_alarm", "approval", "label_reminder", "label_deadline", "no_live_data", "missed_promise",
    "canary_mismatch", "annotator",
]  # fmt: skip
SECRETS = ("password", "secret", "token", "api_key", "apikey", "access_key", "private_key", "webhook_url")


class Tasks(Section):
    """How long a task may work before it is stopped and tried again; waiting for people is not counted."""

    timeout_minutes: float = Field(default=60, gt=0, le=60 * 24 * 7)
    """Minutes that a task may work, unless it is a long one."""
    long_timeout_minutes: float = Field(default=720, gt=0, le=60 * 24 * 7)
    """The same for the long ones, which read many logs, train or evaluate."""


class Notify(Section):
    """A way to tell people what happened: an Airflow notifier, and the events on which it is called."""

    events: list[Event] = Field(min_length=1)
    """When it is called: a task failed for good, a model was rolled back, a drift alarm was confirmed, a deployment waits for
    approval, annotators were waited for ``labeling.remind_hours``, the deadline for labels has passed, ``deploy.watch_days``
    have passed without a row to judge a model by, the champion scores less than it promised, a canary is held because callers
    are not served as its share says, or an annotator is right less often than before or than the team."""
    notifier: DottedPath
    """Dotted path of a subclass of ``airflow.sdk.BaseNotifier``."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the notifier. Those that it templates can use ``{{ notification.message }}``. Connections go by id."""


def untold(entries: Iterable[Notify]) -> list[str]:
    """Return the events that nobody is told of, in order.

    Examples
    --------
    >>> untold([Notify(events=["failure", "approval"], notifier="a.Notifier")])
    ['rollback', 'drift_alarm', 'label_reminder', 'label_deadline', 'no_live_data', 'missed_promise', 'canary_mismatch', 'annotator']
    """  # noqa: E501
    told = {event for entry in entries for event in entry.events}
    return [event for event in get_args(Event) if event not in told]
