import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
from sklearn.preprocessing import FunctionTransformer

from include.foundation.errors import ConfigError, DeploymentError, RegistryError, TrainingError
from include.foundation.models.loaded_model import LoadedModel
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.labels.datasets import Dataset
from include.stages.training.fitting import fit
from tests.conftest import ROOT
from tests.include.stages.training.challenger_builders import (
    CLASSES,
    label_row,
    log_fitted,
    make_label_store,
    make_text_loop,
    registry_in,
)


def labeled(store: LoopStore, numbers: range = range(12), **overrides: Any) -> Dataset:
    rows = rows_of(store.loop, "labels", [label_row(number, **overrides) for number in numbers])
    return Dataset("digest", 0, rows, rows.slice(0, 0))


def statuses(registry: ModelRegistry) -> list[str]:
    return sorted(run.info.status for run in registry.client.search_runs([registry.experiment_id]))


def test_registry_module_imported_does_not_import_mlflow() -> None:
    script = (
        "import sys, include.foundation.models.registry; sys.exit('mlflow' in sys.modules or 'sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


def test_registry_of_a_new_loop_has_no_champion_and_no_run(registry: ModelRegistry) -> None:
    assert registry.champion() is None
    assert registry.finished_run("key") is None
    assert registry.version_of("key") is None


def test_registry_leaves_mlflow_state_of_the_process_alone(registry: ModelRegistry) -> None:
    import mlflow

    before = mlflow.get_tracking_uri()
    _ = registry.experiment_id
    assert mlflow.get_tracking_uri() == before


def test_registry_on_a_relative_database_path_keeps_artifacts_beside_it(
    tmp_path: Path, store: LoopStore, estimator: Any, mlflow_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry_in(tmp_path / "here", store.loop, mlflow_template)
    monkeypatch.chdir(tmp_path)
    log_fitted(ModelRegistry("sqlite:///here/mlflow.db", store.loop), store, "key", estimator)
    assert list((tmp_path / "here" / "artifacts" / "tiny").glob("*/artifacts/model/model.skops"))


def test_load_of_a_logged_run_predicts_bit_for_bit_the_same(
    registry: ModelRegistry, store: LoopStore, estimator: Any
) -> None:
    run_id = log_fitted(registry, store, "key", estimator)
    loaded, rows = registry.load(run_id=run_id), labeled(store, range(50, 80)).train
    own = LoadedModel(store.loop, None, run_id, "key", estimator)
    assert (loaded.version, loaded.run_id, loaded.challenger_key) == (None, run_id, "key")
    assert loaded.predict(rows)[1].tobytes() == own.predict(rows)[1].tobytes()
    assert list(loaded.predict(rows)[0]) == rows.column("label").to_pylist()


def test_model_is_asked_by_the_columns_that_it_was_fitted_on_whatever_inputs_there_are_since(
    tmp_path: Path, mlflow_template: Path
) -> None:
    inputs = {"text": {"type": "text"}, "words": {"type": "numeric"}}
    factory = {"factory": "include.factories:table_classifier"}
    store = make_label_store(tmp_path, make_text_loop(inputs=inputs, training=factory))
    data = labeled(store, input_words=3.0)
    registry = registry_in(tmp_path, store.loop, mlflow_template)
    run_id = registry.log_challenger("key", fit(store, data), params={}, metrics={}, tags={}, signature_rows=data.train)
    for since in ({"text": inputs["text"]}, {"words": inputs["words"]}, inputs | {"more": {"type": "numeric"}}):
        loop = make_text_loop(inputs=since, training=factory)
        rows = data.train.select(
            [name for name in data.train.column_names if name[6:] in since or "input_" not in name]
        )
        if "more" in since:
            rows = rows.append_column("input_more", pa.array([1.0] * rows.num_rows))
        labels, probabilities = registry_in(tmp_path, loop, mlflow_template).load(run_id=run_id).predict(rows)
        assert np.isfinite(probabilities).all()
        if "text" in since:
            assert list(labels) == data.train.column("label").to_pylist()


def test_load_of_a_run_whose_model_was_replaced_by_code_refuses_it(
    registry: ModelRegistry, store: LoopStore, estimator: Any, tmp_path: Path
) -> None:
    import skops.io

    run_id = log_fitted(registry, store, "key", estimator)
    evil = tmp_path / "model.skops"
    skops.io.dump(FunctionTransformer(os.path.exists), evil)
    registry.client.log_artifact(run_id, str(evil), "model")
    with pytest.raises(DeploymentError, match="not trusted"):
        registry.load(run_id=run_id)


def test_load_of_a_run_without_a_model_says_so(registry: ModelRegistry) -> None:
    run = registry.client.create_run(registry.experiment_id, tags={"challenger_key": "key"})
    with pytest.raises(RegistryError, match="MLflow cannot give its files: Failed to download artifacts"):
        registry.load(run_id=run.info.run_id)


def test_predict_orders_probabilities_as_the_task_and_gives_zero_to_an_unseen_class(tmp_path: Path) -> None:
    listed = ["ship", "other", "grain", "crude"]
    store = make_label_store(tmp_path, make_text_loop(task={"kind": "classification", "classes": listed}))
    classes = store.loop.task.classes
    data = labeled(store)
    labels, probabilities = LoadedModel(store.loop, "1", "run", "key", fit(store, data)).predict(data.train)
    assert list(labels) == data.train.column("label").to_pylist()
    assert [classes[place] for place in probabilities.argmax(axis=1)] == list(labels)
    assert not probabilities[:, classes.index("other")].any()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-12)


def test_predict_of_no_rows_is_empty(store: LoopStore, estimator: Any) -> None:
    labels, probabilities = LoadedModel(store.loop, "1", "run", "key", estimator).predict(
        labeled(store, range(0)).train
    )
    assert (labels.shape, probabilities.shape) == ((0,), (0, len(CLASSES)))


def test_log_challenger_of_a_model_that_is_not_skops_leaves_no_finished_run(
    registry: ModelRegistry, store: LoopStore
) -> None:
    class Homemade(FunctionTransformer):
        classes_ = np.array(CLASSES)

        def predict_proba(self, rows: Any) -> Any:
            return np.full((len(rows), len(CLASSES)), 1 / len(CLASSES))

    with pytest.raises(TrainingError, match="cannot be written as skops"):
        log_fitted(registry, store, "key", Homemade().fit([[0]]))
    assert registry.finished_run("key") is None


@pytest.mark.parametrize("status", ["RUNNING", "KILLED", "FAILED"])
def test_finished_run_of_an_attempt_that_came_to_nothing_is_none(registry: ModelRegistry, status: str) -> None:
    run = registry.client.create_run(registry.experiment_id, tags={"challenger_key": "key"})
    if status != "RUNNING":
        registry.client.set_terminated(run.info.run_id, status)
    assert registry.finished_run("key") is None


def test_finished_run_of_two_loops_in_one_database_is_each_its_own(
    registry: ModelRegistry, store: LoopStore, estimator: Any, tmp_path: Path, mlflow_template: Path
) -> None:
    other = registry_in(tmp_path / "mlflow", make_text_loop(name="other"), mlflow_template)
    version = registry.register(log_fitted(registry, store, "key", estimator), {})
    registry.set_alias(CHAMPION, version)
    assert other.finished_run("key") is None
    assert other.version_of("key") is None
    assert other.champion() is None


def test_register_twice_makes_one_version_with_the_lineage_of_its_run(
    registry: ModelRegistry, store: LoopStore, estimator: Any
) -> None:
    run_id = log_fitted(registry, store, "key", estimator)
    first, second = (registry.register(run_id, {"evaluation": "digest"}) for _ in range(2))
    found = registry.client.search_model_versions("name = 'tiny'")
    assert first == second == "1"
    assert [version.run_id for version in found] == [run_id]
    assert found[0].tags == {"challenger_key": "key", "evaluation": "digest"}
    assert registry.run_of(first) == run_id


@pytest.mark.parametrize(("seconds", "ends"), [(60, "READY"), (61, "FAILED_REGISTRATION after 60 s, expected READY")])
def test_register_waits_a_minute_until_mlflow_has_finished(
    registry: ModelRegistry, store: LoopStore, estimator: Any, monkeypatch: pytest.MonkeyPatch, seconds: int, ends: str
) -> None:
    run_id, clock = log_fitted(registry, store, "key", estimator), iter([0, seconds, seconds])
    states = iter(["FAILED_REGISTRATION", "PENDING_REGISTRATION", "READY"])

    def in_its_next_state(*_: Any, **__: Any) -> SimpleNamespace:
        return SimpleNamespace(version="1", status=next(states))

    monkeypatch.setattr(registry.client, "create_model_version", in_its_next_state)
    monkeypatch.setattr(registry.client, "get_model_version", in_its_next_state)
    timed = SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _: None)
    monkeypatch.setattr("include.foundation.models.registry.time", timed)
    if ends == "READY":
        assert registry.register(run_id, {}) == "1"
    else:
        with pytest.raises(DeploymentError, match=f"Version 1 of tiny is {ends}"):
            registry.register(run_id, {})


