"""The loops that a gateway serves, each as its file says it now: a file that changes is followed while requests go on."""

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from gateway.measures import Measures
from gateway.served_loop import ServedLoop
from gateway.settings import Settings
from gateway.watched_file import WatchedFile
from include.foundation.config.loading import ENDING, loop_named, loops_dir
from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError

EVENTS = logging.getLogger("gateway")
AGAIN_SECONDS = 30.0  # after which a file that cannot be served is tried again: another model may be live


class ServedLoops:
    """The loops of one gateway.

    Parameters
    ----------
    loops
        To serve.
    settings
        Of the process.
    measures
        Of the process.

    Attributes
    ----------
    by_name
        What is served of each loop now. It changes on the event loop only, so that no request meets one that is closed.

    Raises
    ------
    ConfigError
        If a loop cannot be served.
    """

    def __init__(self, loops: Sequence[Loop], settings: Settings, measures: Measures) -> None:
        self._settings, self._measures = settings, measures
        self._files = {loop.name: WatchedFile(_path_of(loop.name), _loop_at, "loop file") for loop in loops}
        self._refused: dict[str, tuple[Loop, float]] = {}
        self.by_name = {loop.name: ServedLoop(loop, settings, measures) for loop in loops}
        for served in self.by_name.values():
            served.show()

    @property
    def problems(self) -> list[str]:
        """Why one of them cannot answer now; empty if all can."""
        return [problem for served in self.by_name.values() for problem in served.problems]

    @property
    def notes(self) -> list[str]:
        """What somebody should look at, though they answer."""
        notes = [note for served in self.by_name.values() for note in served.notes]
        broken = [name for name, file in self._files.items() if file.problem or name in self._refused]
        advice = "what it said before is served; the log of events says why"
        return [*(f"{name}: its loop file cannot be served as it is now, so {advice}" for name in broken), *notes]

    def look(self, name: str, event_loop: asyncio.AbstractEventLoop) -> None:
        """Follow the file of a loop, and then what is live; not from several threads at once for one loop.

        Parameters
        ----------
        name
            Of the loop.
        event_loop
            That requests are answered on; it runs.
        """
        file = self._files[name]
        file.look()
        refused, refused_at = self._refused.get(name, (None, 0.0))
        if file.content == self.by_name[name].loop:
            self._refused.pop(name, None)
        elif file.content != refused or time.monotonic() > refused_at + AGAIN_SECONDS:
            self._follow(name, file.content, event_loop)
        self.by_name[name].look()

    def look_at_challenger(self, name: str) -> None:
        """Follow what is pending in a loop, beside `look`: whatever that takes, delays nothing that is live."""
        self.by_name[name].look_at_challenger()

    def close(self) -> None:
        """Answer what waits, and complete the logs."""
        for served in self.by_name.values():
            served.close()

    def _follow(self, name: str, loop: Loop, event_loop: asyncio.AbstractEventLoop) -> None:
        """Serve a loop as its file says it now, or say why that cannot be."""
        before = self.by_name[name]
        try:
            after = self._made(loop, before)
        except (ConfigError, OSError) as error:
            if self._refused.get(name, (None, 0.0))[0] != loop:
                EVENTS.error("loop file cannot be served", extra={"told": {"loop": name, "problem": str(error)}})
            self._refused[name] = (loop, time.monotonic())
            return
        asyncio.run_coroutine_threadsafe(self._exchange(name, after), event_loop).result()
        self._refused.pop(name, None)
        EVENTS.info("loop file served", extra={"told": {"loop": name}})
        before.close(after)

    def _made(self, loop: Loop, before: ServedLoop) -> ServedLoop:
        """Return a loop that answers, if the one before does.

        Raises
        ------
        ConfigError
            If it cannot be served, or its model cannot be loaded.
        """
        after = ServedLoop(loop, self._settings, self._measures, before)
        after.look()
        if after.champion.current is None and before.champion.current is not None:
            after.close(before)
            raise ConfigError(f"The champion cannot be loaded: {after.champion.problem}")
        return after

    async def _exchange(self, name: str, after: ServedLoop) -> None:
        self.by_name[name] = after
        after.show()


def _path_of(name: str) -> Path:
    return loops_dir() / f"{name}{ENDING}"


def _loop_at(path: Path) -> Loop:
    return loop_named(path.name.removesuffix(ENDING))
