"""A link from a task to where people label."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink

from feedback_loop.hooks.labeling_hook import LabelingHook
from include.foundation.errors import FeedbackLoopError

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey


class LabelingLink(BaseOperatorLink):
    """To the loop's tasks in Label Studio, or the batch that was pushed; other backends have no page, and so no link."""

    name = "Label Studio"

    def get_link(self, operator: Any, *, ti_key: "TaskInstanceKey") -> str:
        """Return the address of the project, or of the batch in it, for a browser; empty if there is none.

        Parameters
        ----------
        operator
            One of ours.
        ti_key
            Of the task instance that has ended.
        """
        try:
            return LabelingHook(operator.loop).page(operator.linked_tier, operator.linked_batch) or ""
        except FeedbackLoopError as error:  # the task's own state and log say what is wrong
            operator.log.warning("No link %r: %s", self.name, error)
        return ""
