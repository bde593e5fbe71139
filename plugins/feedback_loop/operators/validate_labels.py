"""Task ``validate_labels``."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from feedback_loop.links.page_links import LabelDataDocsLink
from feedback_loop.operators.loop_operator import LoopOperator
from include.foundation.errors import listed

if TYPE_CHECKING:
    from include.stages.labels.label_validation import LabelReport
    from include.stages.labels.seeds import SeedReport


class ValidateLabelsOperator(LoopOperator):
    """Turn answers into labels by consensus and rules; what is ambiguous goes on to the next tier, or is held for a person."""

    operator_extra_links = (LabelDataDocsLink(),)

    def perform(self, context: Context) -> dict[str, Any]:
        """Validate what is new; running it again changes nothing."""
        from include.stages.labels.label_validation import validate_labels
        from include.stages.labels.seeds import admit_seed_labels

        store = self.hook.get_conn()
        seeds, report = admit_seed_labels(store), validate_labels(store)
        self._tell(seeds, report)
        for concern in report.concerns:
            self.log.warning("%s", concern.message)
            self.announce(context, "annotator", concern.subject, concern.message)
        return asdict(report) | {"seeds": seeds.admitted}

    def _tell(self, seeds: "SeedReport", report: "LabelReport") -> None:
        if seeds.changes:
            self.log.warning(
                "%s", listed("The seed files say otherwise than before, or than each other:", seeds.changes)
            )
        if seeds.passed_over:
            self.log.warning("%s", listed("Not read among the seed labels:", seeds.passed_over))
        counts = (report.received, report.accepted, report.set_aside, report.escalated, report.audited)
        self.log.info("%d answered: %d accepted, %d set aside, %d left to the next tier; %d to be audited", *counts)
        if report.held:
            self.log.warning("%d requests are held for a person; the release notes say where", report.held)
