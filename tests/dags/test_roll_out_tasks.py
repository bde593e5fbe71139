"""Loops that roll out in stages have the tasks for it, in their place; others have none of them."""

from pathlib import Path
from typing import Any

import pytest
from feedback_loop.dag_docs import parsed

from tests.builders import make_loop
from tests.plugins.operators.operator_builders import write_loop_file

SHADOW = {"strategy": "shadow", "shadow": {"uri": "shadow"}}


@pytest.mark.parametrize(
    ("deploy", "more"),
    [({}, set()), (SHADOW, {"pull_shadow"}), ({"strategy": "canary"}, {"advance_canary"})],
    ids=["alias", "shadow", "canary"],
)
def test_tasks_are_those_of_the_strategy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deploy: dict[str, Any], more: set[str]
) -> None:
    write_loop_file(tmp_path / "loops", make_loop(tmp_path, deploy=deploy), [])
    monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(tmp_path / "loops"))
    dags = parsed()[0]
    ids = {task.task_id for dag in dags.values() for task in dag.tasks}
    assert ids & {"pull_shadow", "advance_canary"} == more
    if "pull_shadow" in more:
        task = dags["wire.observe"].get_task("pull_shadow")
        assert (task.upstream_task_ids, task.downstream_task_ids) == ({"plan_pull"}, {"validate_logs"})
    if "advance_canary" in more:
        task = dags["wire.guard"].get_task("advance_canary")
        assert (task.upstream_task_ids, [asset.name for asset in task.outlets]) == (
            {"watch_deployment"},
            ["wire/model"],
        )
