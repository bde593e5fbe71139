"""Task ``push_to_labeling``."""

from dataclasses import asdict
from typing import Any

from airflow.sdk import Context

from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.index_page import show
from feedback_loop.links.labeling_link import LabelingLink
from feedback_loop.operators.loop_operator import LoopOperator
from include.foundation.errors import NothingToDo


class PushToLabelingOperator(LoopOperator):
    """Push every request of the ledger that the labeling backend does not have yet.

    One pusher at a time: give it a pool of one slot.

    Parameters
    ----------
    only_new
        Whether to skip, and so wake nobody, where nothing was left to push; otherwise where nothing is open.
    """

    operator_extra_links = (LabelingLink(),)

    def __init__(self, *, only_new: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.only_new = only_new
        self.linked_tier = 2 if only_new else 1
        self.linked_batch: str | None = None

    def perform(self, context: Context) -> dict[str, Any]:
        """Push what is missing; running it again pushes nothing twice."""
        from include.stages.labeling.pushing import open_requests, push_requests
        from include.stages.reports.kept_pages import write_index

        store, backend = self.hook.get_conn(), LabelingHook(self.loop).get_conn()
        report = push_requests(store, backend)
        self.linked_batch = report.batch
        show(write_index, store)
        if self.only_new and not report.asked:
            raise NothingToDo("No request is left to push")
        if not open_requests(store).num_rows:
            raise NothingToDo("No request is open: nobody needs to be asked")
        self.log.info("%d requests: %d pushed, %d already there", report.asked, report.pushed, report.already_there)
        return asdict(report)
