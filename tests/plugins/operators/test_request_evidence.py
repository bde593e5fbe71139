"""An undecided challenger's labels are asked for once, where it and the champion differ."""

from unittest.mock import Mock

import pytest
from airflow.sdk.exceptions import AirflowFailException
from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.operators.request_evidence import RequestEvidenceOperator

from include.foundation.models.registry import ModelRegistry
from include.stages.labeling.backends import backend_for
from tests.include.stages.evaluation.judged_builders import challenger_of, champion_of, log_answers, make_judged_store
from tests.include.stages.training.challenger_builders import say_gate
from tests.plugins.operators.operator_builders import context, with_store


@pytest.fixture
def undecided(tmp_path, monkeypatch):
    """A loop that logged twenty rows on which the two models differ."""
    store = make_judged_store(tmp_path)
    log_answers(store, "aaa*30 aab*12 aba*8")
    loop = store.loop.model_copy(
        update={"labeling": store.loop.labeling.model_copy(update={"uri": str(tmp_path / "labeling")})}
    )
    monkeypatch.setattr(LabelingHook, "get_conn", lambda _: backend_for(loop, None))
    return store


def ask(store, verdict):
    registry = Mock(spec=ModelRegistry)
    registry.champion.return_value, registry.load.return_value = champion_of(store.loop), challenger_of(store.loop)
    operator = RequestEvidenceOperator(
        task_id="t", loop="judged", decision=verdict.reference, challenger={"run_id": "run-2"}
    )
    asked = with_store(operator, store, registry).execute(context())
    registry.load.assert_called_once_with(run_id="run-2")
    return asked


def test_labels_are_asked_for_and_pushed_once(undecided):
    verdict = say_gate(undecided, "key-2", "label_more", k=5, round=1)
    first = ask(undecided, verdict)
    assert (first["requests"], first["disagreeing"]) == (5, 20)
    assert all(row["pushed_at"] for row in undecided.read("requests").to_pylist())
    again = ask(undecided, verdict)
    assert (again["batch_id"], again["requests"]) == (first["batch_id"], first["requests"])
    assert undecided.read("requests").num_rows == 5


def test_verdict_that_needs_no_label_fails_without_retry(undecided):
    with pytest.raises(AirflowFailException, match="expected label_more"):
        ask(undecided, say_gate(undecided, "key-2", "promote", k=0, round=1))
    assert undecided.read("requests").num_rows == 0
