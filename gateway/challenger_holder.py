"""The challenger of one loop that waits for the gate, held in memory while it does, to be asked about live requests."""

import logging
from collections.abc import Callable

from gateway.event_log import told_problem
from gateway.model_source import ModelSource
from gateway.scorer import Scorer
from include.foundation.decisions import GateVerdict, RegisteredVersion, latest

EVENTS = logging.getLogger("gateway")


class ChallengerHolder:
    """What the newest verdict of the gate leaves pending: it says which files were judged.

    Parameters
    ----------
    source
        Of the loop's challengers.
    exchanged
        Is told which model is to be asked from now on; None if none is.
    """

    def __init__(
        self,
        source: ModelSource,
        exchanged: Callable[[Scorer | None], None],
    ) -> None:
        self.current: Scorer | None = None
        self.problem: str | None = None
        self._source, self._exchanged = source, exchanged
        self._looked_at: int | None = None

    def look(self) -> None:
        """Hold what is pending now; if it cannot be had none is asked, and the log of events says why."""
        try:
            version = self._source.store.version("decisions")
            if version != self._looked_at:
                self._follow()
                self._looked_at = version
            self._say(None)
        except Exception as error:  # a ledger or registry of any state must not end serving
            self._say(error)

    def _follow(self) -> None:
        verdict = latest(self._source.store, GateVerdict)
        registered = (
            latest(self._source.store, RegisteredVersion, verdict.subject) if verdict and verdict.is_pending else None
        )
        if verdict is None or registered is None:
            self._hold(None)
        elif self.current is None or self.current.version != registered.version:
            self._hold(None)  # whatever comes of the new one, the one before is not pending any more
            self._hold(self._source.scorer(registered.version, verdict.files_digest))

    def _hold(self, scorer: Scorer | None) -> None:
        if scorer is not self.current:
            told = {"loop": self._source.store.loop.name, "version": scorer and scorer.version}
            EVENTS.info("challenger asked", extra={"told": told})
        self.current = scorer
        self._exchanged(scorer)

    def _say(self, error: Exception | None) -> None:
        self.problem = told_problem(
            "challenger cannot be asked", error, self.problem, loop=self._source.store.loop.name
        )
