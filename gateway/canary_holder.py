"""The version of one loop that is served to a share of the callers, by the table ``deployments``."""

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.event_log import told_problem
from gateway.model_source import ModelSource
from gateway.scorer import Scorer
from include.foundation.store.ledgers.canary_callers import caller_of, is_served_by_canary
from include.foundation.store.ledgers.deployments import Canary, canary

EVENTS = logging.getLogger("gateway")


class ServedShare(NamedTuple):
    """A model that is served to a share of the callers, 0 to 1; ``evidence_digest`` is of the canary."""

    scorer: Scorer
    evidence_digest: str
    share: float

    def serves(self, source_id: Any, trace_id: str) -> bool:
        """Return whether it answers whoever asks so."""
        return is_served_by_canary(caller_of(source_id, trace_id), self.evidence_digest, self.share)


class CanaryHolder:
    """The canary that runs, held in memory while it does; if it cannot be had, what is live serves everybody.

    Parameters
    ----------
    source
        Of the loop's canaries.
    exchanged
        Is told what is served to a share from now on; None if nothing is.
    """

    def __init__(
        self,
        source: ModelSource,
        exchanged: Callable[[ServedShare | None], None],
    ) -> None:
        self.current: ServedShare | None = None
        self.problem: str | None = None
        self._source, self._exchanged = source, exchanged

    def look(self) -> None:
        """Serve what the ledger says now; if it cannot be read go on as before, and the log of events says why."""
        try:
            self._hold(canary(self._source.store))
            self._say(None)
        except Exception as error:  # a ledger or registry of any state must not end serving
            self._say(error)

    def _hold(self, running: Canary | None) -> None:
        if running is None:
            self._exchange(None)
            return
        first, held = running.first, self.current
        if held is None or held.evidence_digest != first.evidence_digest:
            self._exchange(None)  # whatever comes of this one, the one before is over
            scorer = self._source.scorer(first.model_version, first.files_digest)
            held = ServedShare(scorer, first.evidence_digest, running.share)
        self._exchange(held._replace(share=running.share))

    def _exchange(self, held: ServedShare | None) -> None:
        if held != self.current:
            told = {
                "loop": self._source.store.loop.name,
                "version": held and held.scorer.version,
                "share": held and held.share,
            }
            EVENTS.info("canary served", extra={"told": told})
        self.current = held
        self._exchanged(held)

    def _say(self, error: Exception | None) -> None:
        self.problem = told_problem("canary cannot be served", error, self.problem, loop=self._source.store.loop.name)
