"""What pages say of a loop, kept beside its tables by its tasks: whoever looks first does not wait until it is computed.

It is of some versions of the tables; of any others it is nothing, and computed anew.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from include.foundation.digests import digest_of
from include.foundation.errors import NoSuchFileError
from include.foundation.store.loop_files import read_file, write_file
from include.foundation.store.tables import LoopStore
from include.stages.reports import loop_facts, overview
from include.stages.reports.loop_facts import LoopFacts, month_of
from include.stages.reports.loop_history import LoopHistory
from include.stages.reports.overview import Overview, overview_facts, page

FORM = 1  # one more whenever what is kept means something else
Told = TypeVar("Told")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept(Generic[Told]):
    """One thing that is kept.

    Attributes
    ----------
    name
        Of its file.
    shape
        Its class.
    tables
        What it is computed from.
    tell
        Computes it, of a moment by the clock.
    """

    name: str
    shape: type[Told]
    tables: Sequence[str]
    tell: Callable[[LoopStore, datetime], Told]

    def key(self, store: LoopStore, now: datetime) -> str:
        """Return what stays while it stays the same; the tables are not opened for it.

        Parameters
        ----------
        store
            Tables of the loop.
        now
            By the clock: its month counts.
        """
        versions = [store.listed_version(name) for name in self.tables]
        return digest_of(FORM, store.loop.digest, versions, month_of(now).isoformat())

    def read(self, store: LoopStore, key: str) -> Told | None:
        """Return it as a task kept it; None if none did, or of other tables.

        Parameters
        ----------
        store
            Tables of the loop.
        key
            Of the tables as they are.
        """
        try:
            kept = json.loads(read_file(store, self._path))
            return self._adapter.validate_python(kept["told"]) if kept["key"] == key else None
        except NoSuchFileError:
            return None
        except (ValueError, KeyError, TypeError, ValidationError):
            log.info("%s of loop %s was kept by another version, and is computed anew", self.name, store.loop.name)
            return None

    def write(self, store: LoopStore, key: str, told: Told) -> None:
        """Keep it.

        Parameters
        ----------
        store
            Tables of the loop.
        key
            Of the tables before it was computed.
        told
            What was computed.
        """
        content = {"key": key, "told": self._adapter.dump_python(told, mode="json")}
        write_file(store, self._path, json.dumps(content))

    @property
    def _path(self) -> str:
        return f"pages/{self.name}.json"

    @cached_property
    def _adapter(self) -> Any:
        return TypeAdapter(self.shape)


def _facts(store: LoopStore, now: datetime) -> LoopFacts:
    """Return what the tables say of where the loop stands, without the many findings on drift, which no page of now shows."""
    facts = loop_facts.loop_facts(store, now)
    if facts.drift is None:
        return facts
    return replace(facts, drift=facts.drift.model_copy(update={"columns": (), "monitors": ()}))


FACTS = Kept("facts", LoopFacts, loop_facts.READ, _facts)
OVERVIEW: Kept[Overview] = Kept("overview", Overview, overview.READ, lambda store, now: overview.overview(store))


def write_index(store: LoopStore, loop_history: LoopHistory | None = None) -> str:
    """Write the page over all cycles, keep what pages say of now, and return the page's URI.

    Parameters
    ----------
    store
        Tables of the loop.
    loop_history
        Its cycles, if they were read before.
    """
    now = datetime.now(UTC)
    FACTS.write(store, FACTS.key(store, now), FACTS.tell(store, now))
    key, told = OVERVIEW.key(store, now), overview.overview(store, loop_history)
    OVERVIEW.write(store, key, told)
    facts = overview_facts(told) | {"loop": store.loop, "stand": None}
    return write_file(store, "reports/index.html", page("index.html", facts))
