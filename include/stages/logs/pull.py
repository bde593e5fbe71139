"""One pull: what every step of it needs."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from include.foundation.config.data_sections import Source
from include.foundation.config.loop_file import Loop
from include.foundation.intervals import Interval
from include.foundation.lines.people import People
from include.foundation.lines.sources import Access
from include.foundation.store.person_keys import person_key
from include.foundation.store.tables import LoopStore
from include.stages.logs.rules.field_paths import located

TABLES = {"logs": "predictions", "feedback": "feedback", "shadow": "shadow_answers"}


@dataclass(frozen=True)
class Pull:
    """Whose lines of which interval are pulled, and what opens them.

    Attributes
    ----------
    kind
        What is pulled, and the stage that quarantine and the ledger name: ``logs`` and ``feedback`` are sections of the loop
        file, ``shadow`` is ``deploy.shadow``.
    store
        Tables of the loop.
    interval
        The data interval.
    pseudonym_key
        Key that `user_key` is derived from.
    access
        What opens the source.
    """

    kind: Literal["logs", "feedback", "shadow"]
    store: LoopStore
    interval: Interval
    pseudonym_key: bytes = field(repr=False)
    access: Access

    @property
    def loop(self) -> Loop:
        """The loop."""
        return self.store.loop

    @cached_property
    def user_key(self) -> bytes:
        """Key of the pseudonyms of users, see `person_key`."""
        return person_key(self.store, self.pseudonym_key, "user")

    @property
    def section(self) -> Source:
        """What the loop file says of the source."""
        return {"logs": self.loop.logs, "feedback": self.loop.feedback, "shadow": self.loop.deploy.shadow.source}[
            self.kind
        ]

    @property
    def table(self) -> str:
        """The table that its rows go to."""
        return TABLES[self.kind]

    @cached_property
    def people(self) -> People:
        """Replaces the people whom lines of the source name."""
        return People(self.user_key, sorted({("user_id",), located(self.section.columns, ("user_id",))}))

    @property
    def window(self) -> Interval:
        """The interval with its look-back, in which late lines are expected."""
        return self.interval.widened(self.loop.logs.look_back_hours)
