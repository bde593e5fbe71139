"""The edge of the registry: versions and runs that others wrote are taken, or refused in words; no bare error comes out."""

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from include.foundation.errors import DeploymentError, FeedbackLoopError, RegistryError
from include.foundation.models.frames import features_frame
from include.foundation.models.judged_models import live_model
from include.foundation.models.model_files import MODEL_FILE, save_model
from include.foundation.models.registry import CHAMPION
from include.foundation.store.rows import rows_of
from include.stages.deployment.reconciling import adopt
from include.stages.deployment.store_checks import check_store
from include.stages.training.deciding import decide_retrain
from include.stages.training.fitting import train_challenger
from tests.include.stages.training.challenger_builders import (
    CLASSES,
    fitted,
    label_row,
    make_label_store,
    publish_labels,
    registry_in,
)


@pytest.fixture
def store(tmp_path):
    return make_label_store(tmp_path)


@pytest.fixture
def registry(tmp_path, store, mlflow_template):
    return registry_in(tmp_path / "mlflow", store.loop, mlflow_template)


def rows(store):
    return rows_of(store.loop, "labels", [label_row(number) for number in range(3)])


def zipped(name: str, text: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, text)

    return write


def dumped(thing: Callable[[], Any]) -> Callable[[Path], None]:
    return lambda path: skops.io.dump(thing(), path)


def numbers(*classes: Any) -> Any:
    return LogisticRegression().fit([[float(number)] for number in range(len(classes))], classes)


FILES: dict[str, Callable[[Path], Any]] = {
    "nothing": lambda _: None,
    "pickled": lambda path: path.with_name("model.pkl").write_bytes(pickle.dumps(numbers("a", "b"))),
    "a folder": Path.mkdir,
    "no archive": lambda path: path.write_text("half a file"),
    "no schema": zipped("a", "b"),
    "schema of a list": zipped("schema.json", "[]"),
    "schema of numbers": zipped("schema.json", '{"__class__": 5}'),
    "no classifier": dumped(lambda: StandardScaler().fit([[1.0], [2.0]])),
    "no model": dumped(lambda: {"a": 1}),
    "not fitted": dumped(LogisticRegression),
    "classes are numbers": dumped(lambda: numbers(0, 1)),
    "other classes": dumped(lambda: numbers("earn", "acq")),
    "other inputs": dumped(lambda: numbers(*CLASSES[:2])),
}


def made_champion(registry, place: Path, **tags: str) -> str:
    """Register a folder as somebody would by hand, without a run, and point the alias at it."""
    registry._ensure_registered_model()
    version = str(registry.client.create_model_version(registry.loop.name, str(place), None, tags=tags).version)
    registry.set_alias(CHAMPION, version)
    return version


def test_model_without_a_run_and_with_others_tags_is_taken(store, registry, tmp_path):
    save_model(fitted(store), tmp_path / "made", features_frame(store.loop, rows(store)))
    version = made_champion(registry, tmp_path / "made", challenger_key="no key of ours: é'%", other="5")
    model = live_model(store, registry)
    assert model.version == version
    assert model.predict(rows(store))[0].tolist() == rows(store).column("label").to_pylist()
    adopt(store, registry, version, "it was made by hand")
    assert check_store(store, registry) == []


@pytest.mark.parametrize("odd", FILES)
def test_files_that_are_no_model_of_the_loop_are_refused(odd, store, registry, tmp_path):
    (tmp_path / "made").mkdir()
    FILES[odd](tmp_path / "made" / MODEL_FILE)
    made_champion(registry, tmp_path / "made")
    with pytest.raises(FeedbackLoopError) as caught:
        live_model(store, registry).predict(rows(store))
    assert str(caught.value).strip()


def test_files_that_are_gone_are_refused(store, registry, tmp_path):
    made_champion(registry, tmp_path / "nowhere")
    with pytest.raises(RegistryError, match="MLflow cannot give its files"):
        live_model(store, registry)


def test_alias_of_another_name_is_none_of_ours(store, registry, tmp_path):
    version = made_champion(registry, tmp_path)
    registry.client.set_registered_model_alias(store.loop.name, "Champion-2", version)
    registry.client.delete_registered_model_alias(store.loop.name, CHAMPION)
    assert live_model(store, registry) is None


@pytest.mark.parametrize("version", ["v1", "", "99", "1.0", "-1", "9" * 40, "é", "1 or 1"])
def test_what_is_no_version_is_not_there(store, registry, tmp_path, version):
    made_champion(registry, tmp_path)
    assert registry.run_of(version) is None
    with pytest.raises(DeploymentError, match="expected one of model tiny in MLflow"):
        adopt(store, registry, version, "why")


def foreign_run(registry, **tags: str) -> str:
    run_id = str(registry.client.create_run(registry.experiment_id, tags=tags).info.run_id)
    registry.client.log_param(run_id, "factory", "x" * 5000)
    registry.client.set_terminated(run_id, "FINISHED")
    return run_id


def test_run_of_somebody_else_under_a_challengers_key_is_not_its_training(store, registry):
    publish_labels(store, range(12))
    plan = decide_retrain(store)
    foreign = foreign_run(registry, challenger_key=plan.challenger_key)
    trained = train_challenger(store, plan, registry)
    assert (trained.already_there, trained.run_id == foreign) == (False, False)


def test_run_that_lost_its_key_is_not_registered(store, registry):
    with pytest.raises(RegistryError, match="has lost its tag challenger_key: set it again"):
        registry.register(foreign_run(registry), {})
