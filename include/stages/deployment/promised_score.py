"""The champion's score on random rows as it served them, held against what it promised."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import GateVerdict, find
from include.foundation.statistics.e_detectors import change_evidence, day_numbers, shortfall_days
from include.foundation.statistics.estimates import Estimate, weighted_mean
from include.foundation.store.ledgers.deployments import BEGINNING, CANARY, Deployment, changes
from include.foundation.store.ledgers.labeled_draws import labeled_draws
from include.foundation.store.ledgers.served_confidence import served_beside
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.evaluation.learnt_rows import asks_of
from include.stages.evaluation.recent_holdout import judging_rows
from include.stages.evaluation.row_scores import class_weights, row_scores
from include.stages.labels.datasets import read_dataset


@dataclass(frozen=True)
class PromisedScore:
    """How the champion does on random rows.

    Attributes
    ----------
    score
        Of the rows of late, prediction-powered by what was served beside them; unknown without any that has a label.
    floor
        Below which the promise is missed; None if nothing was promised.
    e_value
        Evidence that the score fell below the floor on some day; None without a floor or a row.
    """

    score: Estimate
    floor: float | None
    e_value: float | None


@dataclass(frozen=True)
class ScoreScale:
    """What a right answer earns by class, and what a perfect model earns in the mean: the unit in which a drop is allowed."""

    class_scores: NDArray[np.float64]
    unit: float

    def by_class(self, loop: Loop) -> dict[str, float]:
        """Return what a right answer earns, by class."""
        return dict(zip(loop.task.classes, self.class_scores.tolist(), strict=True))


def promised_score(
    store: LoopStore, deployment: Deployment, scale: ScoreScale, unknown: set[str], since: datetime
) -> PromisedScore:
    """Return the score of a live version on random rows, and the evidence that it is not what was promised any more.

    Parameters
    ----------
    store
        Tables of the loop.
    deployment
        Of the live version.
    scale
        That the promise was made with.
    unknown
        Classes that the version cannot know: what was promised is not about them.
    since
        Later rows are of late.
    """
    drawn = labeled_draws(store, since=deployment.live_from, model_version=deployment.model_version)
    rows = [row for row in drawn if row.ts > deployment.live_from and row.label not in unknown]
    scores = row_scores(store.loop, [row.label for row in rows], [row.predicted for row in rows], scale.class_scores)
    probabilities = np.array([row.inclusion_probability for row in rows], dtype=np.float64)
    of_late = np.array([row.ts > since for row in rows], dtype=bool)
    groups = [row.group_key for row in rows]
    late = [row for row in rows if row.ts > since]
    beside = None
    if len(rows) == sum(
        row.ts > deployment.live_from for row in drawn
    ):  # what was logged beside them is of all classes
        bound = max(since, deployment.live_from)
        beside = served_beside(store, late, bound).confidence()
    score = weighted_mean(
        scores[of_late], probabilities[of_late], groups=[row.group_key for row in late], beside=beside
    )
    if deployment.promised is None:
        return PromisedScore(score, None, None)
    floor = max(0.0, deployment.promised.low - store.loop.deploy.max_drop * scale.unit)
    if not rows:
        return PromisedScore(score, floor, None)
    first = deployment.live_from if deployment.live_from > BEGINNING else rows[0].ts
    numbers = day_numbers([row.ts for row in rows], first)
    shortfall = shortfall_days(scores, probabilities, numbers, floor, groups)
    return PromisedScore(score, floor, change_evidence(shortfall).e_value)


def score_scale(store: LoopStore, deployment: Deployment) -> ScoreScale:
    """Return the scale of the score that was promised: that of the rows that the version was judged on.

    Parameters
    ----------
    store
        Tables of the loop.
    deployment
        Of the version.
    """
    if store.loop.gate.score == "accuracy":
        return ScoreScale(class_weights(store.loop, [], []), 1.0)
    version, made = deployment.model_version, {"deploy", CANARY}
    own = [entry for entry in changes(store) if entry.model_version == version and entry.action in made]
    digests = {entry.evidence_digest for entry in own}
    verdicts = [verdict for verdict in find(store, GateVerdict) if verdict.evidence_digest in digests]
    if not verdicts:
        return ScoreScale(class_weights(store.loop, [], []), 1.0)
    judged = verdicts[-1]
    dataset, is_first = read_dataset(store, judged.dataset), judged.nth is None
    drawn = judging_rows(store.loop, dataset, first=is_first, asks=asks_of(store, judged.subject))
    rows = Taxonomy.of(store.loop.task).read_labels(drawn)
    labels, probabilities = (rows.column(name).to_pylist() for name in ("label", "inclusion_probability"))
    weights = class_weights(store.loop, labels, probabilities)
    perfect = weighted_mean(row_scores(store.loop, labels, labels, weights), probabilities)
    return ScoreScale(weights, perfect.value or 1.0)
