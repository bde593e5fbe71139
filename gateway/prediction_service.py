"""The predictions of one loop: rows are scored together, written to the log, and only then answered."""

import asyncio
import logging
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from gateway.batch_cost import BatchCost
from gateway.batching import Asked, Batcher, resolve
from gateway.log_writer import LogWriter
from gateway.measures import LoopMeasures
from gateway.messages import Instance, Prediction
from gateway.refusals import Refusal
from gateway.row_checks import checked_rows
from gateway.scorer import Said, Scorer
from include.foundation.config.loop_file import Loop

EVENTS = logging.getLogger("gateway")


class Row(NamedTuple):
    """A row that was asked about, and its inputs as a model takes them."""

    instance: Instance
    inputs: dict[str, Any]


class PredictionService:
    """Answers what is asked of one loop.

    Parameters
    ----------
    loop
        Whose model it is.
    log
        Of predictions.
    measures
        Of the loop.
    most_rows, most_pending
        As of `Batcher`.
    """

    def __init__(
        self, loop: Loop, log: LogWriter, measures: LoopMeasures, *, most_rows: int, most_pending: int
    ) -> None:
        self.loop, self.log, self._measures = loop, log, measures
        self._scorer: Scorer | None = None
        self.batcher = Batcher(self._answer, most_rows=most_rows, most_pending=most_pending)
        self._encoder = msgspec.json.Encoder()
        self._events: asyncio.AbstractEventLoop | None = None

    def exchange(self, scorer: Scorer, cost: BatchCost) -> None:
        """Score with another model from the next batch on; `cost` is what its batches took when it was tried."""
        self.batcher.cost = cost
        self._scorer = scorer

    async def predict(self, instances: Sequence[Instance], seconds: float) -> list[Prediction]:
        """Return what the model says of each row, once that is in the log.

        Parameters
        ----------
        instances
            The rows, at least one.
        seconds
            Until the deadline.

        Raises
        ------
        Refusal
            If they are not what the loop takes, there is no model, too much waits already, the deadline passes, the model
            fails on them or the log cannot be written.
        """
        rows = [Row(*pair) for pair in zip(instances, checked_rows(self.loop, instances), strict=True)]
        if self._scorer is None:
            raise Refusal(503, f"No model of loop {self.loop.name} is live yet", retry_after=5.0)
        if self.log.problem is not None:
            raise _log_refusal()
        self._events = asyncio.get_running_loop()
        answers: list[Prediction] = await self.batcher.answer(rows, seconds)
        return answers

    def _answer(self, batch: list[Asked]) -> None:
        """Score a batch, have it logged, and answer each request when it is; on the thread that collects batches."""
        scorer = self._scorer
        try:
            self._log(batch, scorer, self._scored(batch, scorer))
        except Exception as error:  # a model is the user's own code
            if len(batch) > 1:  # one bad row must not fail the others
                for asked in batch:
                    self._answer([asked])
                return
            EVENTS.exception(
                "prediction failed", extra={"told": {"loop": self.loop.name, "error": type(error).__name__}}
            )
            self._resolve([(batch[0].answer, Refusal(500, f"The model of loop {self.loop.name} failed on this row"))])

    def _scored(self, batch: list[Asked], scorer: Scorer | None) -> list[Said]:
        rows = [row.inputs for asked in batch for row in asked.rows]
        begin = time.perf_counter()
        said = scorer.score(rows) if scorer is not None else []
        seconds = time.perf_counter() - begin
        self.batcher.cost.learn(len(rows), seconds)
        self._measures.scored(len(rows), seconds)
        return said

    def _log(self, batch: list[Asked], scorer: Scorer | None, said: list[Said]) -> None:
        version, moment = scorer.version if scorer else "", datetime.now(UTC).isoformat()
        lines, answers, left = [], [], iter(said)
        for asked in batch:
            own = []
            for row, one in zip(asked.rows, left, strict=False):
                answer = Prediction(uuid.uuid4().hex, version, one.prediction, one.probabilities)
                own.append(answer)
                lines.append(self._encoder.encode(self._line(row, answer, moment)))
            answers.append((asked.answer, own))
        lines.append(b"")

        def _done(problem: OSError | None) -> None:
            self._resolve(answers if problem is None else [(future, _log_refusal()) for future, _ in answers])

        self.log.append(b"\n".join(lines), len(lines) - 1, _done)

    def _line(self, row: Row, answer: Prediction, moment: str) -> dict[str, Any]:
        """Return a line as `docs/edges.md` has it; what was not given is not in it."""
        instance = row.instance
        line: dict[str, Any] = {
            "trace_id": answer.trace_id,
            "ts": moment,
            "model_version": answer.model_version,
            "input": {name: value for name, value in row.inputs.items() if value is not None},
            "prediction": answer.prediction,
            "probabilities": answer.probabilities,
        }
        if instance.segments:
            line["segments"] = instance.segments
        if instance.user_id is not None:
            line["user_id"] = instance.user_id
        return line

    def _resolve(self, answers: Sequence[tuple["asyncio.Future[Any]", Any]]) -> None:
        if self._events is not None:
            self._events.call_soon_threadsafe(resolve, answers)


def _log_refusal() -> Refusal:
    return Refusal(503, "The log cannot be written, so nothing is answered; send it again later", retry_after=5.0)
