import asyncio
import threading
import time

import pytest

from gateway.batching import Batcher, give
from gateway.refusals import Refusal


class Echo:
    """Answers each request with its rows; can be held up."""

    def __init__(self):
        self.sizes, self.go_on, self.busy = [], threading.Event(), threading.Event()
        self.go_on.set()

    def __call__(self, batch):
        self.busy.set()
        assert self.go_on.wait(30)
        self.sizes.append(sum(len(asked.rows) for asked in batch))
        if ["bug"] in [asked.rows for asked in batch]:
            raise ValueError("a bug")
        give([(asked.answer, list(asked.rows)) for asked in batch])


def run(scenario, **limits):
    async def _run():
        echo = Echo()
        batcher = Batcher(echo, **{"most_rows": 8, "most_pending": 100} | limits)
        try:
            return await scenario(batcher, echo)
        finally:
            echo.go_on.set()
            await asyncio.to_thread(batcher.close)

    return asyncio.run(_run())


async def ask_while_held(batcher, echo, requests, seconds=20):
    """Send a first request, and the others while it is worked on."""
    echo.go_on.clear()
    first = asyncio.create_task(batcher.answer(["first"], seconds))
    await asyncio.to_thread(echo.busy.wait, 30)
    others = [asyncio.create_task(batcher.answer(rows, seconds)) for rows in requests]
    await asyncio.sleep(0.05)
    echo.go_on.set()
    return await asyncio.gather(first, *others, return_exceptions=True)


def test_what_waits_while_a_batch_is_worked_on_is_the_next_batch_and_each_gets_its_own_answer():
    async def scenario(batcher, echo):
        return await ask_while_held(batcher, echo, [[number] for number in range(5)]), echo.sizes

    answers, sizes = run(scenario)
    assert answers == [["first"], *([number] for number in range(5))]
    assert sizes == [1, 5]


def test_batch_has_no_more_rows_than_it_may_and_the_rest_is_the_next():
    async def scenario(batcher, echo):
        return await ask_while_held(batcher, echo, [[1] * 3, [2] * 3, [3] * 3, [4] * 20, [5]]), echo.sizes

    answers, sizes = run(scenario)
    assert [len(answer) for answer in answers] == [1, 3, 3, 3, 20, 1]
    assert sizes == [1, 6, 3, 20, 1]


def test_more_rows_than_may_wait_are_refused_at_once_and_counted_off_again():
    async def scenario(batcher, echo):
        answers = await ask_while_held(batcher, echo, [[0] * 5, [0] * 5])
        return answers, batcher.pending_rows

    answers, pending = run(scenario, most_pending=8)
    assert [type(answer) for answer in answers] == [list, list, Refusal]
    assert (answers[2].status, pending) == (429, 0)


def test_request_that_cannot_be_answered_in_time_is_refused_before_it_waits():
    async def scenario(batcher, _):
        for rows in (1, 8):
            batcher.cost.learn(rows, 1.0)
        with pytest.raises(Refusal) as refused:
            await batcher.answer([1], 0.5)
        return refused.value

    refusal = run(scenario)
    assert (refusal.status, refusal.headers) == (429, [(b"retry-after", b"1")])


def test_deadline_is_kept_though_a_batch_hangs_and_what_is_over_is_not_worked_on():
    async def scenario(batcher, echo):
        echo.go_on.clear()
        begin = time.monotonic()
        first = asyncio.create_task(batcher.answer(["first"], 0.2))
        await asyncio.to_thread(echo.busy.wait, 30)
        refusals = await asyncio.gather(first, batcher.answer([1], 0.1), return_exceptions=True)
        took = time.monotonic() - begin
        echo.go_on.set()
        return refusals, took, await batcher.answer(["later"], 20), echo.sizes

    refusals, took, later, sizes = run(scenario)
    assert [refusal.status for refusal in refusals] == [503, 503]
    assert took < 5
    assert (later, sizes) == (["later"], [1, 1])


def test_what_waits_when_it_is_closed_is_answered():
    async def scenario(batcher, echo):
        echo.go_on.clear()
        asked = [asyncio.create_task(batcher.answer([number], 20)) for number in range(20)]
        await asyncio.to_thread(echo.busy.wait, 30)
        closing = asyncio.create_task(asyncio.to_thread(batcher.close))
        await asyncio.sleep(0.05)
        echo.go_on.set()
        await closing
        return await asyncio.gather(*asked)

    assert run(scenario) == [[number] for number in range(20)]


def test_requests_that_come_close_together_are_waited_for():
    async def scenario(batcher, echo):
        for rows in (1, 8) * 10:
            batcher.cost.learn(rows, 1.0)  # so that waiting always pays
        for _ in range(10):
            await asyncio.gather(*(batcher.answer([number], 20) for number in range(4)))
        return echo.sizes

    sizes = run(scenario)
    assert sum(sizes) == 40
    assert len(sizes) < 30


def test_batch_that_fails_is_told_and_the_next_is_worked_on():
    async def scenario(batcher, _):
        failed = await asyncio.gather(batcher.answer(["bug"], 20), return_exceptions=True)
        return failed, await batcher.answer(["fine"], 20)

    (failed,), fine = run(scenario)
    assert (failed.status, fine) == (500, ["fine"])
