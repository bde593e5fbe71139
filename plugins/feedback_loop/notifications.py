"""Tell people what happened in a loop, through the notifiers that its loop file names."""

import importlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from airflow.sdk import BaseNotifier, Context

from include.foundation.config.loading import loop_named
from include.foundation.config.loop_file import Loop
from include.foundation.config.operations import Event, Notify
from include.foundation.errors import ConfigError


@dataclass(frozen=True)
class Notification:
    """What templates know as ``notification``. It holds no inputs, no users, and no text of an error, which may quote them.

    Attributes
    ----------
    loop, event
        Where, and what kind of thing happened.
    message
        What happened, in a sentence.
    dag_id, task_id, run_id
        The task that tells it.
    url
        Its page in Airflow; for an approval the page to answer on.
    page
        A page of the loop to look at, if there is one.
    """

    loop: str
    event: str
    message: str
    dag_id: str
    task_id: str
    run_id: str
    url: str
    page: str | None


class LoopNotifier(BaseNotifier):
    """Call every notifier that a loop file names for an event; one that fails is logged, for it must not fail the task.

    Parameters
    ----------
    loop
        Name of the loop.
    event
        What happened.
    message
        What happened, in a sentence; empty for a failure, which is described from the task's context.
    page
        A page of the loop to look at.
    """

    def __init__(self, loop: str, event: Event, message: str = "", page: str | None = None) -> None:
        super().__init__()
        self.loop = loop
        self.event = event
        self.message = message
        self.page = page

    def notify(self, context: Context) -> None:
        """Call them; what goes wrong is logged as an error."""
        self.send(context)

    def send(self, context: Context) -> bool:
        """Call them and return whether none failed."""
        try:
            entries = [entry for entry in loop_named(self.loop).notify if self.event in entry.events]
            told = asdict(self._notification(context))
        except Exception:
            self.log.exception("NOBODY WAS TOLD of %s in loop %s", self.event, self.loop)
            return False
        sent = [self._call(entry, context, told) for entry in entries]  # every one, also after one that failed
        return all(sent)

    def _call(self, entry: Notify, context: Context, told: Mapping[str, Any]) -> bool:
        try:
            notifier_of(entry)(cast("Context", {**context, "notification": told}))
        except Exception:
            self.log.exception("%s DID NOT TELL of %s in loop %s", entry.notifier, self.event, self.loop)
            return False
        return True

    def _notification(self, context: Context) -> Notification:
        ti = context["ti"]
        message = self.message or _failure(context)
        url = _answer_page(context) if self.event == "approval" else ti.log_url
        return Notification(self.loop, self.event, message, ti.dag_id, ti.task_id, ti.run_id, url, self.page)


def notifier_of(entry: Notify) -> BaseNotifier:
    """Make the notifier that an entry of a loop file names.

    Raises
    ------
    ConfigError
        If it cannot be imported, is no notifier, or does not take these parameters.
    """
    module, _, name = entry.notifier.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name)
    except Exception as error:  # importing runs a stranger's code
        raise ConfigError(f"notifier {entry.notifier} cannot be imported: {error}") from error
    if not (isinstance(kind, type) and issubclass(kind, BaseNotifier)):
        raise ConfigError(f"notifier {entry.notifier} is not a subclass of airflow.sdk.BaseNotifier")
    try:
        return kind(**entry.params)
    except Exception as error:
        raise ConfigError(f"notifier {entry.notifier} does not take params {sorted(entry.params)}: {error}") from error


def notifier_problems(loop: Loop) -> list[str]:
    """Make every notifier that a loop file names, and return what is wrong with them."""
    problems = []
    for number, entry in enumerate(loop.notify):
        try:
            notifier_of(entry)
        except ConfigError as error:
            problems.append(f"notify.{number}: {error}")
    return problems


def _failure(context: Context) -> str:
    """Name the kind of error only: its text may quote what was logged."""
    ti, error = context["ti"], context.get("exception")
    cause = getattr(error, "__cause__", None) or error
    kind = type(cause).__name__ if isinstance(cause, BaseException) else "the task was stopped from outside"
    return f"Task {ti.task_id} of {ti.dag_id} failed for good in attempt {ti.try_number}: {kind}. Its log says why."


def _answer_page(context: Context) -> str:
    from airflow.providers.standard.operators.hitl import HITLOperator

    try:
        return HITLOperator.generate_link_to_ui_from_context(context=context)
    except ValueError:  # the address of the UI is not configured here
        return context["ti"].log_url
