"""Predictions of one loop with a model of our own: failures, former classes, and what is in the log."""

import asyncio
from datetime import UTC, datetime

import numpy as np
import pytest

from gateway.batch_cost import BatchCost
from gateway.log_writer import LogPolicy, LogWriter
from gateway.measures import LoopMeasures, Measures
from gateway.messages import Instance
from gateway.prediction_service import PredictionService
from gateway.refusals import Refusal
from gateway.scorer import Scorer
from include.foundation.errors import ConfigError, TrainingError
from include.foundation.lines.log_lines import LineReader
from include.foundation.lines.values import parse_object
from include.foundation.models.loaded_model import LoadedModel
from tests.builders import make_tiny_loop


class Model:
    """Says the same of every row; fails on texts that ask for it."""

    def __init__(self, classes, chances):
        self.classes_, self._chances = np.array(classes), chances

    def predict_proba(self, frame):
        if frame["text"].str.contains("fail").any():
            raise ValueError("cannot")
        return np.array([self._chances] * len(frame))


def scorer_of(loop, classes=("a", "b"), chances=(0.3, 0.7)):
    return Scorer(LoadedModel(loop, "3", "run", "", Model(classes, chances)))


def answered(tmp_path, loop, scorer, *requests):
    """Return the answers to requests that come at once, and the lines of the log."""

    async def _ask():
        log = LogWriter(tmp_path, LogPolicy())
        service = PredictionService(loop, log, LoopMeasures(Measures(), loop.name), most_rows=64, most_pending=64)
        if scorer is not None:
            service.exchange(scorer, BatchCost())
        asked = (service.predict([Instance({"text": text}) for text in texts], 20) for texts in requests)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        await asyncio.to_thread(service.batcher.close)
        await asyncio.to_thread(log.close)
        return answers

    answers = asyncio.run(_ask())
    lines = [line for path in sorted(tmp_path.rglob("*.jsonl")) for line in path.read_bytes().splitlines()]
    return answers, lines


def test_row_that_the_model_fails_on_fails_alone_and_is_in_the_log_as_a_failure(tmp_path):
    loop = make_tiny_loop(["a", "b"])
    answers, lines = answered(tmp_path, loop, scorer_of(loop), ["fine"], ["fail"], ["fine", "fine"])
    assert [getattr(answer, "status", 200) for answer in answers] == [200, 500, 200]
    assert [said.prediction for said in answers[2]] == ["b", "b"]
    failed = [line for line in (parse_object(raw)[0] for raw in lines) if line and "error" in line]
    assert len(lines) == 4
    assert [(line["input"]["text"], "prediction" in line) for line in failed] == [("fail", False)]
    reasons = [LineReader(loop).row(line, datetime.now(UTC))[1][0].code for line in failed]
    assert reasons == ["failed_prediction"]


@pytest.mark.parametrize(
    ("task", "prediction", "probabilities"),
    [
        ({"classes": ["a", "b"]}, "b", {"a": 0.3, "b": 0.7}),
        ({"classes": ["a", "c"], "renamed": {"b": "c"}}, "c", {"a": 0.3, "c": 0.7}),
        ({"classes": ["a", "c"], "retired": ["b"]}, "b", {"a": 0.3, "b": 0.7}),
        ({"classes": ["x", "y"], "renamed": {"a": "x", "b": "x"}}, "x", {"x": 1.0}),
    ],
    ids=["today's", "renamed", "retired", "two became one"],
)
def test_answer_and_log_are_in_todays_names_and_a_pull_takes_the_line(tmp_path, task, prediction, probabilities):
    loop = make_tiny_loop(task["classes"], task={"kind": "classification", **task})
    ((answer,),), (line,) = answered(tmp_path, loop, scorer_of(loop), ["one"])
    assert (answer.prediction, answer.probabilities) == (prediction, pytest.approx(probabilities))
    row, problems = LineReader(loop).row(parse_object(line)[0] or {}, datetime.now(UTC))
    assert problems == []
    assert (row["predicted"], row["trace_id"], row["model_version"]) == (prediction, answer.trace_id, "3")


def test_model_that_speaks_undeclared_classes_or_no_probabilities_is_not_taken_into_service():
    loop = make_tiny_loop(["a", "c"])
    with pytest.raises(ConfigError):
        scorer_of(loop).tried()
    with pytest.raises(TrainingError, match="no probabilities"):
        scorer_of(loop, ("a", "c"), (0.3, 0.3)).tried()
    with pytest.raises(TrainingError, match="no probabilities"):
        scorer_of(loop, ("a", "c"), (float("nan"), 0.3)).tried()


def test_model_that_is_tried_says_what_batches_cost():
    loop = make_tiny_loop(["a", "b"], inputs={"text": {"type": "text"}, "pixels": {"type": "vector", "size": 3}})
    assert scorer_of(loop).tried().seconds(1) > 0


def test_without_a_model_nothing_is_answered_and_nothing_is_logged(tmp_path):
    answers, lines = answered(tmp_path, make_tiny_loop(["a", "b"]), None, ["one"])
    assert isinstance(answers[0], Refusal)
    assert (answers[0].status, answers[0].retry_after is not None, lines) == (503, True, [])
