"""Where the models of one loop come from: its ledgers say which, MLflow has their files, and copies of them are kept here."""

from typing import NamedTuple

from gateway.model_copies import ModelCopies
from gateway.scorer import Scorer
from gateway.settings import Settings
from include.foundation.config.loop_file import Loop
from include.foundation.models.registry import ModelRegistry
from include.foundation.store.objects.s3_objects import options_in_environment
from include.foundation.store.tables import LoopStore


class ModelSource(NamedTuple):
    """The tables, registry and copies of a loop's models."""

    store: LoopStore
    registry: ModelRegistry
    copies: ModelCopies

    @classmethod
    def of(cls, loop: Loop, settings: Settings, *kind: str) -> "ModelSource":
        """Return where a loop's models come from.

        Parameters
        ----------
        loop, settings
            Of the loop file and of the process.
        kind
            Of those that are not champions: their copies lie apart, since they are used and deleted at other times.
        """
        copies = ModelCopies(settings.state.joinpath(loop.name, *kind), loop)
        store = LoopStore(loop, settings.store, options_in_environment())
        return cls(store, ModelRegistry(settings.mlflow, loop), copies)

    def scorer(self, version: str, files_digest: str | None) -> Scorer:
        """Return a version that has been tried, from the copy that is here or from MLflow.

        Parameters
        ----------
        version
            Of the model.
        files_digest
            Of the files that were judged; None if nothing says which those are.

        Raises
        ------
        FeedbackLoopError
            If it cannot be had, is not what was judged, or fails when it is tried.
        """
        copied = self.copies.obtained(self.registry, version, files_digest)
        scorer = Scorer(self.copies.load(copied))
        scorer.tried()
        self.copies.note_served(copied)
        return scorer
