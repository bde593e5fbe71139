"""Whether labels from before a change are still worth training on: cross-validation on the labels since then tells."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.stats import binomtest

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import RetrainPlan
from include.foundation.decisions.verdict_history import newest_drop
from include.foundation.digests import digest_of
from include.foundation.models.frames import features_frame
from include.foundation.store.ledgers.labeled_draws import LabeledDraw, labeled_draws
from include.foundation.store.tables import LoopStore
from include.stages.training.fitting import fitted

FEWEST_SINCE = 50  # labels: fewer tell too little of which of two models is better
FOLDS = 4
FEWEST_BESIDE = 30  # drawn rows before and since a day that are compared
SUSPICIOUS = 2.5  # standard errors by which accuracy seems to have dropped
DOUBT = 0.01  # that older labels help after all, below which a suspicion is confirmed


class Change(NamedTuple):
    """When what is right may have changed, and whether it was shown: else it is a suspicion that labels must confirm."""

    moment: datetime
    is_shown: bool


def likely_change(store: LoopStore, rows: pa.Table, last: RetrainPlan | None) -> Change | None:
    """Return when accuracy was shown to have dropped last, or else seems to have.

    Parameters
    ----------
    store
        Tables of the loop.
    rows
        Labels to train on.
    last
        The last plan to train; it remembers a change that is no longer among the verdicts of late.
    """
    if store.loop.training.label_days is not None or not rows.num_rows:
        return None
    late = pc.max(rows.column("ts")).as_py() - timedelta(days=store.loop.gate.evidence_days)
    shown = newest_drop(store, late) or (last.changed_at if last else None)
    if shown is not None:
        return Change(shown, is_shown=True)
    seeming = _seeming_drop(labeled_draws(store, since=late))
    return None if seeming is None else Change(seeming, is_shown=False)


def _seeming_drop(draws: Sequence[LabeledDraw]) -> datetime | None:
    """Return the day since which the newest version is right less often than before, if it is so by far.

    Most often it is no change at all, since the likeliest of many days is looked at: whether older labels help decides.
    """
    own = [draw for draw in draws if draw.model_version == draws[-1].model_version]
    right = np.array([draw.label == draw.predicted for draw in own], dtype=np.float64)
    days = [draw.ts.astimezone(UTC).date() for draw in own]
    begins = [place for place in range(FEWEST_BESIDE, len(own) - FEWEST_BESIDE + 1) if days[place] != days[place - 1]]
    drops = [_standard_errors(right[:place], right[place:]) for place in begins]
    if not drops or max(drops) < SUSPICIOUS:
        return None
    return datetime.combine(days[begins[int(np.argmax(drops))]], time(), UTC)


def _standard_errors(before: NDArray[np.float64], since: NDArray[np.float64]) -> float:
    """Return by how many standard errors a share has dropped."""
    both = (before.sum() + since.sum()) / (before.size + since.size)
    error = np.sqrt(both * (1 - both) * (1 / before.size + 1 / since.size))
    return float((before.mean() - since.mean()) / error) if error else 0.0


def older_help(loop: Loop, rows: pa.Table, change: Change) -> bool:
    """Tell whether a model is no worse with the labels from before a change than without, on labels since then.

    Parameters
    ----------
    loop
        Names the factory and the score.
    rows
        Labels to train on. What is held out is not looked at: it judges the model that comes of it.
    change
        When what is right may have changed.

    Notes
    -----
    Of labels since the change each fold in turn is left out of both; a group, else a content, is in one fold. Where there are
    fewer than `FEWEST_SINCE`, or too few of two classes, older ones are taken to help; so they are where a change is a
    suspicion, and a sign test of the labels on which the two differ does not confirm it.
    """
    is_new = np.array([moment >= change.moment for moment in rows.column("ts").to_pylist()], dtype=bool)
    labels, folds = np.array(rows.column("label").to_pylist(), dtype=object), _folds(rows)
    parts = [(is_new & (folds == fold), is_new & (folds != fold)) for fold in range(FOLDS)]
    if is_new.sum() < FEWEST_SINCE or any(np.unique(labels[rest]).size < 2 for _, rest in parts):
        return True
    with_older, without = (np.zeros(labels.size), np.zeros(labels.size))
    for part, rest in parts:
        if part.any():
            with_older[part] = _right(loop, rows, labels, rest | ~is_new, part)
            without[part] = _right(loop, rows, labels, rest, part)
    gained, lost = int((without > with_older).sum()), int((without < with_older).sum())
    if not change.is_shown and (gained == 0 or binomtest(gained, gained + lost, alternative="greater").pvalue > DOUBT):
        return True
    weights = _weights(loop, labels[is_new])
    return bool(with_older[is_new] @ weights >= without[is_new] @ weights)


def _right(
    loop: Loop, rows: pa.Table, labels: NDArray[np.object_], fit_on: NDArray[np.bool_], part: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return whether a model that is fitted on some rows is right on others, 0 or 1 each."""
    model = fitted(loop, rows.filter(pa.array(fit_on)))
    predicted = model.predict(features_frame(loop, rows.filter(pa.array(part))))
    return np.asarray(np.asarray(predicted, dtype=object) == labels[part], dtype=np.float64)


def _weights(loop: Loop, labels: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return what each row counts: as much as any other, or under balanced accuracy as much as its class leaves it."""
    if loop.gate.score == "accuracy":
        return np.ones(labels.size)
    _, of_class, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray(1 / counts[of_class])


def _folds(rows: pa.Table) -> NDArray[np.int64]:
    groups, contents = (rows.column(name).to_pylist() for name in ("group_key", "content_key"))
    names = [group or content for group, content in zip(groups, contents, strict=True)]
    return np.array([int(digest_of(name)[:8], 16) % FOLDS for name in names], dtype=np.int64)
