import json
from pathlib import Path
from typing import Any

import pytest

from include.foundation.models.registry import ModelRegistry
from include.foundation.store.tables import LoopStore
from tests.builders import line, make_store, write_lines
from tests.include.stages.training.challenger_builders import (
    fitted,
    make_label_store,
    registry_in,
)
from tests.plugins.operators.operator_builders import write_loop_file


@pytest.fixture
def store(tmp_path: Path) -> LoopStore:
    """A loop with ten lines in its logs."""
    store = make_store(
        tmp_path, selection={"budget": 6, "diversify": "none"}, labeling={"poll_seconds": 7, "remind_hours": 5}
    )
    write_lines(tmp_path, [line(n) for n in range(10)])
    return store


@pytest.fixture
def labeled(tmp_path: Path) -> LoopStore:
    """A loop whose labels tests write themselves."""
    return make_label_store(tmp_path)


@pytest.fixture
def registry(tmp_path: Path, labeled: LoopStore, mlflow_template: Path) -> ModelRegistry:
    return registry_in(tmp_path / "mlflow", labeled.loop, mlflow_template)


@pytest.fixture
def estimator(labeled: LoopStore) -> Any:
    """A fitted model of the labeled loop."""
    return fitted(labeled)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let a loop notify of everything by file; call it with the loop first, then for what was told."""
    path = tmp_path / "told.jsonl"

    def read(loop: Any = None) -> list[dict[str, Any]]:
        if loop is not None:
            entry = {
                "events": [
                    "failure",
                    "rollback",
                    "drift_alarm",
                    "approval",
                    "label_deadline",
                    "label_reminder",
                    "no_live_data",
                    "missed_promise",
                    "canary_mismatch",
                    "annotator",
                ],
                "notifier": "feedback_loop.notifiers.file_notifier.FileNotifier",
                "params": {"path": str(path)},
            }
            write_loop_file(tmp_path / "loops", loop, [entry])
            monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(tmp_path / "loops"))
        return [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []

    return read
