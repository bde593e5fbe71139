"""Bursts of feedback: many signals of one person, or of one source, in a short time are held back."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from include.foundation.config.data_sections import Feedback

JUDGED = ("correction", "report", "rating")
REASONS = {"user_key": "burst_person", "source": "burst_source"}


def held_back(policy: Feedback, rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the signals that are part of a burst, by ``feedback_id``, with the reason.

    Only explicit corrections, reports and ratings are looked at: clicks and sensors are many by nature.

    Parameters
    ----------
    policy
        ``burst_signals`` and ``burst_minutes``.
    rows
        Signals with ``feedback_id``, ``ts``, ``kind``, ``signal``, ``user_key`` and ``source``, in any order; those without a
        person or a source are in no burst of that kind.

    Returns
    -------
    dict of str to str
        ``burst_person`` or ``burst_source``; a person's burst comes first.

    Notes
    -----
    A signal is held back if any window of ``burst_minutes`` that contains it has ``burst_signals`` or more. That is a property
    of the set of signals, so the order and the splits in which they arrive do not matter.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> minute = lambda n: datetime(2026, 3, 10, 9, n, tzinfo=UTC)
    >>> rows = [{"feedback_id": str(n), "ts": minute(n), "kind": "explicit", "signal": "report", "user_key": "p",
    ...          "source": None} for n in (0, 1, 2, 59)]
    >>> held_back(Feedback(burst_signals=3, burst_minutes=5), rows)
    {'0': 'burst_person', '1': 'burst_person', '2': 'burst_person'}
    """
    judged = [row for row in rows if row["kind"] == "explicit" and row["signal"] in JUDGED]
    reasons: dict[str, str] = {}
    for name, reason in REASONS.items():
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for row in judged:
            if row[name] is not None:
                groups.setdefault(row[name], []).append(row)
        for group in groups.values():
            for feedback_id in _in_bursts(group, policy.burst_signals, timedelta(minutes=policy.burst_minutes)):
                reasons.setdefault(feedback_id, reason)
    return dict(sorted(reasons.items()))


def _in_bursts(rows: list[Mapping[str, Any]], signals: int, length: timedelta) -> set[str]:
    ordered = sorted(rows, key=lambda row: (row["ts"], row["feedback_id"]))
    inside: set[str] = set()
    for last in range(signals - 1, len(ordered)):
        if ordered[last]["ts"] - ordered[last - signals + 1]["ts"] < length:
            inside |= {row["feedback_id"] for row in ordered[last - signals + 1 : last + 1]}
    return inside
