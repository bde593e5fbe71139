"""Why a request is not answered, with the status that says so to programs."""

import math
from collections.abc import Sequence
from typing import Any

from include.foundation.errors import SHOWN

TITLES = {
    400: "Not JSON", 401: "No valid key or signature", 403: "Not with this key", 404: "Not found",
    405: "Method not allowed", 408: "Request not complete", 409: "Contradicts an earlier one", 413: "Too large",
    415: "Of another type", 422: "Not valid", 429: "Too many requests", 500: "Not answered", 503: "Not available",
}  # fmt: skip


class Refusal(Exception):  # noqa: N818 - the answer to a request, no failure of the gateway
    """A request is refused.

    Parameters
    ----------
    status
        Of HTTP.
    detail
        What was got, what was expected, what to do.
    problems
        Every problem of the request; the answer lists the first ten and counts the rest.
    retry_after
        Seconds after which trying again makes sense; None if it never does.
    """

    def __init__(
        self, status: int, detail: str, problems: Sequence[str] = (), *, retry_after: float | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.problems, self.retry_after = status, detail, list(problems), retry_after

    @classmethod
    def busy(cls, seconds: float) -> "Refusal":
        """Return that there is more to do already than can be done in time; in so many seconds it is done."""
        return cls(
            429, "Too many requests wait already; send this one again later, and fewer at once", retry_after=seconds
        )

    @classmethod
    def too_late(cls) -> "Refusal":
        """Return that the deadline has passed."""
        return cls(503, "Not answered before the deadline; send it again later", retry_after=1.0)

    @property
    def content(self) -> dict[str, Any]:
        """The body of the answer, as RFC 9457 has it, with ``problems``."""
        shown = self.problems[:SHOWN]
        more = len(self.problems) - len(shown)
        return {
            "title": TITLES[self.status],
            "status": self.status,
            "detail": self.detail,
            "problems": [*shown, f"… and {more} more"] if more else shown,
        }

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Headers that belong to the status."""
        if self.retry_after is not None:
            return [(b"retry-after", str(max(1, math.ceil(self.retry_after))).encode())]
        return [(b"www-authenticate", b"Bearer")] if self.status == 401 else []
