"""Wait for annotators without holding a worker slot."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.hooks.loop_store_hook import LoopStoreHook

if TYPE_CHECKING:
    from include.stages.labeling.answer_watch import AnswerWatch
    from include.stages.labeling.collecting import Progress

ARGUMENTS = ("loop", "store_conn_id", "poll_seconds", "since", "remind_at")
COMPLETE, REMIND = "complete", "remind"


def completion(look: "Progress") -> dict[str, Any]:
    """Return the event that a wait is over: its status, the reason, and the deadline that passed, if one did (ISO 8601)."""
    deadline = look.passed_deadline
    return {
        "status": COMPLETE,
        "reason": look.reason,
        "passed_deadline": deadline.isoformat() if deadline else None,
    }


def reminder(look: "Progress", since: str) -> dict[str, Any]:
    """Return the event that people are to be reminded of what they have not answered since a moment (ISO 8601)."""
    reason = f"{look.open - look.answered} of {look.open} open requests are not answered in full"
    return {"status": REMIND, "reason": reason, "since": since}


class AnswersTrigger(BaseTrigger):
    """Fire when enough of the open requests are answered, or their deadline has passed; and when people are to be reminded.

    Parameters
    ----------
    loop
        Name of the loop.
    store_conn_id
        Connection of the store.
    poll_seconds
        Seconds between two looks.
    since
        When the wait began (ISO 8601): what is pushed later does not prolong it. None means now.
    remind_at
        When people are to be reminded (ISO 8601); None means that they were.
    """

    def __init__(
        self,
        loop: str,
        store_conn_id: str,
        poll_seconds: float,
        since: str | None = None,
        remind_at: str | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.loop = loop
        self.store_conn_id = store_conn_id
        self.poll_seconds = poll_seconds
        self.since = since or datetime.now(UTC).isoformat()
        self.remind_at = remind_at
        self._watch: AnswerWatch | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that make this trigger again."""
        arguments = {name: getattr(self, name) for name in ARGUMENTS}
        return "feedback_loop.triggers.answers_trigger.AnswersTrigger", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until the wait is over, or people are to be reminded; yield one event, see `completion` and `reminder`."""
        while True:
            # Reading tables and asking the platform block: they run beside the triggerer's event loop.
            look = await asyncio.to_thread(self._look)
            if look.complete:
                yield TriggerEvent(completion(look))  # type: ignore[no-untyped-call]
                return
            if self.remind_at and datetime.now(UTC) >= datetime.fromisoformat(self.remind_at):
                yield TriggerEvent(reminder(look, self.since))  # type: ignore[no-untyped-call]
                return
            self.log.info("%d of %d open requests answered; %s", look.answered, look.open, look.reason)
            await asyncio.sleep(self.poll_seconds)

    def _look(self) -> "Progress":
        from include.stages.labeling.answer_watch import AnswerWatch
        from include.stages.labeling.collecting import progress

        hook = LoopStoreHook(self.loop, self.store_conn_id)
        store, backend, key = hook.get_conn(), LabelingHook(self.loop).get_conn(), hook.pseudonym_key
        self._watch = self._watch or AnswerWatch(store, backend, key)
        return progress(store, backend, key, datetime.fromisoformat(self.since), self._watch)
