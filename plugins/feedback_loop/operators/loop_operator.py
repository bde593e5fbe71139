"""What every operator of the loop has in common."""

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context

from feedback_loop.hooks.log_source_hook import LogSourceHook
from feedback_loop.hooks.loop_store_hook import LoopStoreHook
from feedback_loop.notifications import LoopNotifier
from feedback_loop.task_states import errors_as_task_states
from include.foundation.config.data_sections import Source
from include.foundation.config.operations import Event

if TYPE_CHECKING:
    from include.foundation.lines.sources import Access


class LoopOperator(BaseOperator):
    """An operator of one loop: it opens the loop's store and turns the loop's errors into task states.

    Parameters
    ----------
    loop
        Name of the loop.
    store_conn_id
        Connection of the store, see `LoopStoreHook`.
    **kwargs
        Of `BaseOperator`.
    """

    def __init__(self, *, loop: str, store_conn_id: str = "feedback_store", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loop = loop
        self.store_conn_id = store_conn_id

    @cached_property
    def hook(self) -> LoopStoreHook:
        """The store's hook."""
        return LoopStoreHook(self.loop, self.store_conn_id)

    def access(self, source: Source) -> "Access":
        """Return what opens a source of the loop file."""
        return LogSourceHook(source, self.hook.get_conn().s3_client_options).get_conn()

    def announce(self, context: Context, event: Event, subject: str, message: str, page: str | None = None) -> None:
        """Tell who is to hear of an event, once for its subject; what goes wrong is logged, for the work itself is done.

        Parameters
        ----------
        context
            Of the task.
        event
            What happened.
        subject
            What it happened to; a task that is run again tells nothing twice.
        message
            What happened, in a sentence without inputs or users.
        page
            A page of the loop to look at.
        """
        from include.foundation.decisions.announcements import announce_once

        notifier = LoopNotifier(self.loop, event, message, page)
        try:
            announce_once(self.hook.get_conn(), event, subject, lambda: notifier.send(context))
        except Exception:
            self.log.exception("Whether people were told of %s %s cannot be noted", event, subject)

    def execute(self, context: Context) -> Any:
        """Do the task's work; see `perform`."""
        with errors_as_task_states():
            return self.perform(context)

    @abstractmethod
    def perform(self, context: Context) -> Any:
        """Read references, call ``include``, write, and return a reference with small counts."""
