"""The server in the docs runs as it is printed: it loads the champion, answers as it does, and logs what the loop takes."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import mlflow
import pytest

from include.foundation.intervals import Interval
from include.foundation.models.registry import CHAMPION
from include.foundation.store.tables import LoopStore
from include.stages.logs.pulling import pull_logs
from tests.builders import KEY, make_tiny_loop
from tests.conftest import ROOT
from tests.include.stages.training.challenger_builders import (
    fitted,
    label_row,
    register_challengers,
    registry_in,
)


@pytest.fixture
def printed() -> str:
    code, _ = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "serve-the-champion.md").read_text(), flags=re.DOTALL)
    return str(code)


def test_server_of_the_docs_answers_as_the_champion_and_logs_what_the_loop_takes(
    printed: str, tmp_path: Path, mlflow_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = make_tiny_loop(["ship", "grain", "a class without labels", "crude"], name="mail")
    store = LoopStore(
        loop.model_copy(update={"logs": loop.logs.model_copy(update={"uri": str(tmp_path / "data/mail/logs")})}),
        str(tmp_path / "store"),
    )
    registry = registry_in(tmp_path / "mlflow", loop, mlflow_template)
    register_challengers(registry, store, fitted(store), "a")
    registry.set_alias(CHAMPION, "1")
    (tmp_path / "data/mail/logs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    before = mlflow.get_tracking_uri()
    served: dict[str, Any] = {}
    try:
        exec(printed.replace("http://mlflow:5000", registry.tracking_uri), served)
        rows = [label_row(number) for number in range(50, 56)]
        assert [served["answer"](row["input_text"]) for row in rows] == [row["label"] for row in rows]
    finally:
        mlflow.set_tracking_uri(before)
    assert list(served["model"].classes_) == ["crude", "grain", "ship"]
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    pull_logs(store, Interval(today, today + timedelta(days=1)), KEY)
    logged = store.read("predictions").to_pylist()
    assert len(logged) == 6
    assert {row["model_version"] for row in logged} == {"1"}
    assert all(max(row["probabilities"]) == row["confidence"] for row in logged)
    said = {row["input_text"]: row["predicted"] for row in logged}
    assert said == {row["input_text"]: row["label"] for row in rows}
