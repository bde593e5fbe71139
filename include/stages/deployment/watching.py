"""Whether the champion keeps its promise, and what happens if it does not."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from include.foundation.decisions import GateVerdict, GuardVerdict, find, record
from include.foundation.errors import DeploymentError
from include.foundation.statistics.e_values import shortfall_e_value
from include.foundation.statistics.estimates import Estimate, weighted_mean
from include.foundation.store.ledgers.deployments import Deployment, history, live
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.ledgers.taxonomies import classes_added_after
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.deployment.deploying import DeployReport, change_champion
from include.stages.deployment.live_rows import unjudged
from include.stages.evaluation.recent_holdout import judging_rows
from include.stages.evaluation.row_scores import class_weights, row_scores
from include.stages.labels.datasets import read_dataset

if TYPE_CHECKING:
    from include.foundation.models.registry import ModelRegistry

WATCHED_COLUMNS = ("label_id", "supersedes", "label", "predicted", "inclusion_probability", "ts")


def watch_deployment(store: LoopStore) -> GuardVerdict:
    """Hold the champion's answers against what it promised, on the random stratum, and record the verdict.

    Returns
    -------
    GuardVerdict
        On the live version.

    Notes
    -----
    Broken means that the e-value against *the score is at least the promise's lower end less* ``deploy.max_drop`` reaches
    ``1 / gate.error_budget``: looking every day does not raise the rate of false alarms. Kept means that the lower end of the
    live interval is above that floor. No data means that no row names the version since it went live. Rows count from the first
    that has a label, for ``deploy.watch_days`` days; the verdict then stands.
    """
    deployment = live(store)
    if deployment is None:
        reasons = ("No model was deployed yet.",)
        return record(store, GuardVerdict(subject="none", outcome="nothing_live", reasons=reasons))
    values, probabilities = _live_scores(store, deployment)
    verdict = _judged(store, deployment, values, probabilities) if values.size else unjudged(store, deployment)
    return record(store, verdict)


def _judged(
    store: LoopStore, deployment: Deployment, values: NDArray[np.float64], probabilities: NDArray[np.float64]
) -> GuardVerdict:
    version, score = deployment.model_version, weighted_mean(values, probabilities)
    if deployment.promised is None:
        reasons = ("It promised nothing.",)
        return GuardVerdict(subject=version, outcome="inconclusive", reasons=reasons, score=score)
    floor = max(0.0, deployment.promised.low - store.loop.deploy.max_drop)
    e_value, needed = shortfall_e_value(values, probabilities, floor), 1 / store.loop.gate.error_budget
    reason = (
        f"Version {version} scores {score} live; at least {floor:.3f} was promised; "
        f"e-value against it {e_value:.3g}, {needed:.3g} would break the promise."
    )
    return GuardVerdict(
        subject=version, outcome=_outcome(score, floor, e_value, needed), reasons=(reason,), score=score, floor=floor,
        e_value=e_value, needed=needed, deployment=deployment.evidence_digest,
    )  # fmt: skip


def rollback(store: LoopStore, registry: "ModelRegistry", guard: GuardVerdict) -> DeployReport:
    """Put the predecessor of a broken champion back, once.

    Parameters
    ----------
    store, registry
        Of the loop.
    guard
        Verdict on the live version.

    Returns
    -------
    DeployReport
        With the predecessor as what is live.

    Raises
    ------
    DeploymentError
        If the promise is not broken, there is no predecessor, or the alias moved meanwhile.
    """
    version = guard.subject
    if guard.outcome != "broken":
        raise DeploymentError(f"Guard says {guard.outcome} of version {version}, expected broken")
    deployments = history(store)
    own = [entry for entry in deployments if (entry.model_version, entry.action) == (version, "deploy")]
    previous = own[-1].previous_version if own else None
    if previous is None:
        raise DeploymentError(
            f"Version {version} has no predecessor to go back to: deploy one by hand or stop serving it"
        )
    before = [entry for entry in deployments if entry.model_version == previous]
    deployment = Deployment(
        model_version=previous,
        previous_version=version,
        action="rollback",
        why=" ".join(guard.reasons),
        evidence_digest=guard.evidence_digest,
        promised=before[-1].promised if before else None,  # made champion by hand: it promised nothing
        files_digest=before[-1].files_digest if before else None,
    )
    return DeployReport(previous, version, change_champion(store, registry, deployment))


def _live_scores(store: LoopStore, deployment: Deployment) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return score, as the gate scores it, and inclusion probability of the random rows that the live version answered."""
    rows = _watched_rows(store, deployment)
    labels, predictions = [row["label"] for row in rows], [row["predicted"] for row in rows]
    scores = row_scores(store.loop, labels, predictions, _promised_weights(store, deployment))
    return scores, np.array([row["inclusion_probability"] for row in rows], dtype=np.float64)


def _watched_rows(store: LoopStore, deployment: Deployment) -> list[dict[str, Any]]:
    """Return the random rows of the version's first ``deploy.watch_days`` days with labels.

    The window stands still: in one that slid on, each day would start a new test, and chance would break every promise. Rows
    of classes that were added since do not count: what was promised is not about them.
    """
    unknown_to_it = classes_added_after(store, deployment.live_from)
    live = [
        ("stratum", "=", "random"),
        ("model_version", "=", deployment.model_version),
        ("ts", ">", deployment.live_from),
    ]
    labels = current_labels(store.read("labels", columns=WATCHED_COLUMNS, filters=live))
    rows = Taxonomy.of(store.loop.task).read_labels(labels).to_pylist()
    rows = [row for row in rows if row["label"] not in unknown_to_it]
    until = min((row["ts"] for row in rows), default=deployment.live_from)
    until += timedelta(days=store.loop.deploy.watch_days)
    return [row for row in rows if row["ts"] <= until]


def _promised_weights(store: LoopStore, deployment: Deployment) -> NDArray[np.float64]:
    """Return the class weights that the promise was made with: those of the rows the version was judged on."""
    if store.loop.gate.score == "accuracy":
        return class_weights(store.loop, [], [])
    own = (deployment.model_version, "deploy")
    digests = {entry.evidence_digest for entry in history(store) if (entry.model_version, entry.action) == own}
    verdicts = [verdict for verdict in find(store, GateVerdict) if verdict.evidence_digest in digests]
    if not verdicts:
        return class_weights(store.loop, [], [])
    judged = verdicts[-1]
    dataset, is_first = read_dataset(store, judged.dataset), judged.champion_version is None
    judging = judging_rows(store.loop, dataset, first=is_first)
    rows = Taxonomy.of(store.loop.task).read_labels(judging).to_pylist()
    return class_weights(store.loop, [row["label"] for row in rows], [row["inclusion_probability"] for row in rows])


def _outcome(score: Estimate, floor: float, e_value: float, needed: float) -> Literal["broken", "kept", "inconclusive"]:
    if e_value >= needed:
        return "broken"
    return "kept" if score.low is not None and score.low >= floor else "inconclusive"
