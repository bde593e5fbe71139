"""Where our applications are mounted, and their addresses; light, since every process of Airflow loads it with the plugin."""

from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from typing import Any
from urllib.parse import quote

PREFIX = "/feedback-loop"
PAGES = PREFIX.removeprefix("/")  # relative to the base address of Airflow's UI, which may lie under a sub-path
HINTS = "/feedback-loop-hints"
Message = MutableMapping[str, Any]


def page_address(loop: str, path: str) -> str:
    """Return the address of a page, relative to the base address of Airflow's UI, which may lie under a sub-path.

    Parameters
    ----------
    loop
        Name of the loop.
    path
        Of the page among the loop's files.

    Examples
    --------
    >>> page_address("newswire", "reports/index.html")
    'feedback-loop/newswire/files/reports/index.html'
    """
    return f"{PAGES}/{loop}/files/{quote(path)}"


def airflow_address(path: str) -> str | None:
    """Return an address as browsers reach it, by ``[api] base_url``; None where Airflow is not told how they do.

    Parameters
    ----------
    path
        Relative to the base address of Airflow's UI.
    """
    from airflow.sdk.configuration import conf

    base = conf.get("api", "base_url", fallback="").rstrip("/")
    return f"{base}/{path}" if base else None


def hint_address(loop: str) -> str:
    """Return where a labeling platform tells that there may be new answers, below the base address of Airflow.

    Examples
    --------
    >>> hint_address("newswire")
    '/feedback-loop-hints/newswire'
    """
    return f"{HINTS}/{loop}"


class MountedApp:
    """The ``app`` of a module, imported when it is asked for the first time.

    Workers and the scheduler load the plugin as well, and must not import what only the API server needs.

    Parameters
    ----------
    module
        Its dotted name.
    """

    def __init__(self, module: str) -> None:
        self._module = module

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer a request, as ASGI has it."""
        await import_module(self._module).app(scope, receive, send)
