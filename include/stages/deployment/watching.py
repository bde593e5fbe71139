"""Whether the champion is worse than its predecessor, whether it keeps its promise, and what happens if it does not."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from include.foundation.config.promotion_sections import Deploy
from include.foundation.decisions import GuardVerdict, record
from include.foundation.errors import DeploymentError
from include.foundation.statistics.e_detectors import ChangeEvidence
from include.foundation.store.bulk.day_batches import newest_moment
from include.foundation.store.ledgers.deployments import (
    BEGINNING,
    STOP,
    Deployment,
    canary,
    changes,
    history,
    watched,
)
from include.foundation.store.ledgers.taxonomies import classes_added_after
from include.foundation.store.tables import LoopStore
from include.stages.deployment.canaries import stop_canary
from include.stages.deployment.comparing_days import compared_days
from include.stages.deployment.deploying import DeployReport, change_champion, follow_ledger
from include.stages.deployment.live_rows import rows_of_late, unjudged
from include.stages.deployment.paired_evidence import PairedEvidence, judged_days, paired_evidence
from include.stages.deployment.predecessors import newest_entry, predecessor
from include.stages.deployment.promised_score import PromisedScore, promised_score, score_scale
from include.stages.deployment.watching_canary import canary_verdict

if TYPE_CHECKING:
    from include.foundation.models.registry import ModelRegistry

SUSPICIOUS = 2.0  # wealth of the bets since some day: chance brings it about on one day in sixteen
OF_LATE = 28  # days of log time: what an estimate says is true of them
QUIET = 8  # without suspicion, one label in so many of those that may be asked for

State = Literal["broken", "harder", "below_promise", "kept", "inconclusive"]


@dataclass(frozen=True)
class _Watch:
    """What is known of a live version."""

    deployment: Deployment
    predecessor: str | None
    allowed: float  # by how much its score may be below the predecessor's, and below what was promised
    promise: PromisedScore
    paired: PairedEvidence
    needed: float
    ask: int

    @property
    def is_worse(self) -> bool:
        return self.paired.evidence.e_value >= self.needed

    @property
    def is_below_promise(self) -> bool:
        return self.promise.e_value is not None and self.promise.e_value >= self.needed

    @property
    def is_not_worse(self) -> bool:
        """Whether it is shown that it is not worse than its predecessor by more than is allowed."""
        low, share = self.paired.difference.low, self.paired.share
        return share is not None and (share <= self.allowed or (low is not None and low >= -self.allowed))

    @property
    def keeps_promise(self) -> bool:
        low, floor = self.promise.score.low, self.promise.floor
        return low is not None and floor is not None and low >= floor


def watch_deployment(store: LoopStore) -> GuardVerdict:
    """Hold the champion against its predecessor on the same rows, and against what it promised, and record the verdict.

    Returns
    -------
    GuardVerdict
        On the live version.

    Notes
    -----
    The evidence is an e-value whose bets begin anew every day: see `include.foundation.statistics.e_detectors`. While the
    champion is on no day worse than its predecessor by more than ``deploy.max_drop``, the probability that it is ever rolled
    back is at most ``gate.error_budget``, however long it lives and however often it is looked at. Traffic that got harder for
    both changes no difference, so it rolls nothing back.
    """
    deployments, running = watched(store), canary(store)
    if not deployments:
        reasons = ("No model was deployed yet.",)
        return record(store, GuardVerdict(subject="none", outcome="nothing_live", reasons=reasons))
    if running is not None:
        known = _watch(store, running.first, predecessor(deployments))
        return record(store, canary_verdict(store, running, known.paired, needed=known.needed, ask=known.ask))
    watch, served = _watch(store, deployments[-1], predecessor(deployments)), rows_of_late(store, deployments[-1])
    is_unnamed = bool(served) and not served.get(deployments[-1].model_version)
    is_judged = watch.promise.score.value is not None or watch.paired.share is not None
    if watch.is_worse or (is_judged and not is_unnamed):
        return record(store, _judged(watch))
    asked = {"predecessor": watch.predecessor, "ask": watch.ask}
    return record(store, unjudged(store, watch.deployment, served).model_copy(update=asked))


def labels_to_ask(deploy: Deploy, evidence: ChangeEvidence) -> int:
    """Return how many labels a day are worth asking for: all that are allowed once the bets since some day won.

    Parameters
    ----------
    deploy
        Says how many are allowed.
    evidence
        So far. Bets are on labels that are asked for afterwards, so they may decide how many those are.
    """
    return deploy.comparison_labels if evidence.suspicion >= SUSPICIOUS else -(-deploy.comparison_labels // QUIET)


def rollback(store: LoopStore, registry: "ModelRegistry", guard: GuardVerdict) -> DeployReport:
    """Put the predecessor of a broken champion back, once; or stop a broken canary, so that what is live serves everybody.

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
        If the verdict is another one, there is no predecessor, or the alias moved meanwhile.
    """
    version = guard.subject
    if guard.outcome != "broken":
        raise DeploymentError(f"Guard says {guard.outcome} of version {version}, expected broken")
    running, stopped = canary(store), changes(store)[-1:]
    if running is not None and running.first.evidence_digest == guard.deployment:
        stop_canary(store, running, guard)
        return DeployReport(str(running.first.previous_version), version, follow_ledger(store, registry))
    if stopped and (stopped[0].action, stopped[0].evidence_digest) == (STOP, guard.evidence_digest):
        return DeployReport(stopped[0].model_version, version, follow_ledger(store, registry))
    deployments = history(store)
    own = [entry for entry in deployments if (entry.model_version, entry.action) == (version, "deploy")]
    previous = own[-1].previous_version if own else None
    if previous is None:
        raise DeploymentError(
            f"Version {version} has no predecessor to go back to: deploy one by hand or stop serving it"
        )
    before = newest_entry(deployments, previous)
    deployment = Deployment(
        model_version=previous,
        previous_version=version,
        action="rollback",
        why=" ".join(guard.reasons),
        evidence_digest=guard.evidence_digest,
        promised=before.promised if before else None,  # made champion by hand: it promised nothing
        files_digest=before.files_digest if before else None,
    )
    return DeployReport(previous, version, change_champion(store, registry, deployment))


def _watch(store: LoopStore, deployment: Deployment, previous: str | None) -> _Watch:
    scale, unknown = score_scale(store, deployment), classes_added_after(store, deployment.live_from)
    newest = newest_moment(store, "predictions", until=datetime.now(UTC))
    since = newest - timedelta(days=OF_LATE) if newest else BEGINNING
    allowed = store.loop.deploy.max_drop * scale.unit
    judged = judged_days(store, compared_days(store, deployment), scale.by_class(store.loop), unknown)
    paired = paired_evidence(judged, allowed, since.date())
    asked = labels_to_ask(store.loop.deploy, paired.evidence) if previous else 0
    promise = promised_score(store, deployment, scale, unknown, since)
    return _Watch(deployment, previous, allowed, promise, paired, 1 / store.loop.gate.error_budget, asked)


def _judged(watch: _Watch) -> GuardVerdict:
    outcome, paired = _outcome(watch), watch.paired
    return GuardVerdict(
        subject=watch.deployment.model_version, outcome=outcome, reasons=_reasons(watch, outcome), score=watch.promise.score,
        floor=watch.promise.floor, e_value=watch.promise.e_value, needed=watch.needed,
        deployment=watch.deployment.evidence_digest, predecessor=watch.predecessor, difference=paired.difference,
        worse_e_value=paired.evidence.e_value, ask=0 if outcome == "broken" else watch.ask,
    )  # fmt: skip


def _outcome(watch: _Watch) -> State:
    if watch.is_worse:
        return "broken"
    if watch.is_below_promise:
        return "harder" if watch.is_not_worse else "below_promise"
    return "kept" if watch.is_not_worse or (watch.paired.share is None and watch.keeps_promise) else "inconclusive"


def _reasons(watch: _Watch, outcome: State) -> tuple[str, ...]:
    return (_beside_predecessor(watch), _beside_promise(watch), _next(watch, outcome))


def _beside_predecessor(watch: _Watch) -> str:
    version, paired = watch.deployment.model_version, watch.paired
    if watch.predecessor is None:
        return f"Version {version} has no predecessor to compare it with."
    if paired.share is None:
        return f"Version {version} was not compared with version {watch.predecessor} of late; see request_comparison."
    return (
        f"On the same rows, of which they answer {paired.share:.1%} differently, version {version} scores {paired.difference} "
        f"more than version {watch.predecessor}; e-value {paired.evidence.e_value:.3g}, {watch.needed:.3g} would show that it "
        f"scores less by over {watch.allowed:.3g}."
    )


def _beside_promise(watch: _Watch) -> str:
    score, promise = watch.promise.score, watch.promise
    if promise.floor is None:
        return f"It scores {score} on random rows of the last {OF_LATE} days; it promised nothing."
    if promise.e_value is None:
        return f"At least {promise.floor:.3f} was promised; no random row has a label yet."
    return (
        f"On random rows of the last {OF_LATE} days it scores {score}; at least {promise.floor:.3f} was promised; e-value "
        f"{promise.e_value:.3g}, {watch.needed:.3g} would show that it fell below."
    )


def _next(watch: _Watch, outcome: State) -> str:
    """Say what is done, or what would change the verdict."""
    rows = f"{watch.ask} labels a day, asked for where the two differ" if watch.ask else "labels of random rows"
    if outcome == "below_promise" and not watch.ask:
        why = "no label may be asked for where the two differ" if watch.predecessor else "it has no predecessor"
        return f"Retrain. Nothing tells whether a rollback would help: {why}."
    return {
        "broken": f"Version {watch.predecessor} is put back.",
        "harder": "What is served got harder for both: a rollback would not help, retrain.",
        "below_promise": f"Retrain. What tells whether a rollback helps: {rows}.",
        "kept": f"What would change that: {rows}.",
        "inconclusive": f"What will tell: {rows}.",
    }[outcome]
