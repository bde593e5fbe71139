"""What a challenger said of live requests, beside what the champion answered."""

from collections.abc import Sequence

import pyarrow as pa

from include.foundation.digests import digest_of
from include.foundation.store.tables import LoopStore

ANSWERS = ("trace_id", "ts", "predicted", "error", "seconds", "served_seconds")


def count_shadow_answers(store: LoopStore, version: str) -> int:
    """Return how many live requests a version was asked about, answered or not, without looking for their predictions.

    Parameters
    ----------
    store
        Tables of the loop.
    version
        Of the challenger.
    """
    asked = store.read("shadow_answers", columns=["trace_id"], filters=[("model_version", "=", version)])
    return int(asked.num_rows)


def shadow_answers(store: LoopStore, version: str, champion: str, most: int) -> tuple[pa.Table, pa.Table]:
    """Return what a version said of live requests that the champion answered, and their predictions, in the same order.

    Parameters
    ----------
    store
        Tables of the loop.
    version
        Of the challenger.
    champion
        Version that answered; requests that another one answered are left out.
    most
        How many requests are wanted: of more, a sample that their ids decide.

    Returns
    -------
    tuple of pyarrow.Table
        `ANSWERS` of each, and its row of ``predictions``. Those whose prediction was not pulled yet are left out.
    """
    answers = store.read("shadow_answers", columns=ANSWERS, filters=[("model_version", "=", version)])
    days = sorted({f"{moment:%Y-%m-%d}" for moment in answers.column("ts").to_pylist()})
    served: list[tuple[str, str, object]] = [("day", "in", days), ("model_version", "=", champion)]
    ids = store.read("predictions", columns=["trace_id"], filters=served).column("trace_id").to_pylist()
    asked = set(answers.column("trace_id").to_pylist())
    chosen = _sample([trace_id for trace_id in ids if trace_id in asked], most)
    rows = store.read("predictions", filters=[*served, ("trace_id", "in", chosen)]).sort_by("trace_id")
    order = {trace_id: place for place, trace_id in enumerate(answers.column("trace_id").to_pylist())}
    places = [order[trace_id] for trace_id in rows.column("trace_id").to_pylist()]
    return answers.take(pa.array(places, pa.int64())), rows


def _sample(ids: Sequence[str], most: int) -> list[str]:
    return sorted(ids) if len(ids) <= most else sorted(sorted(ids, key=digest_of)[:most])
