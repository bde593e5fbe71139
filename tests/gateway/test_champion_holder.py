import threading
from typing import Any

from gateway.batch_cost import BatchCost
from gateway.champion_holder import ChampionHolder
from gateway.model_copies import Copied
from gateway.model_source import ModelSource
from include.foundation.errors import RegistryError
from include.foundation.store.tables import LoopStore


class Registry:
    """Names a champion, or says what is wrong."""

    def __init__(self, *answers):
        self._answers = list(answers)

    def aliased(self, _):
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Copies:
    """Holds up whoever fetches a model."""

    def __init__(self):
        self.asked, self.go_on = threading.Event(), threading.Event()

    def last_served(self):
        return None

    def obtained(self, _, version, __):
        self.asked.set()
        assert self.go_on.wait(30)
        return Copied(version, "run", "", "digest")

    def note_served(self, _):
        pass


def holder_of(store, monkeypatch, copies: Any, *answers) -> ChampionHolder:
    class Loaded:
        version = "3"

        def __init__(self, _):
            pass

        def tried(self):
            return BatchCost()

    monkeypatch.setattr("gateway.champion_holder.Scorer", Loaded)
    copies.load = lambda _: None
    registry: Any = Registry(*answers)
    return ChampionHolder(ModelSource(store, registry, copies))


def test_gateway_without_a_model_says_whether_it_looks_loads_fails_or_has_none(world, monkeypatch):
    store, copies = LoopStore(world.store.loop, str(world.folder / "another store")), Copies()
    holder = holder_of(store, monkeypatch, copies, None, RegistryError("gone"), "3")
    said = [holder.why_none]
    holder.look()
    said.append(holder.why_none)
    holder.look()
    said.append(holder.why_none)
    looking = threading.Thread(target=holder.look)
    looking.start()
    assert copies.asked.wait(30)
    said.append(holder.why_none)
    copies.go_on.set()
    looking.join()
    said.append(holder.why_none)
    assert said == [
        "loading: asking what is live", "no model is live", "the champion cannot be loaded", "loading version 3", None
    ]  # fmt: skip
