from datetime import timedelta
from pathlib import Path

import pytest

from include.foundation.decisions import GateVerdict
from include.foundation.store.ledgers.deployments import Deployment, Promise, append_deployment
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.deployment.watching import watch_deployment
from include.stages.evaluation.comparing import evaluate
from include.stages.gate.judging import judge
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.datasets import read_dataset
from tests.include.stages.evaluation.judged_builders import answered_rows, challenger_of, make_judged_store


def judge_first(store: LoopStore, answers: str) -> GateVerdict:
    store.append_new("labels", rows_of(store.loop, "labels", answered_rows(answers)))
    name = publish_dataset(store).subject
    return judge(store, evaluate(store, read_dataset(store, name), name, None, challenger_of(store.loop)))


def go_live(store: LoopStore, gate: GateVerdict) -> None:
    score = gate.scores.challenger
    promised = Promise.of(score.value, score.low, score.high)
    append_deployment(store, Deployment("1", None, "deploy", "it was promoted", gate.evidence_digest, promised))


def answer_live(store: LoopStore, answers: str) -> None:
    """Label random rows that the live version answered: the challenger's word is what it said."""
    classes = store.loop.task.classes
    rows = [
        row
        | {
            "predicted": classes[int(row["input_challenger"])],
            "model_version": "1",
            "ts": row["ts"] + timedelta(days=1),
        }
        for row in answered_rows(answers, 5000)
    ]
    store.append_new("labels", rows_of(store.loop, "labels", rows))


@pytest.mark.parametrize("score", ["accuracy", "balanced_accuracy"])
@pytest.mark.parametrize(
    ("live", "outcome"),
    [("aaa*270 bbb*30", "kept"), ("aab*250 aaa*20 bba*30", "below_promise")],
    ids=["as good", "far worse"],
)
def test_gate_promise_of_the_first_model_is_kept_unless_it_gets_worse(
    tmp_path: Path, score: str, live: str, outcome: str
) -> None:
    """Gate and guard count in one unit, whatever the score: a model that stays right is not rolled back."""
    store = make_judged_store(tmp_path, score=score)
    gate = judge_first(store, "aaa*180 bbb*20")
    assert gate.outcome == "promote"
    go_live(store, gate)
    answer_live(store, live)
    assert watch_deployment(store).outcome == outcome


def test_gate_first_model_blind_to_a_rare_class_is_rejected_by_balanced_accuracy(tmp_path: Path) -> None:
    answers = "aaa*180 bba*20"
    assert judge_first(make_judged_store(tmp_path / "plain"), answers).outcome == "promote"
    gate = judge_first(make_judged_store(tmp_path / "balanced", score="balanced_accuracy"), answers)
    assert gate.outcome == "reject"
    assert "50% of the 0.200 of a perfect model" in gate.reasons[0]
