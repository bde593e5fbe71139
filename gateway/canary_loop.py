"""One loop of which a version may be served to a share of the callers."""

from gateway.canary_holder import CanaryHolder, ServedShare
from gateway.measures import LoopMeasures
from gateway.model_copies import ModelCopies
from gateway.prediction_service import PredictionService
from gateway.settings import Settings
from include.foundation.config.loop_file import Loop
from include.foundation.models.registry import ModelRegistry
from include.foundation.store.objects.s3_objects import options_in_environment
from include.foundation.store.tables import LoopStore


def canary_holder(
    loop: Loop, settings: Settings, measures: LoopMeasures, predictions: PredictionService
) -> CanaryHolder:
    """Return what follows the canary of a loop, and lets it be served.

    Parameters
    ----------
    loop, settings, measures, predictions
        Of a served loop.
    """

    def _exchange(held: ServedShare | None) -> None:
        predictions.canary = held
        measures.canary(held.share if held else 0.0)

    store = LoopStore(loop, settings.store, options_in_environment())
    copies = ModelCopies(settings.state / loop.name / "canary", loop)
    return CanaryHolder(store, ModelRegistry(settings.mlflow, loop), copies, _exchange)
