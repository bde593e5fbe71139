"""Every kind of damage is found and named; what has one right answer is mended."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from deltalake import write_deltalake

from include.__main__ import main
from include.foundation.decisions import RegisteredVersion, find, record
from include.foundation.errors import DeploymentError, NothingToDo
from include.foundation.models.judged_models import live_model
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.store.ledgers.deployments import Deployment, append_deployment, history, live
from include.foundation.store.loop_files import read_file, write_file
from include.foundation.store.tables import LoopStore
from include.stages.deployment.deploying import MANIFEST, deploy
from include.stages.deployment.reconciling import adopt, reconcile
from include.stages.deployment.store_checks import NOTE, check_daily, check_store
from include.stages.logs.pulling import pull_logs
from tests.builders import KEY, day, line, make_store, write_lines
from tests.decision_builders import make_approval
from tests.include.stages.training.challenger_builders import (
    make_text_loop,
    publish_labels,
    register_challengers,
    say_gate,
)


@pytest.fixture
def whole(store: LoopStore, registry: ModelRegistry, estimator: Any) -> LoopStore:
    """Version 2 replaced version 1; challenger c is registered; two datasets were published."""
    for numbers in (range(6), range(6, 12)):
        publish_labels(store, numbers)
    for key, champion in (("a", None), ("b", "1")):
        (version,) = register_challengers(registry, store, estimator, key)
        own = RegisteredVersion(subject=key, outcome="registered", reasons=(), version=version, run_id="")
        record(store, own)
        digest = registry.files_digest(run_id="", version=version)
        gate = say_gate(store, key, "promote", champion_version=champion, files_digest=digest)
        deploy(store, registry, gate, make_approval(gate))
    assert check_store(store, registry) == []
    return store


def found(store: LoopStore, registry: ModelRegistry) -> list[str]:
    """Return what a process that starts now finds."""
    opened = LoopStore(store.loop, store.uri.removesuffix("/tiny"))
    return [str(one) for one in check_store(opened, registry)]


def the_one(store: LoopStore, registry: ModelRegistry) -> str:
    (damage,) = found(store, registry)
    return damage


def model_folder(registry: ModelRegistry, version: str) -> Path:
    return Path(registry.client.get_model_version_download_uri("tiny", version).removeprefix("file://"))


def change_files(registry: ModelRegistry, version: str) -> None:
    path = model_folder(registry, version) / "MLmodel"
    path.write_text(path.read_text() + "\n")


@pytest.mark.parametrize("moved_to", [None, "1"])
def test_alias_that_left_the_ledger_is_found_and_put_back(
    whole: LoopStore, registry: ModelRegistry, moved_to: str | None
) -> None:
    if moved_to:
        registry.set_alias(CHAMPION, moved_to)
    else:
        registry.client.delete_registered_model_alias("tiny", CHAMPION)
    assert "Version 2 of model tiny is live" in the_one(whole, registry)
    assert reconcile(whole, registry) == [f"alias champion: {moved_to or 'none'} → version 2"]
    assert reconcile(whole, registry) == found(whole, registry) == []


@pytest.mark.parametrize("content", [None, "{", '{"version": "1"}'])
def test_manifest_that_says_otherwise_is_found_and_written_anew(
    whole: LoopStore, registry: ModelRegistry, content: str | None
) -> None:
    if content is None:
        Path(whole.uri, "_files", MANIFEST).unlink()
    else:
        write_file(whole, MANIFEST, content)
    assert "does not say that version 2 is live → `python -m include reconcile tiny`" in the_one(whole, registry)
    reconcile(whole, registry)
    assert json.loads(read_file(whole, MANIFEST))["version"] == "2"
    assert found(whole, registry) == []


def test_second_version_of_a_challenger_is_found_and_deleted(whole: LoopStore, registry: ModelRegistry) -> None:
    registry.client.create_model_version("tiny", str(model_folder(registry, "2")), tags={"challenger_key": "b"})
    assert "Challenger b is version 2, and also 3" in the_one(whole, registry)
    assert reconcile(whole, registry) == ["version 3 deleted: its challenger is version 2"]
    assert found(whole, registry) == []


def test_version_that_mlflow_lost_is_found_and_left_to_a_person(whole: LoopStore, registry: ModelRegistry) -> None:
    registry.client.delete_model_version("tiny", "2")
    assert "MLflow has no such version → restore MLflow from a backup" in the_one(whole, registry)
    assert reconcile(whole, registry) == []


@pytest.mark.parametrize("version", ["1", "2"])
def test_files_that_were_changed_are_found(whole: LoopStore, registry: ModelRegistry, version: str) -> None:
    change_files(registry, version)
    assert the_one(whole, registry).startswith(f"Version {version}: its files have the digest")


def test_files_that_are_gone_are_found(whole: LoopStore, registry: ModelRegistry) -> None:
    shutil.rmtree(model_folder(registry, "2"))
    assert "version 2: MLflow cannot give its files" in the_one(whole, registry)


def test_decision_that_was_changed_or_cut_off_is_found(whole: LoopStore, registry: ModelRegistry) -> None:
    rows = whole.read("decisions").sort_by("sequence")
    write_deltalake(f"{whole.uri}/decisions", rows.slice(0, rows.num_rows - 1), mode="overwrite")
    damage = found(whole, registry)
    assert any(f"decisions {rows.num_rows} to {rows.num_rows}: were recorded and are missing" in one for one in damage)
    assert any("deploy of version 2 rests on no recorded decision" in one for one in damage)


def test_deployment_that_nobody_decided_is_found(whole: LoopStore, registry: ModelRegistry) -> None:
    append_deployment(whole, Deployment("1", "2", "deploy", "because", "0" * 64, None))
    registry.set_alias(CHAMPION, "1")
    assert any("deploy of version 1 rests on no recorded decision" in one for one in found(whole, registry))


def test_deployment_that_was_taken_out_is_found(whole: LoopStore, registry: ModelRegistry) -> None:
    write_deltalake(
        f"{whole.uri}/deployments", whole.read("deployments").sort_by("sequence").slice(1), mode="overwrite"
    )
    assert "got numbers [2], expected 1 to 1" in the_one(whole, registry)


def test_dataset_whose_version_of_labels_is_gone_is_found_with_its_name(
    whole: LoopStore, registry: ModelRegistry
) -> None:
    first = Path(whole.uri, "labels", "_delta_log", f"{0:020d}.json")
    first.unlink()
    assert any(one.startswith("Dataset ") and "_delta_log" in one for one in found(whole, registry))


def test_file_of_a_table_that_is_gone_is_found(whole: LoopStore, registry: ModelRegistry) -> None:
    next(Path(whole.uri, "labels").glob("*.parquet")).unlink()
    assert any("1 files of the table are gone" in one for one in found(whole, registry))


@pytest.mark.parametrize("name", ["labels", "decisions", "deployments"])
def test_table_whose_log_is_gone_is_found_and_not_taken_for_an_empty_one(
    whole: LoopStore, registry: ModelRegistry, name: str
) -> None:
    shutil.rmtree(Path(whole.uri, name, "_delta_log"))
    assert any(f"{name}: has" in one and "_delta_log is gone" in one for one in found(whole, registry))


def test_rows_that_were_read_and_are_gone_are_found(tmp_path: Path, registry: ModelRegistry) -> None:
    store = make_store(tmp_path)
    write_lines(tmp_path, [line(number) for number in range(5)])
    pull_logs(store, day(), KEY)
    assert check_store(store, registry) == []
    shutil.rmtree(Path(store.uri, "predictions"))
    damage = check_store(LoopStore(store.loop, str(tmp_path / "store")), registry)
    assert "predictions" in damage[0].what
    assert "run observe by hand" in damage[0].mend


def test_newest_commit_that_is_empty_is_found(whole: LoopStore, registry: ModelRegistry) -> None:
    newest = max(Path(whole.uri, "labels", "_delta_log").glob("*.json"))
    newest.write_text("")
    assert any("labels" in one for one in found(whole, registry))


def test_check_of_every_day_looks_again_only_after_damage_or_a_day(
    whole: LoopStore, registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.set_alias(CHAMPION, "1")
    assert len(check_daily(whole, registry)) == len(check_daily(whole, registry)) == 1
    reconcile(whole, registry)
    assert check_daily(whole, registry) == []
    with pytest.raises(NothingToDo, match="is whole; once a day is enough"):
        check_daily(whole, registry)
    tomorrow = datetime.now().astimezone() + timedelta(days=1, minutes=1)
    monkeypatch.setattr(
        "include.stages.deployment.store_checks.datetime", type("Later", (datetime,), {"now": lambda _: tomorrow})
    )
    assert check_daily(whole, registry) == []


def test_check_of_every_day_looks_at_challengers_that_were_registered_since_the_last_one(
    whole: LoopStore, registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.stages.deployment.store_checks.MOST_OFTEN", timedelta(0))
    assert check_daily(whole, registry) == []
    for key in ("b", "c"):
        registry.client.create_model_version("tiny", str(model_folder(registry, "2")), tags={"challenger_key": key})
    own = RegisteredVersion(subject="c", outcome="registered", reasons=(), version="5", run_id="")
    record(whole, own)
    assert [damage.what[:12] for damage in check_daily(whole, registry)] == ["Challenger c"]
    assert [damage.what[:12] for damage in check_store(whole, registry)] == ["Challenger b", "Challenger c"]


def test_check_of_every_day_reads_the_newest_dataset_and_the_files_of_two_versions_only(
    whole: LoopStore, registry: ModelRegistry, estimator: Any
) -> None:
    newest = publish_labels(whole, range(12, 18))
    record(whole, newest.model_copy(update={"subject": "0" * 64, "labels_version": 99}))
    record(whole, newest.model_copy(update={"subject": "f" * 64}))
    (version,) = register_challengers(registry, whole, estimator, "c")
    gate = say_gate(
        whole, "c", "promote", champion_version="2", files_digest=registry.files_digest(run_id="", version="3")
    )
    deploy(whole, registry, gate, make_approval(gate))
    change_files(registry, "1")
    assert check_daily(whole, registry) == []
    assert [str(damage)[:15] for damage in check_store(whole, registry)] == ["Version 1: its ", "Dataset 0000000"]
    Path(whole.uri, "_files", NOTE).unlink()
    change_files(registry, "2")
    change_files(registry, version)
    assert [damage.what[:9] for damage in check_daily(whole, registry)] == ["Version 3", "Version 2"]


def test_adopted_version_is_live_by_ledger_alias_and_manifest_and_promises_nothing(
    whole: LoopStore, registry: ModelRegistry, estimator: Any
) -> None:
    registry.client.delete_model_version("tiny", "2")
    registry.set_alias(CHAMPION, "1")
    report = adopt(whole, registry, "1", "Version 2 was lost.")
    entry = live(whole)
    assert entry is not None
    assert (report.version, report.previous, entry.action, entry.promised) == ("1", "2", "adopt", None)
    model = live_model(whole, registry)
    assert model is not None
    assert (model.version, model.files_digest) == ("1", entry.files_digest)
    assert found(whole, registry) == []


@pytest.mark.parametrize("step", ["set_registered_model_alias", "manifest"])
def test_adoption_that_was_killed_is_found_and_finished_by_reconcile(
    whole: LoopStore, registry: ModelRegistry, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        if step == "manifest":
            killed.setattr("include.stages.deployment.deploying.write_file", die)
        else:
            killed.setattr(type(registry.client), step, die)
        with pytest.raises(KeyboardInterrupt):
            adopt(whole, registry, "1", "by hand")
    assert len(found(whole, registry)) == 1
    reconcile(whole, registry)
    assert (registry.aliased(CHAMPION), found(whole, registry)) == ("1", [])


@pytest.mark.parametrize(("version", "told"), [("9", "expected one of model tiny"), ("2", "is live already")])
def test_version_that_cannot_be_adopted_changes_nothing(
    whole: LoopStore, registry: ModelRegistry, version: str, told: str
) -> None:
    with pytest.raises(DeploymentError, match=told):
        adopt(whole, registry, version, "why")
    assert len(history(whole)) == 2


def test_commands_say_what_is_wrong_and_mend_it(
    whole: LoopStore, registry: ModelRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    (tmp_path / "loops").mkdir()
    raw = whole.loop.model_dump(mode="json", exclude_unset=True)
    (tmp_path / "loops" / "tiny.yaml").write_text(yaml.safe_dump(raw))
    monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(tmp_path / "loops"))
    places = ["--store", str(tmp_path / "store"), "--mlflow", registry.tracking_uri]

    def run(command: str, *more: str) -> tuple[int, str]:
        status = main([command, "tiny", *places, *more])
        return status, capsys.readouterr().out

    registry.set_alias(CHAMPION, "1")
    status, told = run("check-store")
    assert (status, "mend: `python -m include reconcile tiny` puts it back" in told, "1 faults" in told) == (
        1,
        True,
        True,
    )
    status, told = run("reconcile")
    assert (status, "alias champion: 1 → version 2" in told, "whole, and in agreement" in told) == (0, True, True)
    assert run("adopt", "1", "--why", "by hand")[0] == 0
    assert [entry.action for entry in history(whole)] == ["deploy", "deploy", "adopt"]
    assert main(["check-store", "tiny", *places[:3], f"sqlite:///{tmp_path}/nowhere.db"]) == 1
    assert "nowhere.db: no such database" in capsys.readouterr().err
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for command, *more in (["check-store"], ["reconcile"], ["adopt", "1", "--why", "x"]):
        assert main([command, "tiny", *places[:3], "http://127.0.0.1:9", *more]) == 1
        assert "MLflow: " in capsys.readouterr().err
    assert len(find(whole, RegisteredVersion)) == 2


def test_class_that_labels_still_use_is_found_until_it_is_declared(whole: LoopStore, registry: ModelRegistry) -> None:
    uri, task = whole.uri.removesuffix("/tiny"), {"kind": "classification", "classes": ["crude", "ship"]}
    (damage,) = check_store(LoopStore(make_text_loop(task=task), uri), registry)
    assert damage.what.startswith("'grain' is in 4 labels and not in task.classes: declare it in the loop file as")
    assert check_store(LoopStore(make_text_loop(task=task | {"retired": ["grain"]}), uri), registry) == []
