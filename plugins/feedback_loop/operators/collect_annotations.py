"""Task ``collect_annotations``."""

from dataclasses import asdict
from typing import Any

from airflow.sdk import Context

from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.operators.loop_operator import LoopOperator
from feedback_loop.triggers.answers_trigger import COMPLETE, AnswersTrigger
from feedback_loop.verdicts import verdicts
from include.foundation.errors import ContractError


class CollectAnnotationsOperator(LoopOperator):
    """Wait, deferred, for quorum or deadline; then take in the answers that are new."""

    def perform(self, context: Context) -> dict[str, Any]:
        """Collect at once if the wait is over already, else defer."""
        from include.stages.labeling.collecting import progress

        store = self.hook.get_conn()
        found = progress(store, LabelingHook(self.loop).get_conn())
        if context["params"].get("wait", True) and not found.complete:
            self.log.info("%d of %d open requests answered; waiting: %s", found.answered, found.open, found.reason)
            poll_seconds = store.loop.labeling.poll_seconds
            trigger = AnswersTrigger(self.loop, self.store_conn_id, poll_seconds)
            self.defer(trigger=trigger, method_name="execute_complete")
        return self._collect(found.reason)

    def execute_complete(self, context: Context, event: dict[str, Any] | None) -> dict[str, Any]:
        """Collect after the wait; an event that says anything else than *complete* fails the task."""
        with verdicts():
            if not event or event.get("status") != COMPLETE:
                raise ContractError(f"AnswersTrigger: got event {event!r}, expected status {COMPLETE!r}")
            return self._collect(event["reason"])

    def _collect(self, reason: str) -> dict[str, Any]:
        from include.stages.labeling.collecting import collect_annotations

        store, backend = self.hook.get_conn(), LabelingHook(self.loop).get_conn()
        report = collect_annotations(store, backend, self.hook.pseudonym_key)
        self.log.info("%s: %d new answers, %d refused", reason, report.new, report.refused)
        return asdict(report)