def test_register_of_two_challengers_makes_two_versions(
    registry: ModelRegistry, store: LoopStore, estimator: Any
) -> None:
    versions = [registry.register(log_fitted(registry, store, key, estimator), {}) for key in ("a", "b")]
    assert versions == ["1", "2"]
    assert [registry.version_of(key) for key in ("a", "b")] == ["1", "2"]


DOWN = MlflowException("down", TEMPORARILY_UNAVAILABLE)


@pytest.mark.parametrize(
    ("step", "ask"),
    [
        ("get_model_version_by_alias", lambda registry, run_id: registry.aliased(CHAMPION)),
        ("get_model_version", lambda registry, run_id: registry.run_of("1")),
        ("get_run", lambda registry, run_id: registry.load(run_id=run_id)),
        ("create_registered_model", lambda registry, run_id: registry.register(run_id, {})),
        ("delete_model_version", lambda registry, run_id: registry.discard_version("1")),
        ("set_registered_model_alias", lambda registry, run_id: registry.set_alias(CHAMPION, "1")),
    ],
)
def test_mlflow_that_is_down_is_not_taken_for_one_that_has_nothing(
    registry: ModelRegistry, store: LoopStore, estimator: Any, monkeypatch: pytest.MonkeyPatch, step: str, ask: Any
) -> None:
    run_id = log_fitted(registry, store, "key", estimator)
    if step != "create_registered_model":
        registry.register(run_id, {})
    asked = []

    def fail(*args: Any, **kwargs: Any) -> None:
        asked.append(args)
        raise DOWN

    monkeypatch.setattr(registry.client, step, fail)
    with pytest.raises(MlflowException, match="down"):
        ask(registry, run_id)
    assert len(asked) == (5 if step == "set_registered_model_alias" else 1)


