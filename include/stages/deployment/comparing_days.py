"""The rows that a champion served, as its predecessor would have answered them: drawn where the two differ, and asked about."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from include.foundation.decisions import ComparedDay, GuardVerdict, find, record_first
from include.foundation.decisions.compared_day import DifferingRow
from include.foundation.digests import digest_of
from include.foundation.errors import DeploymentError, NothingToDo, RegistryError, TrainingError
from include.foundation.store.bulk.day_batches import newest_moment
from include.foundation.store.ledgers.deployments import Deployment, watched
from include.foundation.store.ledgers.taxonomies import read_predictions
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.deployment.comparison_requests import request_drawn
from include.stages.deployment.predecessors import predecessor, predecessor_model
from include.stages.selection.asked import asked_before, oldest_answer
from include.stages.selection.content import group_keys, keys_of

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel
    from include.foundation.models.registry import ModelRegistry

COMPARED = {
    "harder",
    "below_promise",
    "kept",
    "inconclusive",
    "no_data",
    "advance",
    "mismatch",
}  # verdicts on what goes on being live
CATCH_UP = 7  # days: what was served before them is not compared any more
MOST_ROWS = 50_000  # of a day: the share on which two models differ is then known to half a point


@dataclass(frozen=True)
class ComparisonReport:
    """Which versions were compared, on how many days and rows, and how many labels are asked for now."""

    champion: str
    predecessor: str
    days: int
    rows: int
    differing: int
    requests: int


def compare_days(store: LoopStore, registry: "ModelRegistry", guard: GuardVerdict) -> ComparisonReport:
    """Ask the predecessor about the served days that are over, and request labels where the two differ.

    A day is over once a row of a later one is stored. It is drawn from only once, and the draw is recorded before labels are
    requested: killed anywhere and run again, the same rows are asked about.

    Parameters
    ----------
    store, registry
        Of the loop.
    guard
        The newest verdict: it names the deployment, and says how many labels a day to ask for.

    Raises
    ------
    NothingToDo
        If nothing is to be asked, another version went live since, or the predecessor cannot be asked any more.
    """
    deployments = watched(store)
    version = predecessor(deployments)
    if version is None or not guard.ask:
        raise NothingToDo(f"Version {guard.subject} is compared with none: {' '.join(guard.reasons)}")
    deployment = deployments[-1]
    if deployment.evidence_digest != guard.deployment:
        raise NothingToDo(f"Version {deployment.model_version} went live since; the next run compares it")
    compared = compared_days(store, deployment)
    asked = sum(request_drawn(store, day) for day in compared[-CATCH_UP:])
    new = []
    try:
        for day in _newly_compared(store, registry, deployments, version, compared, guard.ask):
            asked += request_drawn(store, day)  # before the next day, which may have the same contents
            new.append(day)
    except (RegistryError, DeploymentError, TrainingError) as error:
        raise NothingToDo(f"Version {guard.subject} is not compared with its predecessor: {error}") from error
    rows, differing = sum(day.rows for day in new), sum(day.differing for day in new)
    return ComparisonReport(guard.subject, version, len(new), rows, differing, asked)


def compared_days(store: LoopStore, deployment: Deployment) -> list[ComparedDay]:
    """Return the days of a deployment that were compared, oldest first.

    Parameters
    ----------
    store
        Tables of the loop.
    deployment
        Of the champion.
    """
    return [day for day in find(store, ComparedDay) if day.deployment == deployment.evidence_digest]


def _newly_compared(
    store: LoopStore,
    registry: "ModelRegistry",
    deployments: Sequence[Deployment],
    version: str,
    compared: Sequence[ComparedDay],
    draws: int,
) -> Iterator[ComparedDay]:
    deployment, model, number = deployments[-1], None, len(compared)
    for day in _days_due(store, deployment, {day.day for day in compared}):
        rows = _served(store, deployment, day)
        if rows.num_rows:
            model, number = model or predecessor_model(registry, deployments, version), number + 1
            yield record_first(store, _compared(store, deployment, model, rows, day=day, number=number, draws=draws))


def _days_due(store: LoopStore, deployment: Deployment, compared: set[str]) -> list[str]:
    """Return the newest days that are over and were not compared, oldest first."""
    newest = newest_moment(store, "predictions", until=datetime.now(UTC))
    first = f"{deployment.live_from:%Y-%m-%d}"
    over = [day for day in store.days("predictions") if newest and first <= day < f"{newest:%Y-%m-%d}"]
    return [day for day in over[-CATCH_UP:] if day not in compared]


def _served(store: LoopStore, deployment: Deployment, day: str) -> pa.Table:
    """Return the rows of a day that the version served, in today's classes; of many, a sample that their ids decide."""
    served: Filter = [("day", "=", day), ("model_version", "=", deployment.model_version)]
    served.append(("ts", ">", deployment.live_from))
    ids = store.read("predictions", columns=["trace_id"], filters=served).column("trace_id").to_pylist()
    if len(ids) > MOST_ROWS:
        served.append(("trace_id", "in", sorted(ids, key=digest_of)[:MOST_ROWS]))
    return read_predictions(store, store.read("predictions", filters=served))


def _compared(
    store: LoopStore, deployment: Deployment, model: "LoadedModel", rows: pa.Table, *, day: str, number: int, draws: int
) -> ComparedDay:
    own = f"guard-{deployment.evidence_digest[:16]}-"  # how its requests begin, which were made after both were trained
    batch = f"{own}{day}"
    said, would_say = rows.column("predicted").to_pylist(), model.predict(rows)[0].tolist()
    differing = [place for place in range(rows.num_rows) if said[place] != would_say[place]]
    ids, groups = rows.column("trace_id").to_pylist(), group_keys(store.loop, rows)
    keys = dict(zip(differing, keys_of(store.loop, rows.take(pa.array(differing, pa.int64()))), strict=True))
    since = oldest_answer(store.loop, datetime.fromisoformat(day).replace(tzinfo=UTC))
    answering, alike = asked_before(store, evidence=own).answering(keys.values(), since), Counter(keys.values())
    drawn = tuple(
        DifferingRow(
            trace_id=ids[place], asked_trace_id=answering.setdefault(keys[place], ids[place]), alike=alike[keys[place]],
            champion=said[place], predecessor=would_say[place], group_key=groups[place],
        )
        for place in sorted(differing, key=lambda place: digest_of(batch, ids[place]))[:draws]
    )  # fmt: skip
    reason = (
        f"On {day} version {model.version} would have answered {len(differing)} of {rows.num_rows} rows otherwise than version "
        f"{deployment.model_version}; {len(drawn)} of them were drawn."
    )
    return ComparedDay(
        subject=batch, outcome="compared", reasons=(reason,), deployment=deployment.evidence_digest, number=number, day=day,
        champion=deployment.model_version, predecessor=str(model.version), rows=rows.num_rows, differing=len(differing),
        drawn=drawn,
    )  # fmt: skip
