"""Choose the rows of an interval that are worth a label, and write them to the request ledger."""

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa

from include.foundation.decisions import DriftVerdict, SelectedBatch, latest, record
from include.foundation.errors import NothingToDo
from include.foundation.intervals import Interval
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.selection.content import features
from include.stages.selection.diversity import DIVERSIFIERS
from include.stages.selection.frame import Frame, sampling_frame
from include.stages.selection.nominations import broken_rows, in_drifted_segments, reported_rows
from include.stages.selection.requests import request_rows
from include.stages.selection.uncertainty_scores import informativeness


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
    chosen after it: it is the holdout, never trained on. The certainty stratum takes user reports, of earlier days too, then
    the most informative rows of the rest, spread over clusters.

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
        If the budget is below 1 or no row is left to ask about.
    """
    decided = latest(store, SelectedBatch, interval.key)
    if decided is not None:
        return SelectionReport(**{field.name: getattr(decided, field.name) for field in fields(SelectionReport)})
    total = store.loop.selection.budget if budget is None else budget
    drawn_from: list[Frame] = []

    def draw(present: pa.Table) -> pa.Table:
        """Draw from a frame that is fenced by the commit: what another run asks meanwhile is left out."""
        if interval.key in present.column("batch_id").to_pylist():
            return rows_of(store.loop, "requests", [])
        drawn_from.append(_frame(store, interval))
        return _draw(store, interval, drawn_from[-1], total)

    batch = store.append_computed("requests", draw, columns=["batch_id"])
    if batch.num_rows:
        return _record(store, interval, batch, drawn_from[-1])
    batch = store.read("requests", filters=[("batch_id", "=", interval.key)])
    return _record(store, interval, batch, _frame(store, interval))


def random_rows(budget: int, share: float) -> int:
    """Return how many rows of a budget are drawn at random: the share, at least one if it is not zero.

    Examples
    --------
    >>> random_rows(60, 0.2), random_rows(3, 0.1), random_rows(10, 0.0)
    (12, 1, 0)
    """
    return 0 if share == 0 else min(budget, max(1, round(budget * share)))


def _frame(store: LoopStore, interval: Interval) -> Frame:
    window: Filter = [("ts", ">=", interval.start), ("ts", "<", interval.end)]
    return sampling_frame(store, window, (store.loop.selection.seed, interval.key), except_batch=interval.key)


def _draw(store: LoopStore, interval: Interval, frame: Frame, total: int) -> pa.Table:
    """Return the requests of a batch of at most ``total`` rows."""
    if total < 1:
        raise NothingToDo(f"The budget is {total}: no labels are asked for")
    reported, comments = reported_rows(store, interval.end, (store.loop.selection.seed, interval.key))
    everything = frame.joined(reported)
    if everything.rows.num_rows == 0:
        raise NothingToDo(f"No row of {interval.key} is left to ask about")
    n_random = min(frame.rows.num_rows, random_rows(total, store.loop.selection.random_share))
    chosen = _at_random(n_random, frame.rows.num_rows)
    rest, verdict = range(n_random, everything.rows.num_rows), latest(store, DriftVerdict, interval.whole_days.key)
    chosen += _certain(store, everything, comments, rest, total - n_random, verdict)
    return request_rows(
        store.loop, everything.rows, everything.content, chosen, batch_id=interval.key, asked_at=interval.end
    )


def _at_random(n: int, size: int) -> list[dict[str, Any]]:
    chance = f"random draw: {n} of {size} rows"
    return [
        {"place": place, "stratum": "random", "split": "holdout", "inclusion_probability": n / size, "score": None,
         "reasons": [chance]}
        for place in range(n)
    ]  # fmt: skip


def _certain(
    store: LoopStore, everything: Frame, comments: dict[str, str], places: range, n: int, verdict: DriftVerdict | None
) -> list[dict[str, Any]]:
    """Return what is asked about besides the random draw.

    Reports, those that waited longest first; then, for half of what is left, rows of segments that the drift verdict wants
    labels of; then by score. Rows that the verdict calls broken are not asked about.
    """
    scores = _scores(store, everything.rows)
    times = everything.rows.column("ts").to_pylist()
    said = {place: comments[everything.content[place]] for place in places if everything.content[place] in comments}
    reported = sorted(said, key=lambda place: times[place])[:n]
    drifted, broken = in_drifted_segments(verdict, everything.rows), broken_rows(verdict, everything.rows)
    rest = np.array([place for place in places if place not in said and place not in broken], dtype=np.int64)
    # Rows without a score come after all that have one; among them the diversifier chooses what covers the inputs.
    ranked = np.nan_to_num(scores, nan=-1.0)
    within = rest[np.isin(rest, list(drifted))]
    nominated = _spread(store, everything.rows, within, ranked, (n - len(reported)) // 2)
    rest = rest[~np.isin(rest, nominated)]
    others = _spread(store, everything.rows, rest, ranked, n - len(reported) - len(nominated))
    chosen = []
    for place in [*reported, *nominated, *others]:
        reason = said.get(place) or (drifted[place] if place in nominated else "")
        reason = reason or _why(store, everything.rows, place, float(scores[place]))
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
    if np.isnan(score):
        return "no probabilities were logged: chosen to cover different inputs"
    found = rows.column("probabilities")[place].as_py() or []
    best = sorted(zip(found, store.loop.task.classes, strict=False), reverse=True)[:2]
    classes = ", ".join(f"{name} {probability:.2f}" for probability, name in best)
    return f"{store.loop.selection.score.replace('_', ' ')} score {score:.2f} ({classes})"


def _record(store: LoopStore, interval: Interval, batch: pa.Table, frame: Frame) -> SelectionReport:
    """Record what a batch in the ledger asks for, also when a run that was killed wrote it."""
    strata = batch.column("stratum").to_pylist()
    reported = sum(reasons[0].startswith("reported") for reasons in batch.column("reasons").to_pylist())
    counts = {name: strata.count(name) for name in ("random", "certainty")}
    report = SelectionReport(
        interval.key, counts["random"], counts["certainty"], reported, frame.rows.num_rows, frame.left_out, len(strata)
    )
    reason = (
        f"Asked for {report.requests} labels of {report.frame_rows} rows: {report.random} at random, "
        f"{report.certainty} chosen, {report.reported} of them reported by users."
    )
    blind = frame.rows.column("probabilities").null_count
    unscored = f"{blind} rows have no probabilities: chance, users and diversity can choose them, a score cannot."
    reasons = (reason, unscored) if blind else (reason,)
    policy = store.loop.selection.model_dump(mode="json")
    record(store, SelectedBatch(subject=report.batch_id, reasons=reasons, policy=policy, **asdict(report)))
    return report
