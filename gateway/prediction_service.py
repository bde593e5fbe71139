"""The predictions of one loop: rows are scored together, written to the log, and only then answered."""

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from gateway.answers import Prediction
from gateway.batch_cost import BatchCost
from gateway.batching import Asked, Batcher, give
from gateway.canary_holder import ServedShare
from gateway.log_writer import LogWriter
from gateway.measures import LoopMeasures
from gateway.messages import OF_A_ROW, Instance
from gateway.refusals import Refusal
from gateway.row_checks import checked_rows
from gateway.scorer import Said, Scorer
from gateway.shadowing import LiveRow, Shadow
from include.foundation.config.loop_file import Loop
from include.foundation.errors import short

LONGEST_ERROR = 1000  # characters
EVENTS = logging.getLogger("gateway")


class Row(NamedTuple):
    """A row that was asked about, and its inputs as a model takes them."""

    instance: Instance
    inputs: dict[str, Any]


class Routed(NamedTuple):
    """A row that was asked about, the id of its answer, and the model that gives it."""

    row: Row
    trace_id: str
    scorer: Scorer | None


class ScoringError(Exception):
    """A model failed.

    Parameters
    ----------
    version
        Of the model.
    error
        What it raised.
    """

    def __init__(self, version: str, error: Exception) -> None:
        super().__init__(version)
        self.version, self.error = version, error


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
        self.shadow: Shadow | None = None
        self.canary: ServedShare | None = None
        self._scorer: Scorer | None = None
        self.batcher = Batcher(self._answer, most_rows=most_rows, most_pending=most_pending)
        self._encoder = msgspec.json.Encoder()

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
        answers: list[Prediction] = await self.batcher.answer(rows, seconds)
        return answers

    def _answer(self, batch: list[Asked]) -> None:
        """Score a batch, have it logged, and answer each request when it is; on the thread that collects batches."""
        routed = self._routed(batch)
        try:
            self._log(batch, routed, *self._scored(routed))
        except Exception as error:  # a model is the user's own code
            if len(batch) > 1:  # one bad row must not fail the others
                for asked in batch:
                    self._answer([asked])
                return
            EVENTS.exception(
                "prediction failed", extra={"told": {"loop": self.loop.name, "error": type(error).__name__}}
            )
            failed = error if isinstance(error, ScoringError) else ScoringError("", error)
            self._log_failure(batch[0], failed.version, failed.error)

    def _routed(self, batch: list[Asked]) -> list[Routed]:
        """Return, of each row of a batch, its id and the model that answers it."""
        live, canary = self._scorer, self.canary
        routed = []
        for asked in batch:
            for row in asked.rows:
                trace_id = _id_of(row)
                is_new = canary is not None and canary.serves(row.instance.source_id, trace_id)
                routed.append(Routed(row, trace_id, canary.scorer if canary and is_new else live))
        return routed

    def _scored(self, routed: Sequence[Routed]) -> tuple[list[Said], float]:
        """Return what the models say of the rows of a batch, and the seconds that it took."""
        said: dict[int, Said] = {}
        begin = time.perf_counter()
        for scorer in {id(one.scorer): one.scorer for one in routed}.values():
            own = [place for place, one in enumerate(routed) if one.scorer is scorer]
            try:
                answers = scorer.score([routed[place].row.inputs for place in own]) if scorer is not None else []
            except Exception as error:  # a model is the user's own code
                raise ScoringError(scorer.version if scorer else "", error) from error
            said |= dict(zip(own, answers, strict=True))
        seconds = time.perf_counter() - begin
        self.batcher.cost.learn(len(routed), seconds)
        self._measures.scored(len(routed), seconds)
        return [said[place] for place in range(len(routed))], seconds

    def _log(self, batch: list[Asked], routed: Sequence[Routed], said: list[Said], seconds: float) -> None:
        moment = datetime.now(UTC).isoformat()
        lines, answers, left = [], [], iter(zip(routed, said, strict=True))
        live: list[LiveRow] = []
        for asked in batch:
            own = []
            for row in asked.rows:
                route, one = next(left)
                version = route.scorer.version if route.scorer else ""
                own.append(Prediction(route.trace_id, version, one.prediction, one.probabilities))
                told = {"prediction": one.prediction, "probabilities": one.probabilities}
                lines.append(self._line(row, own[-1].trace_id, version, moment, told))
                if self.shadow is not None:
                    live.append(LiveRow(own[-1].trace_id, _moment_of(row, moment), row.inputs, seconds / len(said)))
            answers.append((asked.answer, own))
        self._write(lines, answers, live)

    def _log_failure(self, asked: Asked, version: str, error: Exception) -> None:
        """Log that a model failed on the rows of a request, and say so."""
        moment = datetime.now(UTC).isoformat()
        told = {"error": short(error, LONGEST_ERROR)}
        lines = [self._line(row, _id_of(row), version, moment, told) for row in asked.rows]
        refusal = Refusal(500, f"The model of loop {self.loop.name} failed on what was asked; the log has the error")
        self._write(lines, [(asked.answer, refusal)])

    def _write(
        self, lines: list[bytes], answers: Sequence[tuple["asyncio.Future[Any]", Any]], live: Sequence[LiveRow] = ()
    ) -> None:
        """Have lines written, and answer those who wait for them once they are, or say that they could not be.

        Only rows that are in the log are what a challenger is asked about.
        """

        def _done(problem: OSError | None) -> None:
            give(answers if problem is None else [(future, _log_refusal()) for future, _ in answers])
            if self.shadow is not None and problem is None:
                self.shadow.offer(live)

        self.log.append(b"\n".join([*lines, b""]), len(lines), _done)

    def _line(self, row: Row, trace_id: str, version: str, moment: str, told: Mapping[str, Any]) -> bytes:
        """Return a line as `docs/edges.md` has it; what was not given is not in it."""
        line: dict[str, Any] = {
            "trace_id": trace_id,
            "ts": _moment_of(row, moment),
            "model_version": version,
            "input": {name: value for name, value in row.inputs.items() if value is not None},
            **told,
        }
        if row.instance.segments:
            line["segments"] = row.instance.segments
        for name in OF_A_ROW:
            if (value := getattr(row.instance, name)) is not None:
                line[name] = value
        return self._encoder.encode(line)


def _id_of(row: Row) -> str:
    return row.instance.trace_id or uuid.uuid4().hex


def _moment_of(row: Row, moment: str) -> str:
    return row.instance.ts.isoformat() if row.instance.ts else moment


def _log_refusal() -> Refusal:
    return Refusal(503, "The log cannot be written, so nothing is answered; send it again later", retry_after=5.0)
