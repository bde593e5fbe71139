"""Task ``collect_annotations``."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Context

from feedback_loop.forms import filled_in
from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.links.labeling_link import LabelingLink
from feedback_loop.operators.loop_operator import LoopOperator
from feedback_loop.task_states import errors_as_task_states
from feedback_loop.triggers.answers_trigger import COMPLETE, REMIND, AnswersTrigger, completion
from include.foundation.config.manual_runs import LabelRun
from include.foundation.errors import ContractError, listed


class CollectAnnotationsOperator(LoopOperator):
    """Wait, deferred, for quorum or deadline; then take in the answers that are new.

    Who is to hear of a reminder or of a passed deadline is told. The wait ends with the deadline of what was pushed when it
    began: requests that are pushed meanwhile do not prolong it, they are what the next run waits for.
    """

    operator_extra_links = (LabelingLink(),)
    linked_tier, linked_batch = 1, None

    def perform(self, context: Context) -> dict[str, Any]:
        """Collect at once if the wait is over already, else defer."""
        from include.stages.labeling.collecting import progress

        store = self.hook.get_conn()
        look = progress(store, LabelingHook(self.loop).get_conn(), self.hook.pseudonym_key)
        if filled_in(LabelRun, context["params"]).wait and not look.complete:
            self.log.info("%d of %d open requests answered; waiting: %s", look.answered, look.open, look.reason)
            now = datetime.now(UTC)
            self._wait(now, now + timedelta(hours=store.loop.labeling.remind_hours))
        return self._collect(context, completion(look))

    def execute_complete(self, context: Context, event: dict[str, Any] | None) -> dict[str, Any]:
        """Collect after the wait, or remind people and go on waiting; any other event fails the task."""
        with errors_as_task_states():
            if event and event.get("status") == REMIND:
                message = f"People are waited for: {event['reason']}."
                self.announce(context, "label_reminder", event["since"], message)
                self._wait(datetime.fromisoformat(event["since"]), None)
            if not event or event.get("status") != COMPLETE:
                raise ContractError(f"AnswersTrigger: got event {event!r}, expected status {COMPLETE!r}")
            return self._collect(context, event)

    def _wait(self, since: datetime, remind_at: datetime | None) -> None:
        trigger = AnswersTrigger(
            self.loop,
            self.store_conn_id,
            self.hook.get_conn().loop.labeling.poll_seconds,
            since.isoformat(),
            remind_at.isoformat() if remind_at else None,
        )
        self.defer(trigger=trigger, method_name="execute_complete")

    def _collect(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        from include.stages.labeling.collecting import collect_annotations

        store, backend = self.hook.get_conn(), LabelingHook(self.loop).get_conn()
        report = collect_annotations(store, backend, self.hook.pseudonym_key)
        counts = event["reason"], report.new, report.refused, report.corrections
        self.log.info("%s: %d new answers, %d refused, %d new corrections of users", *counts)
        if report.passed_over:
            self.log.warning("%s", listed("Not read among the answers:", report.passed_over))
        if report.given_for_others:
            self.log.warning("%d answers were written in another person's name", report.given_for_others)
        if event["passed_deadline"]:
            message = f"The loop goes on with the labels it has: {event['reason']}."
            self.announce(context, "label_deadline", event["passed_deadline"], message)
        return {"new": report.new, "refused": report.refused, "corrections": report.corrections}
