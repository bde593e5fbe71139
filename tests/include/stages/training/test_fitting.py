import os
import subprocess
import sys
from pathlib import Path

import pytest

from include.foundation.decisions import RetrainPlan
from include.foundation.errors import TrainingError
from include.foundation.models.registry import ModelRegistry
from include.foundation.store.tables import LoopStore
from include.stages.labels.datasets import Dataset, read_dataset
from include.stages.training.deciding import decide_retrain
from include.stages.training.fitting import ChallengerReference, fit, model_digest, train_challenger
from tests.conftest import ROOT
from tests.decision_builders import make_plan
from tests.include.stages.training.challenger_builders import (
    make_label_store,
    make_text_loop,
    publish_labels,
    registry_in,
)


def digest_of_model(store: LoopStore, dataset: Dataset) -> str:
    return model_digest(store, dataset, fit(store, dataset))


def published(store: LoopStore, numbers: range = range(12), **overrides: object) -> Dataset:
    return read_dataset(store, publish_labels(store, numbers, **overrides).subject)


def planned(store: LoopStore, numbers: range = range(12), **overrides: object) -> RetrainPlan:
    publish_labels(store, numbers, **overrides)
    return decide_retrain(store)


def runs_of(registry: ModelRegistry) -> list[str]:
    """Status of every run there is."""
    return sorted(run.info.status for run in registry.client.search_runs([registry.experiment_id]))


def test_model_digest_of_the_same_dataset_twice_is_the_same(store: LoopStore) -> None:
    dataset = published(store)
    assert digest_of_model(store, dataset) == digest_of_model(store, dataset)


def test_model_digest_in_a_fresh_process_with_other_hashes_is_the_same(store: LoopStore, tmp_path: Path) -> None:
    dataset = published(store)
    process = subprocess.run(
        [sys.executable, "-m", "tests.include.stages.training.fresh_digest", str(tmp_path)],
        env=os.environ | {"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    assert process.stdout == digest_of_model(store, dataset)


@pytest.mark.parametrize(
    "training",
    [
        pytest.param({"seed": 1}, id="seed"),
        pytest.param({"params": {"regularisation": 0.5}}, id="parameter"),
        pytest.param({"factory": "include.factories:table_classifier"}, id="factory"),
    ],
)
def test_model_digest_of_another_configuration_is_another(
    store: LoopStore, tmp_path: Path, training: dict[str, object]
) -> None:
    dataset = published(store)
    factory = {"factory": "include.factories:text_classifier"}
    other_store = make_label_store(tmp_path, make_text_loop(training=factory | training))
    assert digest_of_model(other_store, dataset) != digest_of_model(store, dataset)


def test_model_digest_with_one_label_changed_is_another(store: LoopStore, tmp_path: Path) -> None:
    other_store = make_label_store(tmp_path / "other")
    publish_labels(other_store, range(1), label="ship")
    assert digest_of_model(other_store, published(other_store, range(1, 12))) != digest_of_model(
        store, published(store)
    )


def test_model_digest_of_labels_that_came_in_another_order_is_the_same(store: LoopStore, tmp_path: Path) -> None:
    other_store = make_label_store(tmp_path / "other")
    publish_labels(other_store, range(6, 12))
    assert digest_of_model(other_store, published(other_store, range(6))) == digest_of_model(store, published(store))


def test_train_challenger_logs_one_finished_run_with_its_lineage(store: LoopStore, registry: ModelRegistry) -> None:
    plan = planned(store)
    trained = train_challenger(store, plan, registry)
    run = registry.client.get_run(trained.run_id)
    dataset = read_dataset(store, plan.dataset)
    expected = {
        "challenger_key": plan.subject,
        "model_digest": trained.model_digest,
        "loop": "tiny",
        "dataset": plan.dataset,
        "dataset_digest": dataset.digest,
        "data_window": "2026-11-01T00:00:00+00:00/2026-11-01T00:11:00+00:00",
        "label_policy": "dawid_skene >= 0.8",
        "trigger": " ".join(plan.reasons),
        "config_digest": store.loop.digest,
    }
    assert {name: run.data.tags.get(name) for name in expected} == expected
    assert run.info.status == "FINISHED"
    assert run.data.params == {"factory": store.loop.training.factory, "seed": "0"}
    assert run.data.metrics == {
        "train_rows": 12.0,
        "train_accuracy": 1.0,
        "train_rows_crude": 4.0,
        "train_rows_grain": 4.0,
        "train_rows_ship": 4.0,
    }


def test_train_challenger_run_again_returns_the_same_run(store: LoopStore, registry: ModelRegistry) -> None:
    plan = planned(store)
    first, second = train_challenger(store, plan, registry), train_challenger(store, plan, registry)
    assert not first.already_there
    assert second == ChallengerReference(plan.subject, first.run_id, first.model_digest, already_there=True)
    assert runs_of(registry) == ["FINISHED"]


def test_train_challenger_in_two_registries_gives_the_same_digest(
    store: LoopStore, registry: ModelRegistry, tmp_path: Path, mlflow_template: Path
) -> None:
    plan = planned(store)
    other_registry = registry_in(tmp_path / "other", store.loop, mlflow_template)
    other = make_label_store(tmp_path / "other")
    first, second = train_challenger(store, plan, registry), train_challenger(other, planned(other), other_registry)
    assert first.model_digest == second.model_digest
    assert first.run_id != second.run_id


def test_train_challenger_after_a_killed_attempt_marks_it_killed_and_ignores_it(
    store: LoopStore, registry: ModelRegistry
) -> None:
    plan = planned(store)
    registry.client.create_run(registry.experiment_id, tags={"challenger_key": plan.subject})
    unrelated = registry.client.create_run(registry.experiment_id, tags={"challenger_key": "another"})
    trained = train_challenger(store, plan, registry)
    assert not trained.already_there
    assert runs_of(registry) == ["FINISHED", "KILLED", "RUNNING"]
    assert registry.client.get_run(unrelated.info.run_id).info.status == "RUNNING"


def test_train_challenger_on_one_class_raises_and_leaves_no_run(store: LoopStore, registry: ModelRegistry) -> None:
    dataset = publish_labels(store, range(6), label="crude")
    plan = make_plan(dataset=dataset.subject)
    with pytest.raises(TrainingError, match="6 training labels of 1 classes"):
        train_challenger(store, plan, registry)
    assert runs_of(registry) == []


def test_train_challenger_leaves_out_what_is_held_out(store: LoopStore, registry: ModelRegistry) -> None:
    publish_labels(store, range(100, 106), split="holdout", stratum="random")
    trained = train_challenger(store, planned(store), registry)
    assert registry.client.get_run(trained.run_id).data.metrics["train_rows"] == 12


@pytest.mark.parametrize("name", ["a//b", "../up", "50 % off", "日本", "C++", "N/A", "x/"])
def test_train_challenger_with_an_awkward_class_name_logs_its_count(
    name: str, tmp_path: Path, mlflow_template: Path
) -> None:
    loop = make_text_loop(task={"kind": "classification", "classes": ["plain", name]})
    store = make_label_store(tmp_path, loop)
    registry = registry_in(tmp_path / "mlflow", loop, mlflow_template)
    for number in range(8):
        publish_labels(store, range(number, number + 1), label=("plain", name)[number % 2])
    metrics = registry.client.get_run(train_challenger(store, decide_retrain(store), registry).run_id).data.metrics
    counts = {key: value for key, value in metrics.items() if key.startswith("train_rows_")}
    assert metrics["train_rows_plain"] == 4
    assert sum(counts.values()) == 8
    assert len(counts) == 2
