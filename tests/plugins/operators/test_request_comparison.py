"""Labels where champion and predecessor differ are asked for and pushed once; the task is skipped where there is nothing to."""

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.operators.request_comparison import RequestComparisonOperator

from include.stages.deployment.watching import watch_deployment
from include.stages.labeling.backends import backend_for
from tests.include.stages.deployment.comparison_builders import make_replaced_store, registry_of, serve
from tests.plugins.operators.operator_builders import context, guard_verdict, with_store


@pytest.fixture
def replaced(tmp_path, monkeypatch):
    """A loop whose champion served a day on which its predecessor would have answered differently."""
    store = make_replaced_store(tmp_path)
    loop = store.loop
    pushed_to = loop.model_copy(
        update={"labeling": loop.labeling.model_copy(update={"uri": str(tmp_path / "labeling")})}
    )
    monkeypatch.setattr(LabelingHook, "get_conn", lambda _: backend_for(pushed_to, None))
    serve(store, "aaa*30 aab*10")
    serve(store, "aaa", day=1)
    return store


def ask(store, verdict=None, **params):
    verdict = verdict or watch_deployment(store)
    operator = RequestComparisonOperator(task_id="t", loop="judged", decision=verdict.reference)
    return with_store(operator, store, registry_of(store)).execute(context(**params))


def test_labels_are_asked_for_and_pushed_once(replaced):
    assert ask(replaced) == {
        "champion": "2", "predecessor": "1", "days": 1, "rows": 40, "differing": 10, "requests": 4,
    }  # fmt: skip
    assert all(row["pushed_at"] for row in replaced.read("requests").to_pylist())
    with pytest.raises(AirflowSkipException, match="Compared 0 days; no label is to be asked for"):
        ask(replaced)
    assert replaced.read("requests").num_rows == 4


def test_dry_run_asks_nothing(replaced):
    with pytest.raises(AirflowSkipException, match="dry_run"):
        ask(replaced, dry_run=True)
    assert replaced.read("requests").num_rows == 0


def test_champion_that_is_to_be_rolled_back_is_not_compared(replaced):
    with pytest.raises(AirflowSkipException, match="broken"):
        ask(replaced, guard_verdict(replaced, "2", "broken"))
    assert replaced.read("requests").num_rows == 0
