"""The version before the champion: what the champion is compared with, and what a rollback returns to."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from include.foundation.errors import RegistryError
from include.foundation.store.ledgers.deployments import CANARY, Deployment

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel
    from include.foundation.models.registry import ModelRegistry


def predecessor(deployments: Sequence[Deployment]) -> str | None:
    """Return the version that the live one replaced when it was deployed; None if there was none, or a person made it live.

    Parameters
    ----------
    deployments
        All of them, oldest first; of a canary at the end it is what is live.
    """
    if not deployments or deployments[-1].action == "adopt":
        return None
    if deployments[-1].action == CANARY:
        return deployments[-1].previous_version
    live = (deployments[-1].model_version, "deploy")
    own = [entry for entry in deployments if (entry.model_version, entry.action) == live]
    return own[-1].previous_version if own else None


def newest_entry(deployments: Sequence[Deployment], version: str) -> Deployment | None:
    """Return the last change that made a version live; None if it was made champion by hand.

    Parameters
    ----------
    deployments
        All of them, oldest first.
    version
        Of the model.
    """
    entries = [entry for entry in deployments if entry.model_version == version]
    return entries[-1] if entries else None


def predecessor_model(registry: "ModelRegistry", deployments: Sequence[Deployment], version: str) -> "LoadedModel":
    """Return the model of a version that was live, with the files that it was live with.

    Parameters
    ----------
    registry
        Of the loop.
    deployments
        All of them, oldest first.
    version
        Of the model.

    Raises
    ------
    RegistryError
        If MLflow has no such version, or cannot give its files.
    DeploymentError
        If its files are not those that were judged.
    """
    run_id, entry = registry.run_of(version), newest_entry(deployments, version)
    if run_id is None:
        raise RegistryError(f"Model {registry.loop.name}: MLflow has no version {version} any more; restore a backup")
    return registry.load(run_id=run_id, version=version, files_digest=entry.files_digest if entry else None)