def test_load_of_a_version_that_a_person_registered_without_a_run_has_no_key(
    registry: ModelRegistry, store: LoopStore, estimator: Any
) -> None:
    run_id = log_fitted(registry, store, "key", estimator)
    registry.register(run_id, {})
    source = registry.client.get_model_version_download_uri("tiny", "1")
    registry.client.create_model_version("tiny", source, run_id)
    assert registry.load(run_id=run_id, version="2").challenger_key == "key"
    registry.client._tracking_client.store._hard_delete_run(run_id)
    assert registry.load(run_id=run_id, version="2").challenger_key == ""


def test_keep_only_closes_and_deletes_the_other_runs_of_its_challenger_alone(
    registry: ModelRegistry, store: LoopStore, estimator: Any
) -> None:
    kept, slower, other = (log_fitted(registry, store, key, estimator) for key in ("key", "key", "another"))
    killed = registry.client.create_run(registry.experiment_id, tags={"challenger_key": "key"}).info.run_id
    for _ in range(2):
        registry.keep_only(kept, "key")
    infos = {run_id: registry.client.get_run(run_id).info for run_id in (kept, slower, other, killed)}
    assert {run_id: (info.status, info.lifecycle_stage) for run_id, info in infos.items()} == {
        kept: ("FINISHED", "active"),
        slower: ("FINISHED", "deleted"),
        other: ("FINISHED", "active"),
        killed: ("KILLED", "active"),
    }


def test_champion_is_the_version_under_the_alias(registry: ModelRegistry, store: LoopStore, estimator: Any) -> None:
    for key in ("a", "b"):
        registry.register(log_fitted(registry, store, key, estimator), {})
    registry.set_alias(CHAMPION, "2")
    champion = registry.champion()
    assert champion is not None
    assert (champion.version, champion.challenger_key) == ("2", "b")
    assert registry.aliased("challenger") is None


@pytest.mark.parametrize("content", ["words", b"\x89PNG"])
def test_log_file_keeps_it_with_the_run(
    registry: ModelRegistry, store: LoopStore, estimator: Any, tmp_path: Path, content: str | bytes
) -> None:
    run_id = log_fitted(registry, store, "key", estimator)
    registry.log_file(run_id, "reports/notes.bin", content)
    kept = Path(registry.client.download_artifacts(run_id, "reports/notes.bin", str(tmp_path)))
    assert kept.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert statuses(registry) == ["FINISHED"]


def test_model_that_speaks_former_names_answers_in_todays(tmp_path: Path) -> None:
    old = make_label_store(tmp_path)
    data = labeled(old)
    estimator = fit(old, data)
    task = {
        "kind": "classification",
        "classes": ["cereals", "crude", "trade"],
        "renamed": {"grain": "cereals"},
        "retired": ["ship"],
    }
    loop = make_text_loop(task=task)
    labels, probabilities = LoadedModel(loop, "1", "run", "key", estimator).predict(data.train)
    expected = ["cereals" if name == "grain" else name for name in data.train.column("label").to_pylist()]
    assert list(labels) == expected
    by_name = dict(zip(loop.task.classes, probabilities.T, strict=True))
    as_spoken = LoadedModel(old.loop, "1", "run", "key", estimator).predict(data.train)[1]
    spoken = dict(zip(old.loop.task.classes, as_spoken.T, strict=True))
    np.testing.assert_array_equal(by_name["cereals"], spoken["grain"])
    np.testing.assert_array_equal(by_name["crude"], spoken["crude"])
    assert not by_name["trade"].any()


def test_model_that_speaks_undeclared_names_is_refused_with_the_ways_out(tmp_path: Path) -> None:
    store = make_label_store(tmp_path)
    loop = make_text_loop(task={"kind": "classification", "classes": ["crude", "ship"]})
    model = LoadedModel(loop, "3", "run", "key", fit(store, labeled(store)))
    with pytest.raises(ConfigError, match=r"'grain' is in 1 model \(version 3\).*task.renamed: \{grain"):
        model.predict(labeled(store).train)
