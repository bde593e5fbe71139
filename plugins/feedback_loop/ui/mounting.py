"""Where the pages are mounted, and their addresses; light, since every process of Airflow loads it with the plugin."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

PREFIX = "/feedback-loop"
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
    return f"{PREFIX.removeprefix('/')}/{loop}/files/{quote(path)}"


class MountedPages:
    """The application of the pages, made when it is asked for the first time.

    Workers and the scheduler load the plugin as well, and must not import what only the API server needs.
    """

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer a request, as ASGI has it."""
        from feedback_loop.ui.pages_app import app

        await app(scope, receive, send)
