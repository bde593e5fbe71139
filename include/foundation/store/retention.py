"""How long earlier versions of a table stay readable."""

import math
from datetime import timedelta

from include.foundation.config.loop_file import Loop

FOR_GOOD_DAYS = 36_500


def grace(loop: Loop) -> timedelta:
    """Return how long an earlier version of a table stays readable after a newer one: twice as long as a task may work."""
    return 2 * timedelta(minutes=max(loop.tasks.timeout_minutes, loop.tasks.long_timeout_minutes))


def keeps_history(name: str) -> bool:
    """Return whether earlier versions of a table stay for longer than `grace`: a dataset is a version of each of these."""
    return name in ("labels", "draws")


def properties(loop: Loop, name: str) -> dict[str, str]:
    """Return Delta's properties of a table: how long what an earlier version needs is kept, both its files and its log."""
    days = (loop.labels.history_days or FOR_GOOD_DAYS) if keeps_history(name) else 0
    retention = f"interval {days} days" if days else f"interval {math.ceil(grace(loop).total_seconds())} seconds"
    return {
        "delta.enableExpiredLogCleanup": "false" if days == FOR_GOOD_DAYS else "true",
        "delta.logRetentionDuration": retention,
        "delta.deletedFileRetentionDuration": retention,
    }
