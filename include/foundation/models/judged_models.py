"""The models that decisions are about: what is live by the ledger, and the challenger that was trained, each by its digest."""

from itertools import chain
from typing import TYPE_CHECKING

from include.foundation.decisions import TrainedChallenger, latest
from include.foundation.errors import DeploymentError
from include.foundation.models.registry import CHAMPION
from include.foundation.store.ledgers.deployments import STOP, Deployment, changes, live
from include.foundation.store.tables import LoopStore

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel
    from include.foundation.models.registry import ModelRegistry


def live_model(store: LoopStore, registry: "ModelRegistry") -> "LoadedModel | None":
    """Return the model that is live, or None if nothing is.

    The table ``deployments`` says what is live. Before the first deployment it is what a person made champion in the registry.

    Parameters
    ----------
    store, registry
        Of the loop.

    Raises
    ------
    DeploymentError
        If the registry disagrees, or its files are not those that were judged: no challenger is held against a wrong champion.
    """
    deployment = live(store)
    if deployment is None:
        return registry.champion()
    if problem := disagreement(registry, deployment):
        raise DeploymentError(problem)
    version = deployment.model_version
    return registry.load(run_id=str(registry.run_of(version)), version=version, files_digest=deployment.files_digest)


def logged_model(store: LoopStore, registry: "ModelRegistry", version: str) -> "LoadedModel | None":
    """Return the model of a version that predictions were logged of; None if the registry has no such version.

    Parameters
    ----------
    store, registry
        Of the loop.
    version
        As logs name it.

    Raises
    ------
    DeploymentError
        If it was deployed, and its files are not those that were judged.
    """
    run_id = registry.run_of(version)
    if run_id is None:
        return None
    judged = [entry.files_digest for entry in changes(store) if entry.model_version == version and entry.action != STOP]
    return registry.load(run_id=run_id, version=version, files_digest=judged[-1] if judged else None)


def newest_models(store: LoopStore, registry: "ModelRegistry", n: int) -> "list[LoadedModel]":
    """Return the models of the newest registered versions, newest first, at most n.

    Parameters
    ----------
    store, registry
        Of the loop.
    n
        How many are wanted.
    """
    versions = sorted(chain.from_iterable(registry.versions_by_challenger().values()), key=int, reverse=True)[:n]
    models = (logged_model(store, registry, version) for version in versions)
    return [model for model in models if model is not None]


def challenger_model(store: LoopStore, registry: "ModelRegistry", key: str, run_id: str) -> "LoadedModel":
    """Return a challenger's model.

    Parameters
    ----------
    store, registry
        Of the loop.
    key
        Of the challenger.
    run_id
        Of its run; where its training was recorded, that run counts.

    Raises
    ------
    RegistryError
        If MLflow cannot give its files.
    DeploymentError
        If they are not those that were trained.
    """
    trained = latest(store, TrainedChallenger, key)
    if trained is None:  # an earlier version of the loop trained it
        return registry.load(run_id=run_id)
    return registry.load(run_id=trained.run_id, files_digest=trained.files_digest)


def disagreement(registry: "ModelRegistry", deployment: Deployment) -> str | None:
    """Return how the registry contradicts what is live by the ledger, and what to do about it; None if it does not.

    Parameters
    ----------
    registry
        Of the loop.
    deployment
        The newest entry of the ledger.
    """
    version, name, aliased = deployment.model_version, registry.loop.name, registry.aliased(CHAMPION)
    said = f"Version {version} of model {name} is live, says the table deployments"
    by_hand = f"`python -m include adopt {name} VERSION` says that another version is live on purpose"
    if registry.run_of(version) is None:
        return (
            f"{said}, but MLflow has no such version: restore MLflow from a backup; if it is gone for good, register a model, "
            f"and {by_hand}"
        )
    if aliased == version:
        return None
    points = "is not there" if aliased is None else f"points at version {aliased}"
    back = f"`python -m include reconcile {name}` puts it back"
    return f"{said}, but the alias {CHAMPION!r} in MLflow {points}: {back}; {by_hand}"
