"""Wait for annotators without holding a worker slot."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.hooks.loop_store_hook import LoopStoreHook

if TYPE_CHECKING:
    from include.stages.labeling.collecting import Progress

COMPLETE = "complete"


def completion(look: "Progress") -> dict[str, Any]:
    """Return the event that a wait is over: its status, the reason, and the deadline that passed, if one did (ISO 8601)."""
    deadline = look.passed_deadline
    return {
        "status": COMPLETE,
        "reason": look.reason,
        "passed_deadline": deadline.isoformat() if deadline else None,
    }


class AnswersTrigger(BaseTrigger):
    """Fire when enough of the open requests are answered, or their deadline has passed.

    Parameters
    ----------
    loop
        Name of the loop.
    store_conn_id
        Connection of the store.
    poll_seconds
        Seconds between two looks.
    """

    def __init__(self, loop: str, store_conn_id: str, poll_seconds: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.loop = loop
        self.store_conn_id = store_conn_id
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that make this trigger again."""
        arguments = {"loop": self.loop, "store_conn_id": self.store_conn_id, "poll_seconds": self.poll_seconds}
        return "feedback_loop.triggers.answers_trigger.AnswersTrigger", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until the wait is over; yield one event, see `completion`."""
        while True:
            # Reading tables and asking the platform block: they run beside the triggerer's event loop.
            look = await asyncio.to_thread(self._look)
            if look.complete:
                yield TriggerEvent(completion(look))  # type: ignore[no-untyped-call]
                return
            self.log.info("%d of %d open requests answered; %s", look.answered, look.open, look.reason)
            await asyncio.sleep(self.poll_seconds)

    def _look(self) -> "Progress":
        from include.stages.labeling.collecting import progress

        hook = LoopStoreHook(self.loop, self.store_conn_id)
        return progress(hook.get_conn(), LabelingHook(self.loop).get_conn(), hook.pseudonym_key)
