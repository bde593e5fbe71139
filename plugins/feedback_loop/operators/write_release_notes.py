"""Task ``write_release_notes``."""

from airflow.sdk import Context

from feedback_loop.links.page_links import ReleaseNotesLink
from feedback_loop.operators.decision_operator import DecisionOperator


class WriteReleaseNotesOperator(DecisionOperator):
    """Write the cycle's release notes, in words and pictures, to the store and to the challenger's MLflow run.

    ``decision`` is the gate's verdict.
    """

    operator_extra_links = (ReleaseNotesLink(),)

    def perform(self, context: Context) -> dict[str, str]:
        """Write Markdown and HTML and return where they are."""
        from include.foundation.decisions import GateVerdict
        from include.stages.reports.release_notes import write_release_notes

        notes = write_release_notes(self.hook.get_conn(), self.recorded(GateVerdict, self.decision), self.registry)
        self.log.info("Release notes: %s", notes)
        return {"uri": notes}
