"""The challenger of one loop that waits for the gate, held in memory while it does, to be asked about live requests."""

import logging
from collections.abc import Callable

from gateway.event_log import told_problem
from gateway.model_copies import ModelCopies
from gateway.scorer import Scorer
from include.foundation.decisions import GateVerdict, RegisteredVersion, latest
from include.foundation.models.registry import ModelRegistry
from include.foundation.store.tables import LoopStore

EVENTS = logging.getLogger("gateway")


class ChallengerHolder:
    """What the newest verdict of the gate leaves pending: it says which files were judged.

    Parameters
    ----------
    store, registry
        Of the loop.
    copies
        Where its files are kept; not those of champions, which are deleted sooner.
    exchanged
        Is told which model is to be asked from now on; None if none is.
    """

    def __init__(
        self,
        store: LoopStore,
        registry: ModelRegistry,
        copies: ModelCopies,
        exchanged: Callable[[Scorer | None], None],
    ) -> None:
        self.current: Scorer | None = None
        self.problem: str | None = None
        self._store, self._registry, self._copies, self._exchanged = store, registry, copies, exchanged
        self._looked_at: int | None = None

    def look(self) -> None:
        """Hold what is pending now; if it cannot be had none is asked, and the log of events says why."""
        try:
            version = self._store.version("decisions")
            if version != self._looked_at:
                self._follow()
                self._looked_at = version
            self._say(None)
        except Exception as error:  # a ledger or registry of any state must not end serving
            self._say(error)

    def _follow(self) -> None:
        verdict = latest(self._store, GateVerdict)
        registered = latest(self._store, RegisteredVersion, verdict.subject) if verdict and verdict.is_pending else None
        if verdict is None or registered is None:
            self._hold(None)
        elif self.current is None or self.current.version != registered.version:
            self._hold(None)  # whatever comes of the new one, the one before is not pending any more
            copied = self._copies.obtained(self._registry, registered.version, verdict.files_digest)
            scorer = Scorer(self._copies.load(copied))
            scorer.tried()
            self._copies.note_served(copied)
            self._hold(scorer)

    def _hold(self, scorer: Scorer | None) -> None:
        if scorer is not self.current:
            told = {"loop": self._store.loop.name, "version": scorer and scorer.version}
            EVENTS.info("challenger asked", extra={"told": told})
        self.current = scorer
        self._exchanged(scorer)

    def _say(self, error: Exception | None) -> None:
        self.problem = told_problem("challenger cannot be asked", error, self.problem, loop=self._store.loop.name)
