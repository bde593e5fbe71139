"""Who is served by a canary: a hash of the caller decides, so that whoever asks again is served by the same version."""

from typing import Any

from include.foundation.digests import point_of
from include.foundation.lines.values import text_of


def caller_of(source_id: Any, trace_id: str) -> str:
    """Return who asked: the ``source_id``, or the request itself where it has none.

    Parameters
    ----------
    source_id
        As a line has it; None or blank is none.
    trace_id
        Of the request.

    Examples
    --------
    >>> caller_of(17, "t1"), caller_of(None, "t1")
    ('source 17', 'request t1')
    """
    source = (text_of(source_id) or "").strip()
    return f"source {source}" if source else f"request {trace_id}"


def is_served_by_canary(caller: str, evidence_digest: str, share: float) -> bool:
    """Return whether a caller is among a share; who is among a smaller one is among a larger one as well.

    Parameters
    ----------
    caller
        Of `caller_of`.
    evidence_digest
        Of the canary: each new one is served to others first.
    share
        0 to 1.
    """
    return point_of("canary", evidence_digest, caller) < share
