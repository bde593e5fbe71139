"""Wait for annotators without holding a worker slot."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.hooks.loop_store_hook import LoopStoreHook

if TYPE_CHECKING:
    from include.foundation.store.tables import LoopStore
    from include.stages.labeling.answer_watch import AnswerWatch
    from include.stages.labeling.collecting import Progress

ARGUMENTS = ("loop", "store_conn_id", "poll_seconds", "since", "remind_at")
COMPLETE, REMIND = "complete", "remind"
AT_LEAST = 5.0  # seconds between two looks, however fast people answer
HINT_SECONDS = 1.0  # between two looks for a hint, which read one small file
AGAIN = 20.0  # after a look that a hint led to: Label Studio may show an answer that much later than it hints at it


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
        Seconds between two looks, unless a hint says that there may be new answers.
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
        self._hinted: LoopStore | None = None  # where hints are left, if there are any
        self._seen: bytes | None = None  # the last hint before the last look

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that make this trigger again."""
        arguments = {name: getattr(self, name) for name in ARGUMENTS}
        return "feedback_loop.triggers.answers_trigger.AnswersTrigger", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until the wait is over, or people are to be reminded; yield one event, see `completion` and `reminder`."""
        left = self.poll_seconds
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
            left = min(self.poll_seconds, AGAIN) if await self._pause(left) else self.poll_seconds

    async def _pause(self, left: float) -> bool:
        """Wait so many seconds for the next look, or until there is a hint; return whether there is."""
        for pause in chain([AT_LEAST], repeat(HINT_SECONDS)) if self._hinted else [left]:
            await asyncio.sleep(min(pause, left))
            left -= pause
            if await asyncio.to_thread(self._is_hinted):
                return True
            if left <= 0:
                return False
        return False

    def _is_hinted(self) -> bool:
        from include.foundation.errors import StoreError
        from include.stages.labeling.hints import last_hint

        if self._hinted is None:
            return False
        try:
            return last_hint(self._hinted) != self._seen
        except StoreError as error:  # credentials end: a look opens the store anew, and fails if that does not help
            self.log.warning("Hints cannot be read, so answers are looked for: %s", error)
            return True

    def _look(self) -> "Progress":
        from include.stages.labeling.answer_watch import AnswerWatch
        from include.stages.labeling.collecting import progress
        from include.stages.labeling.hints import last_hint

        hook, labeling = LoopStoreHook(self.loop, self.store_conn_id), LabelingHook(self.loop)
        store, backend, key = hook.get_conn(), labeling.get_conn(), hook.pseudonym_key
        self._hinted = store if labeling.webhook_secret else None
        self._seen = last_hint(store) if self._hinted else None  # before the answers: a hint meanwhile is a new one
        self._watch = self._watch or AnswerWatch(store, backend, key)
        return progress(store, backend, key, datetime.fromisoformat(self.since), self._watch)
