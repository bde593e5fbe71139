"""The ledger says what is live, and the digest which bytes it is: where MLflow says otherwise, nothing goes on."""

from pathlib import Path
from typing import Any

import pytest

from include.foundation.decisions import TrainedChallenger, record
from include.foundation.errors import DeploymentError, RegistryError
from include.foundation.models.judged_models import challenger_model, live_model, newest_models
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.store.ledgers.deployments import Deployment, append_deployment
from include.foundation.store.tables import LoopStore
from tests.include.stages.training.challenger_builders import log_fitted, register_challengers, registry_in


@pytest.fixture
def deployed(store: LoopStore, registry: ModelRegistry, estimator: Any) -> LoopStore:
    """Version 2 of two is live."""
    register_challengers(registry, store, estimator, "a", "b")
    digest = registry.files_digest(run_id=str(registry.run_of("2")), version="2")
    registry.set_alias(CHAMPION, "2")
    append_deployment(store, Deployment("2", "1", "deploy", "because", "digest", None, digest))
    return store


def change_files(registry: ModelRegistry, version: str) -> None:
    """Change one byte of what pip would install for a version."""
    uri = registry.client.get_model_version_download_uri("tiny", version)
    path = Path(uri.removeprefix("file://")) / "requirements.txt"
    path.write_text(path.read_text() + "evil\n")


def test_live_model_is_the_one_of_the_ledger_with_its_digest(deployed: LoopStore, registry: ModelRegistry) -> None:
    model = live_model(deployed, registry)
    assert model is not None
    assert (model.version, model.challenger_key) == ("2", "b")


def test_newest_models_are_those_of_the_last_versions_registered(deployed: LoopStore, registry: ModelRegistry) -> None:
    assert [model.version for model in newest_models(deployed, registry, 5)] == ["2", "1"]
    assert [model.version for model in newest_models(deployed, registry, 1)] == ["2"]


def test_live_model_before_any_deployment_is_what_a_person_made_champion(
    store: LoopStore, registry: ModelRegistry, estimator: Any
) -> None:
    assert live_model(store, registry) is None
    register_challengers(registry, store, estimator, "a")
    registry.set_alias(CHAMPION, "1")
    model = live_model(store, registry)
    assert model is not None
    assert model.version == "1"


def test_live_model_whose_alias_is_gone_stops_and_says_how_to_restore_it(
    deployed: LoopStore, registry: ModelRegistry
) -> None:
    registry.client.delete_registered_model_alias("tiny", CHAMPION)
    told = (
        r"Version 2 of .* is live, .* alias 'champion' in MLflow is not there: `python -m include reconcile tiny` puts"
    )
    with pytest.raises(DeploymentError, match=told):
        live_model(deployed, registry)


def test_live_model_whose_alias_was_moved_by_hand_names_both_versions(
    deployed: LoopStore, registry: ModelRegistry
) -> None:
    registry.set_alias(CHAMPION, "1")
    told = "Version 2 of model tiny is live, .* points at version 1: .* `python -m include adopt tiny VERSION`"
    with pytest.raises(DeploymentError, match=told):
        live_model(deployed, registry)


def test_live_model_whose_version_was_deleted_says_that_it_is_gone(
    deployed: LoopStore, registry: ModelRegistry
) -> None:
    registry.client.delete_model_version("tiny", "2")
    with pytest.raises(DeploymentError, match=r"Version 2 .* MLflow has no such version: restore MLflow from a backup"):
        live_model(deployed, registry)


def test_live_model_after_mlflow_was_reset_is_never_taken_for_none(
    deployed: LoopStore, tmp_path: Path, mlflow_template: Path
) -> None:
    with pytest.raises(DeploymentError, match="MLflow has no such version"):
        live_model(deployed, registry_in(tmp_path / "reset", deployed.loop, mlflow_template))


@pytest.mark.parametrize("for_good", [False, True])
def test_live_model_outlives_its_run(deployed: LoopStore, registry: ModelRegistry, for_good: bool) -> None:
    """MLflow lets the run of a registered version be deleted (https://github.com/mlflow/mlflow/issues/3160)."""
    run_id = str(registry.run_of("2"))
    registry.client.delete_run(run_id)
    if for_good:  # as `mlflow gc` does, where it leaves the files (https://github.com/mlflow/mlflow/issues/17240)
        registry.client._tracking_client.store._hard_delete_run(run_id)
    model = live_model(deployed, registry)
    assert model is not None
    assert (model.version, model.challenger_key) == ("2", "b")


def test_live_model_whose_registered_model_was_renamed_is_not_there(
    deployed: LoopStore, registry: ModelRegistry
) -> None:
    registry.client.rename_registered_model("tiny", "other")
    with pytest.raises(DeploymentError, match=r"Version 2 .* MLflow has no such version"):
        live_model(deployed, registry)


def test_live_model_whose_files_were_changed_is_not_read(deployed: LoopStore, registry: ModelRegistry) -> None:
    change_files(registry, "2")
    with pytest.raises(DeploymentError, match=r"version 2: its files have the digest .* was judged"):
        live_model(deployed, registry)


def test_challenger_model_whose_files_were_changed_after_training_is_not_read(
    store: LoopStore, registry: ModelRegistry, estimator: Any
) -> None:
    run_id = log_fitted(registry, store, "a", estimator)
    digest = registry.files_digest(run_id=run_id)
    trained = {"run_id": run_id, "model_digest": "m", "files_digest": digest}
    record(store, TrainedChallenger(subject="a", reasons=(), outcome="trained", **trained))
    assert challenger_model(store, registry, "a", "another").files_digest == digest
    path = next((Path(registry.client.get_run(run_id).info.artifact_uri.removeprefix("file://"))).glob("model/MLmodel"))
    path.write_text(path.read_text().replace("loop: tiny", "loop: other"))
    with pytest.raises(DeploymentError, match=f"run {run_id}: its files have the digest"):
        challenger_model(store, registry, "a", "another")


def test_challenger_model_that_mlflow_lost_names_its_run(store: LoopStore, registry: ModelRegistry) -> None:
    run = registry.client.create_run(registry.experiment_id, tags={"challenger_key": "a"})
    with pytest.raises(RegistryError, match=f"run {run.info.run_id}: MLflow cannot give its files"):
        challenger_model(store, registry, "a", run.info.run_id)
