"""Between two cycles one class is renamed, one retired and two appended: every stage goes on, and the loop closes."""

import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from include.foundation.decisions import Evaluation, GateVerdict, PublishedDataset
from include.foundation.models.registry import CHAMPION
from include.foundation.store.ledgers.outcomes import current_labels
from include.stages.deployment.watching import watch_deployment
from include.stages.drift.detection import detect_drift
from include.stages.drift.profiling.profiles import profile_days
from include.stages.labeling.collecting import collect_annotations
from include.stages.labeling.pushing import push_requests
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.datasets import read_dataset
from include.stages.labels.label_validation import validate_labels
from include.stages.logs.log_validation import validate_logs
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import select_samples
from include.stages.training.deciding import decide_retrain
from tests.builders import DAY, KEY, day, line, write_lines
from tests.contracts.crash_story import BEFORE, DATABASE, STAGES, WORDS, World, answer_requests, make_sources

LATER = {"classes": ["cereals", "earn", "merger", "stake"], "renamed": {"grain": "cereals"}, "retired": ["acq"]}
FIRST_CYCLE = [name for name in STAGES if name not in {"compare", "rollback"}]
SECOND_MODEL = ["retrain", "evaluate", "register", "gate", "release notes"]


def says_later(request: Mapping[str, Any]) -> str:
    word = request["input"]["text"].split()[0]
    former = next(name for name, words in WORDS.items() if word in words.split())
    return {"earn": "earn", "grain": "cereals", "acq": "merger" if word == "merger" else "stake"}[former]


def log_second_day(folder: Path) -> None:
    """Log rows that the first model answered, in the names that it was trained with."""
    names, lines = list(WORDS), []
    for number in range(36):
        text = f"{WORDS[names[number % 3]].split()[number // 3 % 3]} {'abcdefghijkl'[number // 3] * 4} again"
        spoken = {name: 0.8 if name == names[number % 3] else 0.1 for name in names}
        change = {
            "trace_id": f"u{number}",
            "model_version": "1",
            "prediction": names[number % 3],
            "probabilities": spoken,
        }
        lines.append(line(number, when=DAY + timedelta(days=1, minutes=number), input={"text": text}, **change))
    write_lines(folder, lines, "second.jsonl")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, mlflow_template: Path) -> World:
    """The loop after a cycle under the first classes, and a second day's logs and labels under the later ones."""
    folder = tmp_path_factory.mktemp("changed")
    (folder / "mlflow").mkdir()
    shutil.copyfile(mlflow_template, folder / "mlflow" / DATABASE)
    make_sources(folder)
    first = World(folder)
    for name in FIRST_CYCLE:
        BEFORE.get(name, lambda _: None)(first)
        STAGES[name](first)
    log_second_day(folder)
    later = World(folder, task=LATER)
    assert pull_logs(later.store, day(1), KEY).refused == 0
    validate_logs(later.store, day(1))
    profile_days(later.store, day(1))
    detect_drift(later.store, day(1))
    assert select_samples(later.store, day(1), budget=30).requests == 30
    push_requests(later.store, later.backend)
    answer_requests(later, says_later)
    assert collect_annotations(later.store, later.backend, KEY).refused == 0
    assert validate_labels(later.store).accepted == 30
    publish_dataset(later.store)
    return later


def test_rows_are_stored_as_they_were_spoken(world: World) -> None:
    rows = world.store.read("predictions", filters=[("model_version", "=", "1"), ("ts", ">=", day(1).start)])
    assert set(rows.column("predicted").to_pylist()) == set(WORDS)


def test_annotators_see_pre_labels_of_today(world: World) -> None:
    texts = [path.read_text() for path in world.backend.request_folder.glob("*.jsonl")]
    second = max(texts, key=len)
    assert '"label": "cereals"' in second or '"label":"cereals"' in second
    assert '"label": "grain"' not in second
    assert '"label": "acq"' not in second


def test_dataset_speaks_todays_classes_and_counts_what_left(world: World) -> None:
    published = world.made(PublishedDataset)
    assert published.former_names == {"acq": None, "grain": "cereals"}
    assert published.retired > 0
    dataset = read_dataset(world.store, published.subject)
    assert set(dataset.train.column("label").to_pylist()) == {"cereals", "earn", "merger", "stake"}
    assert set(dataset.holdout.column("label").to_pylist()) <= {"cereals", "earn", "merger", "stake"}


def test_rows_of_the_retired_class_were_asked_again_and_are_of_todays_classes(world: World) -> None:
    requests = world.store.read("requests").to_pylist()
    again = {row["trace_id"]: row for row in requests if row["reasons"][0].startswith("asked again")}
    first = {row["trace_id"]: row for row in requests if row["batch_id"] == day(0).key}
    labels = current_labels(world.store.read("labels", filters=[("trace_id", "in", sorted(again))])).to_pylist()
    assert len(labels) == len(again) > 0
    assert {row["label"] for row in labels} <= {"merger", "stake"}
    for name in ("split", "stratum", "inclusion_probability"):
        assert {trace: row[name] for trace, row in again.items()} == {trace: first[trace][name] for trace in again}


def test_loop_closes_with_a_second_model_that_is_judged_against_the_first(world: World) -> None:
    plan = decide_retrain(world.store, force=True)
    assert plan.outcome == "train", plan.reasons
    for name in SECOND_MODEL:
        STAGES[name](world)
    measured, gate = world.made(Evaluation), world.made(GateVerdict)
    assert (measured.champion_version, measured.challenger_key) == ("1", plan.subject)
    assert set(measured.per_class) == set(LATER["classes"])
    assert measured.scores.champion.value > 0.2
    assert measured.scores.challenger.value > measured.scores.champion.value
    assert gate.outcome in {"promote", "label_more"}
    assert watch_deployment(world.store).outcome != "broken"
    assert world.registry.aliased(CHAMPION) == "1"


def test_order_of_the_later_classes_means_nothing(world: World) -> None:
    turned = World(world.folder, task=LATER | {"classes": LATER["classes"][::-1]})
    assert turned.store.loop.digest == world.store.loop.digest
    before = turned.store.version("predictions")
    assert pull_logs(turned.store, day(1), KEY).refused == 0
    assert turned.store.version("predictions") == before
