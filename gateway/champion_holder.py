"""The champion of one loop, held in memory and exchanged when the ledger names another, while requests go on."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.batch_cost import BatchCost
from gateway.event_log import told_problem
from gateway.model_copies import Copied
from gateway.model_source import ModelSource
from gateway.scorer import Scorer
from include.foundation.models.mlflow_access import told_errors
from include.foundation.models.registry import CHAMPION
from include.foundation.store.ledgers.deployments import live

EVENTS = logging.getLogger("gateway")


class ChampionHolder:
    """What is live by the table ``deployments``, or by the registry's alias before anything was deployed.

    Parameters
    ----------
    source
        Of the loop's champions; MLflow is needed for a new version only.
    exchanged
        Is told of each new model before it is served, with what its batches cost.
    """

    def __init__(
        self,
        source: ModelSource,
        exchanged: Callable[[Scorer, BatchCost], None] = lambda *_: None,
    ) -> None:
        self.current: Scorer | None = None
        self.loading: str | None = None
        self.problem: str | None = None
        self.looked_at: float | None = None
        self._source, self._exchanged = source, exchanged
        self._held: Copied | None = None
        self._is_new = True

    @property
    def why_none(self) -> str | None:
        """Why there is no model to answer with; None if there is one."""
        if self.current is not None:
            return None
        if self.loading is not None:
            return f"loading version {self.loading}"
        if self.problem is not None:
            return "the champion cannot be loaded"
        return "loading: asking what is live" if self.looked_at is None else "no model is live"

    def look(self) -> None:
        """Serve what is live now; if that cannot be had, go on with what there is, and say why.

        The first look begins with what was served last, if its copy is here: so a gateway answers again though neither store
        nor registry can be reached.
        """
        if self._is_new:
            self._is_new = False
            self._restore()
        try:
            wanted = self._wanted()
            if wanted is not None and not self._is_held(*wanted):
                self._hold(self._copied(*wanted))
            self.looked_at = time.monotonic()
            self._say(None)
        except Exception as error:  # a ledger or registry of any state must not end serving
            self._say(error)

    def _restore(self) -> None:
        copied = self._source.copies.last_served()
        if copied is not None:
            try:
                self._hold(copied)
            except Exception as error:  # as in `look`
                self._say(error)

    def _wanted(self) -> tuple[str, str | None] | None:
        """Return the version that is live and the digest of its files; None if nothing is."""
        deployment = live(self._source.store)
        if deployment is not None:
            return deployment.model_version, deployment.files_digest
        with told_errors():
            version = self._source.registry.aliased(CHAMPION)
        return None if version is None else (version, None)

    def _is_held(self, version: str, files_digest: str | None) -> bool:
        held = self._held
        return held is not None and held.version == version and files_digest in {None, held.files_digest}

    def _copied(self, version: str, files_digest: str | None) -> Copied:
        """Return a model whose files are here, from MLflow if they were not."""
        with self._told_loading(version):
            return self._source.copies.obtained(self._source.registry, version, files_digest)

    def _hold(self, copied: Copied) -> None:
        """Load a model, try it, and serve it from then on; batches that are being scored end with the one before."""
        with self._told_loading(copied.version):
            scorer = Scorer(self._source.copies.load(copied))
            self._exchanged(scorer, scorer.tried())
            self.current, self._held = scorer, copied
        self._source.copies.note_served(copied)
        EVENTS.info("model served", extra={"told": {"loop": self._source.store.loop.name, "version": copied.version}})

    @contextmanager
    def _told_loading(self, version: str) -> Iterator[None]:
        self.loading = version
        try:
            yield
        finally:
            self.loading = None

    def _say(self, error: Exception | None) -> None:
        told = {"loop": self._source.store.loop.name, "served": self._held and self._held.version}
        self.problem = told_problem("champion cannot be followed", error, self.problem, **told)


class Follower:
    """A thread that looks at something at once, and then again and again.

    Parameters
    ----------
    look
        What to call each time.
    seconds
        Between two looks.
    """

    def __init__(self, look: Callable[[], None], seconds: float) -> None:
        self._look, self._seconds, self._stopped = look, seconds, threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; a model that is being loaded is not waited for."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._look()
            self._stopped.wait(self._seconds)
