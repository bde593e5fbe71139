"""Make a promoted and approved challenger the champion."""

import json
from dataclasses import dataclass
from typing import Any

from include.foundation.decisions import Approval, GateVerdict
from include.foundation.errors import DeploymentError
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.store.ledgers.deployments import Deployment, Promise, append_deployment, history
from include.foundation.store.loop_files import write_file
from include.foundation.store.tables import LoopStore

MANIFEST = "deployments/champion.json"


@dataclass(frozen=True)
class DeployReport:
    """What is live now, what was live before, and where the manifest is."""

    version: str
    previous: str | None
    manifest: str


def deploy(store: LoopStore, registry: ModelRegistry, gate: GateVerdict, approval: Approval) -> DeployReport:
    """Move the alias, write the ledger and the manifest; killed anywhere and run again, the same is live.

    Parameters
    ----------
    store
        Tables of the loop.
    registry
        Holds the alias.
    gate
        The verdict, which must be *promote*.
    approval
        The approval, which must be of exactly this verdict's evidence.

    Raises
    ------
    DeploymentError
        If the verdict or the approval does not allow it, the champion is not the one that was judged against, or the version
        was deployed on this evidence before and replaced since.
    """
    _demand_approval(gate, approval)
    version = registry.version_of(gate.subject)
    if version is None:
        raise DeploymentError(f"Challenger {gate.subject} is not registered; run register_model again")
    _demand_not_replaced(store, gate, version)
    judged_against = gate.champion_version
    promised = gate.scores.challenger
    deployment = Deployment(
        model_version=version,
        previous_version=judged_against,
        action="deploy",
        why=" ".join(gate.reasons),
        evidence_digest=gate.evidence_digest,
        promised=Promise.of(promised.value, promised.low, promised.high),
    )
    change_champion(store, registry, deployment)
    manifest = write_manifest(store, registry, version, gate.evidence_digest)
    return DeployReport(version, judged_against, manifest)


def change_champion(store: LoopStore, registry: ModelRegistry, deployment: Deployment) -> None:
    """Point the alias from the previous version at the new one, or leave it there, and append to the ledger.

    MLflow cannot compare and set in one step; the ledger can. Of two changes at once the first in the ledger wins, and the
    other points the alias back at it.

    Parameters
    ----------
    store, registry
        Of the loop.
    deployment
        What changes, and why.

    Raises
    ------
    DeploymentError
        If the alias points elsewhere (the evidence was taken against another champion), or another change came first.
    """
    version, expected, known = deployment.model_version, deployment.previous_version, len(history(store))
    champion = registry.aliased(CHAMPION)
    if champion not in {expected, version}:
        raise DeploymentError(
            f"The champion is version {champion}, but the evidence is about version {expected}: it is stale; run the DAG again"
        )
    if champion != version:
        registry.set_alias(CHAMPION, version)
    try:
        append_deployment(store, deployment, known=known)
    except DeploymentError:
        registry.set_alias(CHAMPION, history(store)[-1].model_version)
        raise


def write_manifest(store: LoopStore, registry: ModelRegistry, version: str, evidence_digest: str) -> str:
    """Write the file that a GitOps tool follows and return its URI.

    Parameters
    ----------
    store, registry
        Of the loop.
    version
        What is live.
    evidence_digest
        Of the decision that made it so.
    """
    manifest: dict[str, Any] = {
        "loop": store.loop.name,
        "model": store.loop.name,
        "version": version,
        "model_uri": f"models:/{store.loop.name}/{version}",
        "run_id": registry.run_of(version),
        "evidence_digest": evidence_digest,
    }
    return write_file(store, MANIFEST, json.dumps(manifest, indent=2, sort_keys=True) + "\n")


def _demand_approval(gate: GateVerdict, approval: Approval) -> None:
    problems = []
    if gate.outcome != "promote":
        problems.append(f"gate: got {gate.outcome}, expected promote")
    if approval.outcome != "approved":
        problems.append(f"approval: got {approval.outcome}, expected approved")
    if approval.gate != gate.evidence_digest:
        problems.append(f"approval: is of evidence {approval.gate}, expected {gate.evidence_digest}")
    if not approval.by:
        problems.append("approval: names nobody")
    if problems:
        raise DeploymentError(f"Challenger {gate.subject} is not deployed", problems)


def _demand_not_replaced(store: LoopStore, gate: GateVerdict, version: str) -> None:
    """Refuse evidence that was used up: a task that is cleared later must not bring back what was rolled back."""
    deployments = history(store)
    own = ("deploy", gate.evidence_digest)
    used = [entry for entry in deployments if (entry.action, entry.evidence_digest) == own]
    if used and deployments[-1] != used[-1]:
        latest = deployments[-1]
        raise DeploymentError(
            f"Got version {version}, expected one that is new or live: version {version} was deployed on this evidence before "
            f"and is not live any more ({latest.action} of version {latest.model_version} came after it)"
        )
