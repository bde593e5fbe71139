"""Give a measured challenger its one version in the registry."""

from typing import TYPE_CHECKING

from include.foundation.decisions import Evaluation, RegisteredVersion, latest, record_first
from include.foundation.models.registry import CHALLENGER
from include.foundation.store.tables import LoopStore

if TYPE_CHECKING:
    from include.foundation.models.registry import ModelRegistry


def register_challenger(store: LoopStore, registry: "ModelRegistry", measured: Evaluation) -> RegisteredVersion:
    """Register a challenger once, under the alias ``challenger``, and return its version.

    MLflow makes a version for each call. Of several at once the first that is recorded counts, and the others are deleted.

    Parameters
    ----------
    store, registry
        Of the loop.
    measured
        The challenger's evaluation.

    Raises
    ------
    DeploymentError
        If MLflow does not finish within a minute.
    """
    key = measured.subject
    registered = latest(store, RegisteredVersion, key)
    if registered is None:
        version = registry.register(measured.run_id, {"evaluation": measured.evidence_digest})
        reasons = (f"Challenger {key} is version {version}.",)
        own = RegisteredVersion(
            subject=key, outcome="registered", reasons=reasons, version=version, run_id=measured.run_id
        )
        registered = record_first(store, own)
    for version in registry.versions_of(key):
        if version != registered.version:
            registry.discard_version(version)
    registry.set_alias(CHALLENGER, registered.version)
    return registered
