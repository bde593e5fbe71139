"""Choose the rows of an interval that are worth a label, and write them to the request ledger."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from include.errors import NothingToDo
from include.selection.content import features
from include.selection.diversity import DIVERSIFIERS
from include.selection.frame import Frame, sampling_frame
from include.selection.nominations import reported_comments
from include.selection.requests import request_rows
from include.selection.scores import informativeness
from include.store.decisions import Decision, record
from include.store.interval import Interval
from include.store.tables import LoopStore


@dataclass(frozen=True)
class SelectionReport:
    """What a batch asks for: rows at random, rows of the certainty stratum, how many of those were user reports."""

    batch_id: str
    random: int
    certainty: int
    reported: int
    frame_rows: int
    left_out: int
    requests: int


def select_samples(store: LoopStore, interval: Interval, budget: int | None = None) -> SelectionReport:
    """Choose at most ``budget`` rows of an interval; an interval is chosen from once.

    The random stratum is drawn first, uniformly from the whole frame, so its inclusion probability is ``n / N`` whatever is
    chosen after it: it is the holdout, never trained on. The certainty stratum takes user reports, then the most informative
    rows of the rest, spread over clusters.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Its key is the batch id.
    budget
        Rows to ask for; ``selection.budget`` of the loop file if None.

    Raises
    ------
    NothingToDo
        If the budget is 0 or no row is left to ask about.
    """
    policy = store.loop.selection
    batch = store.read("requests", filters=[("batch_id", "=", interval.key)])
    if batch.num_rows:
        return _report(interval, batch, frame_rows=None)
    total = policy.budget if budget is None else budget
    if total == 0:
        raise NothingToDo("The budget is 0: no labels are asked for")
    frame = sampling_frame(
        store, [("ts", ">=", interval.start), ("ts", "<", interval.end)], (policy.seed, interval.key)
    )
    size = frame.rows.num_rows
    if size == 0:
        raise NothingToDo(f"No row of {interval.key} is left to ask about")
    n_random = min(size, random_rows(total, policy.random_share))
    chosen = _choose(store, frame, n_random, min(total, size) - n_random)
    rows = request_rows(store.loop, frame.rows, frame.content, chosen, batch_id=interval.key, asked_at=interval.end)
    report = _report(interval, store.append_new("requests", rows), frame_rows=size, left_out=frame.left_out)
    _record(store, report)
    return report


def random_rows(budget: int, share: float) -> int:
    """Return how many rows of a budget are drawn at random: the share, at least one if it is not zero.

    Examples
    --------
    >>> random_rows(60, 0.2), random_rows(3, 0.1), random_rows(10, 0.0)
    (12, 1, 0)
    """
    return 0 if share == 0 else min(budget, max(1, round(budget * share)))


def _choose(store: LoopStore, frame: Frame, n_random: int, n_certain: int) -> list[dict[str, Any]]:
    """Return what is asked about: place in the frame, stratum, probability and reasons of each."""
    size = frame.rows.num_rows
    chance = f"random draw: {n_random} of {size} rows"
    chosen: list[dict[str, Any]] = [
        {"place": place, "stratum": "random", "split": "holdout", "inclusion_probability": n_random / size, "score": None,
         "reasons": [chance]}
        for place in range(n_random)
    ]  # fmt: skip
    places = np.arange(n_random, size)
    comments = reported_comments(store, frame.rows)
    scores = _scores(store, frame.rows)
    reported = [int(place) for place in places if place in comments][:n_certain]
    rest = np.array(
        [place for place in places if place not in comments and not np.isnan(scores[place])], dtype=np.int64
    )
    picked = _spread(store, frame.rows, rest, scores, n_certain - len(reported))
    for place in [*reported, *picked]:
        reason = comments.get(place) or _why(store, frame.rows, place, float(scores[place]))
        chosen.append({"place": place, "stratum": "certainty", "split": "train", "inclusion_probability": 1.0,
                       "score": None if np.isnan(scores[place]) else float(scores[place]), "reasons": [reason]})  # fmt: skip
    return chosen


def _scores(store: LoopStore, rows: pa.Table) -> np.ndarray[Any, Any]:
    """Return each row's score; classes that were appended later have probability 0 in older rows."""
    classes = len(store.loop.task.classes)
    probabilities = np.full((rows.num_rows, classes), np.nan)
    for place, found in enumerate(rows.column("probabilities").to_pylist()):
        if found is not None:
            probabilities[place] = [*found, *[0.0] * (classes - len(found))]
    return informativeness(store.loop.selection.score, probabilities)


def _spread(store: LoopStore, rows: pa.Table, places: Any, scores: Any, n: int) -> list[int]:
    if n <= 0 or places.size == 0:
        return []
    policy = store.loop.selection
    order = places[np.argsort(-scores[places], kind="stable")][: max(20 * n, 1000)]
    chosen = DIVERSIFIERS[policy.diversify](
        scores[order], features(store.loop, rows.take(pa.array(order))), n, policy.seed
    )
    return [int(place) for place in order[chosen]]


def _why(store: LoopStore, rows: pa.Table, place: int, score: float) -> str:
    found = rows.column("probabilities")[place].as_py() or []
    best = sorted(zip(found, store.loop.task.classes, strict=False), reverse=True)[:2]
    classes = ", ".join(f"{name} {probability:.2f}" for probability, name in best)
    return f"{store.loop.selection.score.replace('_', ' ')} score {score:.2f} ({classes})"


def _report(interval: Interval, batch: pa.Table, frame_rows: int | None, left_out: int = 0) -> SelectionReport:
    strata = batch.column("stratum").to_pylist()
    reported = sum(reasons[0].startswith("reported") for reasons in batch.column("reasons").to_pylist())
    if frame_rows is None:
        shares = [p for p, stratum in zip(batch.column("inclusion_probability").to_pylist(), strata, strict=True)
                  if stratum == "random"]  # fmt: skip
        frame_rows = round(len(shares) / shares[0]) if shares else len(strata)
    counts = {name: strata.count(name) for name in ("random", "certainty")}
    return SelectionReport(
        interval.key, counts["random"], counts["certainty"], reported, frame_rows, left_out, len(strata)
    )


def _record(store: LoopStore, report: SelectionReport) -> None:
    reason = (
        f"Asked for {report.requests} labels of {report.frame_rows} rows: {report.random} at random, "
        f"{report.certainty} chosen, {report.reported} of them reported by users."
    )
    evidence = {**asdict(report), "policy": store.loop.selection.model_dump(mode="json")}
    record(store, Decision("selection", report.batch_id, "asked", (reason,), evidence))
