"""The assets that join a loop's DAGs into a ring, named once."""

from dataclasses import dataclass
from functools import cache

from airflow.sdk import Asset, AssetAlias

STAGES = ("observe", "label", "retrain", "guard")  # of the ring, a DAG each


@dataclass(frozen=True)
class LoopAssets:
    """Assets of one loop. An event is a hint: what it wakes recomputes what is to do from the store.

    ``drift_alarm`` is the alias through which ``detect_drift`` emits an event of ``drift``, only when it has one.
    """

    predictions: Asset
    label_requests: Asset
    dataset: Asset
    model: Asset
    drift: Asset
    drift_alarm: AssetAlias


@cache
def loop_assets(loop: str) -> LoopAssets:
    """Return the assets of the loop called ``loop``.

    Examples
    --------
    >>> loop_assets("newswire").model.name
    'newswire/model'
    """
    return LoopAssets(
        predictions=_asset(loop, "predictions"),
        label_requests=_asset(loop, "label_requests"),
        dataset=_asset(loop, "dataset"),
        model=_asset(loop, "model"),
        drift=_asset(loop, "drift"),
        drift_alarm=AssetAlias(f"{loop}/drift_alarm"),
    )


def _asset(loop: str, kind: str) -> Asset:
    return Asset(name=f"{loop}/{kind}", group="feedback-loop")
