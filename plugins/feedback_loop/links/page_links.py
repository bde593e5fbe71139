"""Links from a task to the page that it wrote into the loop's files."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink

from feedback_loop.ui.mounting import page_address
from include.foundation.errors import FeedbackLoopError

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey


class PageLink(BaseOperatorLink):
    """A link to a page of ours.

    The worker computes it when the task has ended, well or not, and Airflow keeps it as an XCom. It is empty, so that the UI
    shows none, where the task wrote no such page.
    """

    def get_link(self, operator: Any, *, ti_key: "TaskInstanceKey") -> str:
        """Return the page's address relative to the UI's base; empty if there is no page.

        Parameters
        ----------
        operator
            One of ours, its templates rendered.
        ti_key
            Of the task instance that has ended.
        """
        from include.foundation.store.loop_files import has_file

        try:
            path = self.path(operator)
            if has_file(operator.hook.get_conn(), path):
                return page_address(operator.loop, path)
            operator.log.info("No link %r: this task wrote no page", self.name)
        except FeedbackLoopError as error:  # the task's own state and log say what is wrong
            operator.log.warning("No link %r: %s", self.name, error)
        return ""

    @abstractmethod
    def path(self, operator: Any) -> str:
        """Return where the page is among the loop's files, if it is there."""


class DriftVerdictLink(PageLink):
    """To the page of ``detect_drift``; a verdict that flags nothing has none."""

    name = "Drift verdict"

    def path(self, operator: Any) -> str:
        """Return where the page of the window's verdict is."""
        from include.stages.drift.page.verdict_page import verdict_page_path

        return verdict_page_path(operator.data_interval.whole_days)


class LogDataDocsLink(PageLink):
    """To the page of the batch that ``validate_logs`` judged, also where it failed."""

    name = "Data Docs"

    def path(self, operator: Any) -> str:
        """Return where the page of the interval's result is."""
        from include.stages.logs.log_validation import result_page_path

        return result_page_path(operator.data_interval)


class LabelDataDocsLink(PageLink):
    """To the list of batches, whose newest one of labels ``validate_labels`` judged."""

    name = "Data Docs"

    def path(self, operator: Any) -> str:
        """Return where the list is."""
        from include.foundation.quality.data_docs import FOLDER

        return f"{FOLDER}/index.html"


class EvaluationLink(PageLink):
    """To the page on which ``evaluate`` put champion and challenger side by side."""

    name = "Evaluation"

    def path(self, operator: Any) -> str:
        """Return where the page of the challenger's evaluation is."""
        from include.foundation.decisions import RetrainPlan
        from include.stages.evaluation.evaluation_page import evaluation_page_path

        plan = operator.recorded(RetrainPlan, operator.decision)
        return evaluation_page_path(plan.challenger_key, plan.evaluation_dataset)


class ReleaseNotesLink(PageLink):
    """To the notes of ``write_release_notes``."""

    name = "Release notes"

    def path(self, operator: Any) -> str:
        """Return where the notes on the gate's verdict are."""
        from include.foundation.decisions import GateVerdict
        from include.stages.reports.overview import notes_path

        return notes_path(operator.recorded(GateVerdict, operator.decision))
