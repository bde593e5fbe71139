"""A challenger beside the champion on live requests: how often it failed, and said something else than of the stored row."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.config.promotion_sections import Shadow
from include.foundation.decisions import Evaluation, LiveComparison, RegisteredVersion, latest, record
from include.foundation.models.judged_models import challenger_model
from include.foundation.statistics.estimates import UNKNOWN, Estimate, share_with_interval
from include.foundation.store.ledgers.shadow_answers import shadow_answers
from include.foundation.store.ledgers.taxonomies import read_predictions
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel
    from include.foundation.models.registry import ModelRegistry

MOST_ROWS = 50_000  # shares are then known to half a point
LEVEL = 0.99  # of the intervals that refuse: the gate looks again and again
PATIENCE = 10  # times as many requests as are asked for, and what is not shown by then is held not to be so
Outcome = Literal["waiting", "fit", "failing", "skewed"]


def live_comparison(
    store: LoopStore, open_registry: "Callable[[], ModelRegistry]", evaluation: Evaluation
) -> LiveComparison | None:
    """Return how a challenger does on live requests; None where they have no say: another strategy, or nothing is live.

    Parameters
    ----------
    store
        Tables of the loop.
    open_registry
        Opens the registry of the loop; not called where live requests have no say.
    evaluation
        Of the challenger, which is registered.
    """
    if store.loop.deploy.strategy != "shadow" or evaluation.champion_version is None:
        return None
    challenger = challenger_model(store, open_registry(), evaluation.subject, evaluation.run_id)
    return compare_live(store, evaluation.champion_version, challenger)


def compare_live(store: LoopStore, champion: str, challenger: "LoadedModel") -> LiveComparison:
    """Hold a challenger's answers to live requests against what it says of the stored rows, and record what they tell.

    Parameters
    ----------
    store
        Tables of the loop.
    champion
        Version that answered the requests.
    challenger
        The model; it is registered.

    Returns
    -------
    LiveComparison
        *waiting* while nothing is known, or too little.

    Notes
    -----
    It is refused if the lower end of the 99 % interval of a share (Clopper & Pearson) is above its bound. From
    ``deploy.shadow.requests`` on it is fit if both shares are within their bounds; one that is above its bound, and not shown
    to be, is looked at again until there are ten times as many.
    """
    registered = latest(store, RegisteredVersion, challenger.challenger_key)
    version = registered.version if registered else str(challenger.version)
    answers, rows = shadow_answers(store, version, champion, MOST_ROWS)
    measured = _measured(store, challenger, answers, rows)
    requests, bounds = answers.num_rows, store.loop.deploy.shadow
    outcome = live_outcome(bounds, requests, measured["failures"], measured["skew"])
    told = LiveComparison(
        subject=challenger.challenger_key, outcome=outcome, reasons=(), champion=champion, challenger=version,
        requests=requests, needed=bounds.requests, **measured,
    )  # fmt: skip
    return record(store, told.model_copy(update={"reasons": _reasons(told, bounds)}))


def _measured(store: LoopStore, challenger: "LoadedModel", answers: pa.Table, rows: pa.Table) -> dict[str, Any]:
    if not answers.num_rows:
        return {"failures": UNKNOWN, "skew": UNKNOWN, "disagreement": UNKNOWN}
    answered = pc.is_valid(answers.column("predicted"))
    said = [
        Taxonomy.of(store.loop.task).shown(name) for name in answers.filter(answered).column("predicted").to_pylist()
    ]
    served = read_predictions(store, rows.filter(answered))
    stored = challenger.predict(served)[0].tolist()
    return {
        "failures": _share(answers.num_rows - len(said), answers.num_rows),
        "disagreement": _differing(said, served.column("predicted").to_pylist()),
        "skew": _differing(said, stored),
        "seconds": _quantile(answers, "seconds", 0.5),
        "slowest_seconds": _quantile(answers, "seconds", 0.99),
        "served_seconds": _quantile(answers, "served_seconds", 0.5),
    }


def _differing(said: list[str], others: list[str]) -> Estimate:
    return _share(sum(one != other for one, other in zip(said, others, strict=True)), len(said))


def _share(count: int, rows: int) -> Estimate:
    return share_with_interval(count / rows, rows, rows) if rows else UNKNOWN


def _quantile(answers: pa.Table, name: str, share: float) -> float | None:
    values = pc.drop_null(answers.column(name)).to_numpy()
    return float(np.quantile(values, share)) if len(values) else None


def live_outcome(bounds: Shadow, requests: int, failures: Estimate, skew: Estimate) -> Outcome:
    """Return what so many live requests tell of a challenger.

    Parameters
    ----------
    bounds
        How many requests tell, and what is allowed.
    requests
        That it was asked about.
    failures, skew
        Shares; unknown where nothing is known.
    """
    exceeded: Mapping[Outcome, bool | None] = {
        "failing": _exceeds(failures, bounds.max_failures),
        "skewed": _exceeds(skew, bounds.max_skew),
    }
    shown = [outcome for outcome, exceeds in exceeded.items() if exceeds]
    doubtful = [outcome for outcome, exceeds in exceeded.items() if exceeds is None]
    if shown or (doubtful and requests >= PATIENCE * bounds.requests):
        return (shown or doubtful)[0]
    return "fit" if requests >= bounds.requests and not doubtful else "waiting"


def _exceeds(share: Estimate, bound: float) -> bool | None:
    """Tell whether a share is above its bound; None where nobody knows."""
    if share.value is None:
        return None
    if share.value <= bound:
        return False
    low = share_with_interval(share.value, share.effective_rows, share.rows, LEVEL).low
    return True if low is not None and low > bound else None


def _reasons(told: LiveComparison, bounds: Shadow) -> tuple[str, ...]:
    begin = f"Version {told.challenger} was asked about {told.requests:,} of {told.needed:,} live requests"
    if not told.requests:
        return (f"{begin}; nothing is known of it yet.",)
    speed = "" if told.seconds is None else f" A row took it {_milliseconds(told.seconds)}"
    if told.seconds is not None and told.slowest_seconds is not None:
        beside = f"; version {told.champion}: {_milliseconds(told.served_seconds)}" if told.served_seconds else ""
        speed += f" (99 % at most {_milliseconds(told.slowest_seconds)}{beside})."
    answers = (
        f"{begin}: it failed on a share of {told.failures}, at most {bounds.max_failures:g} is allowed; it said something else "
        f"than version {told.champion} on {told.disagreement}, and something else than of the stored row on {told.skew}, at "
        f"most {bounds.max_skew:g} is allowed.{speed}"
    )
    return (answers,)


def _milliseconds(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"{1000 * seconds:.3g} ms"
