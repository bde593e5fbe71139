"""Which version each environment is to serve: environments before production, one after the other, then production itself."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from include.foundation.config.loading import resolve
from include.foundation.config.loop_file import Loop
from include.foundation.decisions import Approval, GateVerdict
from include.foundation.errors import DeploymentError
from include.foundation.store.ledgers.deployments import Deployment
from include.stages.gate.approval import approval_subject

if TYPE_CHECKING:  # it imports git, which few loops need
    from include.stages.deployment.manifest_repository import ManifestRepository


def manifest(loop: Loop, deployment: Deployment, run_id: str | None) -> str:
    """Return the content of the file that a GitOps tool follows.

    Parameters
    ----------
    loop
        The loop.
    deployment
        Of which version.
    run_id
        The version's run in MLflow; None if it has none any more.
    """
    content = {
        "loop": loop.name,
        "model": loop.name,
        "version": deployment.model_version,
        "model_uri": f"models:/{loop.name}/{deployment.model_version}",
        "run_id": run_id,
        "evidence_digest": deployment.evidence_digest,
        "files_digest": deployment.files_digest,
    }
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def deliver(loop: Loop, environment: str, deployment: Deployment, run_id: str | None) -> bool:
    """Let an environment before production serve a version; tell whether it is to serve another one than before.

    Parameters
    ----------
    loop
        The loop.
    environment
        Its name.
    deployment
        Of the version.
    run_id
        The version's run in MLflow.

    Raises
    ------
    DeploymentError
        If there is no such repository.
    ManifestError
        If it cannot be written.
    """
    repository, content = _repository(loop), manifest(loop, deployment, run_id)
    is_new = repository.read(environment, loop.name) != content
    repository.write(loop.name, {environment: content}, _message(loop, deployment, environment))
    return is_new


def demand_approved(gate: GateVerdict, environment: str, approval: Approval) -> None:
    """Raise unless an approval is of a verdict's evidence, and of the challenger in an environment.

    Parameters
    ----------
    gate
        The verdict.
    environment
        Before production.
    approval
        That is to be of both.

    Raises
    ------
    DeploymentError
        With what is wrong.
    """
    expected = (approval_subject(gate.subject, environment), "approved", gate.evidence_digest)
    if (approval.subject, approval.outcome, approval.gate) != expected:
        raise DeploymentError(
            f"Got an approval ({approval.outcome}) of {approval.subject} on evidence {approval.gate}, expected one of "
            f"{expected[0]} on evidence {expected[2]}; run the DAG again"
        )


def follow_production(loop: Loop, deployment: Deployment, content: str) -> None:
    """Make production's manifest, where the loop file has a repository, say what is live.

    Environments before production that are to serve a version which is rolled back follow as well.

    Parameters
    ----------
    loop
        The loop.
    deployment
        What is live.
    content
        Of its manifest.

    Raises
    ------
    DeploymentError
        If there is no such repository.
    ManifestError
        If it cannot be written.
    """
    if loop.deploy.gitops.repository is None:
        return
    repository, manifests = _repository(loop), {loop.deploy.gitops.production: content}
    if deployment.action == "rollback":
        for environment in loop.deploy.gitops.before_production:
            if _version_in(repository.read(environment, loop.name)) == deployment.previous_version:
                manifests[environment] = content
    repository.write(loop.name, manifests, _message(loop, deployment, *manifests))


def is_followed(loop: Loop, content: str) -> bool:
    """Tell whether production's manifest is what it should be; true without a repository.

    Parameters
    ----------
    loop
        The loop.
    content
        Of the manifest of what is live.

    Raises
    ------
    DeploymentError
        If there is no such repository.
    """
    gitops = loop.deploy.gitops
    return gitops.repository is None or _repository(loop).read(gitops.production, loop.name) == content


def _repository(loop: Loop) -> "ManifestRepository":
    from include.stages.deployment.manifest_repository import ManifestRepository

    gitops = loop.deploy.gitops
    return ManifestRepository(Path(resolve(gitops.repository or "")), push=gitops.push)


def _version_in(content: str | None) -> str | None:
    """Return the version that a manifest names; None without one, or if a person made it something else."""
    try:
        said = json.loads(content or "null")
    except ValueError:
        return None
    return str(said.get("version")) if isinstance(said, Mapping) else None


def _message(loop: Loop, deployment: Deployment, *environments: str) -> str:
    subject = f"{loop.name}: {deployment.action} version {deployment.model_version} in {', '.join(environments)}"
    return f"{subject}\n\n{deployment.why}\n\nEvidence: {deployment.evidence_digest}\n"
