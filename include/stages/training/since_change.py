"""Whether labels from before a change are still worth training on: cross-validation on the labels since then tells."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import RetrainPlan
from include.foundation.decisions.verdict_history import newest_drop
from include.foundation.digests import digest_of
from include.foundation.models.frames import features_frame
from include.foundation.store.tables import LoopStore
from include.stages.training.fitting import fitted

FEWEST_SINCE = 50  # labels: fewer tell too little of which of two models is better
FOLDS = 4


def shown_change(store: LoopStore, rows: pa.Table, last: RetrainPlan | None) -> datetime | None:
    """Return when accuracy was shown to have dropped last, as far as verdicts of late and the last training know.

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
    return newest_drop(store, late) or (last.changed_at if last else None)


def older_help(loop: Loop, rows: pa.Table, change: datetime) -> bool:
    """Tell whether a model is no worse with the labels from before a change than without, on labels since then.

    Parameters
    ----------
    loop
        Names the factory and the score.
    rows
        Labels to train on. What is held out is not looked at: it judges the model that comes of it.
    change
        When accuracy was shown to have dropped.

    Notes
    -----
    Of labels since the change each fold in turn is left out of both; a group, else a content, is in one fold. Where there are
    fewer than `FEWEST_SINCE`, or too few of two classes, older ones are taken to help.
    """
    is_new = np.array([moment >= change for moment in rows.column("ts").to_pylist()], dtype=bool)
    labels, folds = np.array(rows.column("label").to_pylist(), dtype=object), _folds(rows)
    parts = [(is_new & (folds == fold), is_new & (folds != fold)) for fold in range(FOLDS)]
    if is_new.sum() < FEWEST_SINCE or any(np.unique(labels[rest]).size < 2 for _, rest in parts):
        return True
    weights = _weights(loop, labels[is_new])
    with_older, without = (
        sum(
            _right(loop, rows, labels, rest | (~is_new & keep), part) @ weights[part[is_new]]
            for part, rest in parts
            if part.any()
        )
        for keep in (True, False)
    )
    return bool(with_older >= without)


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
