import asyncio

import pytest

from gateway.message_memory import MessageMemory
from gateway.refusals import Refusal


class Work:
    def __init__(self, *outcomes):
        self.done, self._outcomes = 0, list(outcomes)

    async def __call__(self):
        self.done += 1
        await asyncio.sleep(0)
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_message_is_worked_on_once_however_often_it_comes():
    async def scenario():
        memory, work = MessageMemory(), Work("logged")
        together = await asyncio.gather(*(memory.once("m", b"1", work) for _ in range(3)))
        return [*together, await memory.once("m", b"1", work)], work.done

    assert asyncio.run(scenario()) == (["logged"] * 4, 1)


def test_other_content_under_the_same_id_is_refused():
    async def scenario():
        memory = MessageMemory()
        await memory.once("m", b"1", Work("logged"))
        with pytest.raises(Refusal) as refused:
            await memory.once("m", b"2", Work("logged"))
        return refused.value.status

    assert asyncio.run(scenario()) == 409


def test_message_that_failed_may_come_again():
    async def scenario():
        memory, work = MessageMemory(), Work(Refusal.busy(1), "logged")
        with pytest.raises(Refusal):
            await memory.once("m", b"1", work)
        return await memory.once("m", b"1", work)

    assert asyncio.run(scenario()) == "logged"


def test_message_that_was_sent_longest_ago_is_forgotten_first():
    async def scenario():
        memory, work = MessageMemory(most=2), Work(*range(9))
        return [await memory.once(key, b"1", work) for key in ("a", "b", "a", "c", "a", "b")]

    assert asyncio.run(scenario()) == [0, 1, 0, 2, 0, 3]
