"""Requests that are scored together: collected on one thread, only for as long as waiting pays."""

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.batch_cost import Arrivals, BatchCost, worth_waiting
from gateway.refusals import Refusal

EVENTS = logging.getLogger("gateway")
STOP_SECONDS = 30.0


@dataclass(frozen=True, eq=False)
class Asked:
    """One request that waits to be answered.

    Attributes
    ----------
    rows
        What is asked about, at least one row.
    deadline
        When it must be answered, by the clock of `time.monotonic`.
    answer
        What its sender waits for; it belongs to the event loop.
    """

    rows: Sequence[Any]
    deadline: float
    answer: "asyncio.Future[Any]" = field(repr=False)

    @property
    def is_over(self) -> bool:
        """Whether nobody waits any more."""
        return self.answer.done() or time.monotonic() >= self.deadline


class Batcher:
    """Collects requests and hands them over in batches, on a thread of its own.

    Parameters
    ----------
    handle
        Is given the requests of a batch that somebody still waits for, and sees to it that each is answered.
    most_rows
        Of a batch. A request that has more is a batch of its own.
    most_pending
        Rows that may wait or be worked on; requests beyond are refused.
    """

    def __init__(self, handle: Callable[[list[Asked]], None], *, most_rows: int, most_pending: int) -> None:
        self.cost, self.pending_rows = BatchCost(), 0
        self._handle, self._most_rows, self._most_pending = handle, most_rows, most_pending
        self._arrivals = Arrivals()
        self._waiting: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="scoring", daemon=True)
        self._thread.start()

    async def answer(self, rows: Sequence[Any], seconds: float) -> Any:
        """Return the answer to a request, by the deadline at the latest.

        Parameters
        ----------
        rows
            At least one.
        seconds
            Until the deadline.

        Raises
        ------
        Refusal
            429 if there is too much to do already, 503 if the deadline passes.
        """
        expected = self._expected_seconds(len(rows))
        if self.pending_rows + len(rows) > self._most_pending or expected > seconds:
            raise Refusal.busy(expected)
        loop, now = asyncio.get_running_loop(), time.monotonic()
        asked = Asked(rows, now + seconds, loop.create_future())
        timer = loop.call_later(seconds, _expire, asked.answer)
        self._arrivals.note(now)
        self.pending_rows += len(rows)
        self._waiting.put(asked)
        try:
            return await asked.answer
        finally:
            self.pending_rows -= len(rows)
            timer.cancel()

    def close(self) -> None:
        """Have what waits answered, and end the thread."""
        self._waiting.put(None)
        self._thread.join(STOP_SECONDS)

    def _expected_seconds(self, rows: int) -> float:
        batches = -(-(self.pending_rows + rows) // self._most_rows)
        return self.cost.per_row * (self.pending_rows + rows) + self.cost.per_batch * batches

    def _run(self) -> None:
        held: Asked | None = None
        while (first := held or self._waiting.get()) is not None:
            batch, held = self._collected(first)
            if wanted := [asked for asked in batch if not asked.is_over]:
                self._handle_all(wanted)

    def _handle_all(self, batch: list[Asked]) -> None:
        try:
            self._handle(batch)
        except Exception as error:  # the thread must live on, whatever happens to one batch
            EVENTS.exception("batch failed", extra={"told": {"error": type(error).__name__}})
            give([(asked.answer, Refusal(500, "The gateway failed; its log says where")) for asked in batch])

    def _collected(self, first: Asked) -> tuple[list[Asked], Asked | None]:
        """Return a batch, and the request that did not fit into it; what ends the thread is put back."""
        batch, rows = [first], len(first.rows)
        with contextlib.suppress(queue.Empty):
            while rows < self._most_rows:
                asked = self._next(rows)
                if asked is None:
                    self._waiting.put(None)
                    break
                if rows + len(asked.rows) > self._most_rows:
                    return batch, asked
                batch.append(asked)
                rows += len(asked.rows)
        return batch, None

    def _next(self, rows: int) -> Asked | None:
        """Return the next request, which is waited for only if that pays.

        Raises
        ------
        queue.Empty
            If none came.
        """
        with contextlib.suppress(queue.Empty):
            return self._waiting.get_nowait()
        patience = worth_waiting(self.cost, self._arrivals.gap, rows)
        if not patience:
            raise queue.Empty
        return self._waiting.get(timeout=patience)


def give(answers: Sequence[tuple["asyncio.Future[Any]", Any]]) -> None:
    """Give answers to those who wait for them on one event loop, from any thread; an answer may be an exception."""
    with contextlib.suppress(RuntimeError):  # the loop has ended, so nobody waits
        answers[0][0].get_loop().call_soon_threadsafe(resolve, answers)


def resolve(answers: Sequence[tuple["asyncio.Future[Any]", Any]]) -> None:
    """Give answers to those who wait for them, on their event loop; an answer that is an exception is raised there."""
    for future, answer in answers:
        if not future.done():
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)


def _expire(answer: "asyncio.Future[Any]") -> None:
    resolve([(answer, Refusal.too_late())])
