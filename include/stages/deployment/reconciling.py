"""Mend what has one right answer, and let a person say what is live where the ledger cannot know."""

from collections.abc import Iterator

from include.foundation.decisions import RegisteredVersion, find
from include.foundation.digests import digest_of
from include.foundation.errors import DeploymentError
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.store.ledgers.deployments import Deployment, append_deployment, changes, history, live
from include.foundation.store.tables import LoopStore
from include.stages.deployment.deploying import DeployReport, follow_ledger


def reconcile(store: LoopStore, registry: ModelRegistry) -> list[str]:
    """Point alias and manifest at what the ledger says is live, delete second versions of challengers, and say what was done.

    Killed anywhere and run again, the result is the same.

    Parameters
    ----------
    store, registry
        Of the loop.
    """
    done = []
    deployment = live(store)
    if deployment is not None and registry.run_of(deployment.model_version) is not None:
        before = registry.aliased(CHAMPION)
        follow_ledger(store, registry)
        if before != deployment.model_version:
            done.append(f"alias {CHAMPION}: {before or 'none'} → version {deployment.model_version}")
    for registered, others in registered_again(store, registry):
        for version in others:
            registry.discard_version(version)
            done.append(f"version {version} deleted: its challenger is version {registered.version}")
    return done


def registered_again(
    store: LoopStore, registry: ModelRegistry, since: int = 0
) -> Iterator[tuple[RegisteredVersion, list[str]]]:
    """Yield each challenger that is registered more than once, with its other versions: attempts of which one was killed.

    Parameters
    ----------
    store, registry
        Of the loop.
    since
        Number of a decision: only challengers that were registered after it are looked at.
    """
    registrations = find(store, RegisteredVersion, since=since)
    versions = registry.versions_by_challenger() if registrations else {}
    for registered in registrations:
        others = [version for version in versions.get(registered.subject, []) if version != registered.version]
        if others:
            yield registered, others


def adopt(store: LoopStore, registry: ModelRegistry, version: str, why: str) -> DeployReport:
    """Write into the ledger that a person made a version live, and make alias and manifest follow.

    Parameters
    ----------
    store, registry
        Of the loop.
    version
        Of the registered model; it can be read safely.
    why
        What the ledger says of it. The version promises nothing, so the guard watches it and cannot break a promise.

    Raises
    ------
    DeploymentError
        If the registry has no such version, it is live already, or it cannot be read safely.
    """
    known, deployments = len(changes(store)), history(store)
    previous = deployments[-1].model_version if deployments else None
    run_id = registry.run_of(version)
    if run_id is None:
        raise DeploymentError(f"Got version {version!r}, expected one of model {store.loop.name} in MLflow")
    if version == previous:
        raise DeploymentError(f"Version {version} is live already; `reconcile` makes alias and manifest say so")
    model = registry.load(run_id=run_id, version=version)
    evidence = digest_of("adopt", version, len(deployments))
    adopted = Deployment(version, previous, "adopt", why, evidence, None, model.files_digest)
    append_deployment(store, adopted, known=known)
    return DeployReport(version, previous, follow_ledger(store, registry))
