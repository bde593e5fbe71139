"""What challengers said is pulled, counted, and read once, by a task that only loops with *shadow* have."""

from feedback_loop.operators.pull_shadow import PullShadowOperator
from feedback_loop.shadows import shadow_tasks

from tests.builders import day, make_loop
from tests.include.stages.logs.shadow.test_shadow_lines import said, shadow_store
from tests.plugins.operators.operator_builders import context, with_store


def pull(store):
    return with_store(PullShadowOperator(task_id="t", loop="wire", interval=day().key), store).execute(context())


def test_lines_are_stored_and_counted_and_running_it_again_changes_nothing(tmp_path):
    store = shadow_store(tmp_path, said(1), said(2, ts="never"))
    assert pull(store) == pull(store) == {"rows": 1, "refused": 1}
    assert store.read("shadow_answers").num_rows == 1


def test_file_that_is_not_read_because_of_its_ending_is_told(tmp_path, capsys):
    store = shadow_store(tmp_path, said(1))
    (tmp_path / "shadow" / "a.jsonl.1").write_text("{}\n")
    pull(store)
    assert "1 files that were written lately are not read" in capsys.readouterr().out


def test_only_a_loop_whose_challengers_are_asked_has_the_task(tmp_path):
    assert shadow_tasks(make_loop(tmp_path), day().key) == []
    loop = make_loop(tmp_path, deploy={"strategy": "shadow", "shadow": {"uri": "shadow"}})
    assert [task.task_id for task in shadow_tasks(loop, day().key)] == ["pull_shadow"]
