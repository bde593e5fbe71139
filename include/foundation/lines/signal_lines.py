"""The rules of a feedback line: what it says, why it is refused, and whether it may be kept."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from include.foundation.config.data_sections import Feedback
from include.foundation.digests import canonical_json
from include.foundation.errors import short
from include.foundation.lines.fields import read_id, read_moment
from include.foundation.lines.values import Problem, text_of, truth_of

KINDS = ("explicit", "implicit", "automated")


def read_signal(record: Mapping[str, Any], latest: datetime, problems: list[Problem]) -> dict[str, Any]:
    """Return what a record says, but not who says it; what is wrong with it is added to the problems.

    Parameters
    ----------
    record
        A feedback line's object, under the loop's names.
    latest
        Latest plausible timestamp.
    problems
        Is added to.

    Examples
    --------
    >>> problems: list[Problem] = []
    >>> line = {"feedback_id": "f", "trace_id": "t", "signal": "report", "kind": "spoken", "ts": "2026-11-01T09:00Z"}
    >>> read_signal(line, datetime.fromisoformat("2026-11-02T00:00Z"), problems)["signal"], problems[0].code
    ('report', 'unknown_kind')
    """
    names = {name: read_id(record, name, problems) for name in ("feedback_id", "trace_id", "signal", "kind")}
    if names["kind"] not in {None, *KINDS}:
        expected = f"expected one of {', '.join(KINDS)}"
        problems.append(Problem("unknown_kind", f"kind: got {short(names['kind'])}, {expected}"))
    return {
        **names,
        "ts": read_moment(record, "ts", latest, problems),
        "value": None if record.get("value") is None else canonical_json(record["value"]),
        "comment": text_of(record.get("comment")),
        "source": text_of(record.get("source")),
    }


def may_be_kept(policy: Feedback, consent: Any) -> bool:
    """Tell whether a line may be kept: not where consent was refused, nor where it is required and not given.

    Parameters
    ----------
    policy
        Of the loop.
    consent
        What the line says.

    Examples
    --------
    >>> may_be_kept(Feedback(consent="required"), None), may_be_kept(Feedback(consent="required"), "yes")
    (False, True)
    """
    return policy.consent == "assumed" if consent in (None, "") else truth_of(consent) is True
