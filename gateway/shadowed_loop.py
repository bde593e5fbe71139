"""One loop whose challengers are asked about live requests, beside what it serves."""

from gateway.challenger_holder import ChallengerHolder
from gateway.loop_logs import LoopLog, shadow_place
from gateway.measures import LoopMeasures
from gateway.model_source import ModelSource
from gateway.prediction_service import PredictionService
from gateway.scorer import Scorer
from gateway.settings import Settings
from gateway.shadowing import Shadow
from include.foundation.config.loop_file import Loop


class ShadowedLoop:
    """A loop whose challengers are asked about what was answered.

    Their log is not synced: what a machine that loses power loses of it is asked about other rows.

    Parameters
    ----------
    loop
        Of the loop file.
    settings
        Of the process.
    measures
        Of the loop.
    predictions
        What is answered.
    """

    def __init__(self, loop: Loop, settings: Settings, measures: LoopMeasures, predictions: PredictionService) -> None:
        place = shadow_place(loop, settings.state)
        place.folder.mkdir(parents=True, exist_ok=True)
        self._log = LoopLog("shadow", place, settings.model_copy(update={"sync": "none"}), measures)
        batcher = predictions.batcher
        self.shadow = predictions.shadow = Shadow(loop, self._log.writer, measures, lambda: batcher.pending_rows > 0)
        self.holder = ChallengerHolder(ModelSource.of(loop, settings, "shadow"), self._exchange)

    def show(self) -> None:
        """Have the metrics of the loop show its log."""
        self._log.show()

    def close(self) -> None:
        """Ask about nothing more, and complete the log."""
        self.shadow.close()
        self._log.close()

    def _exchange(self, scorer: Scorer | None) -> None:
        self.shadow.scorer = scorer
