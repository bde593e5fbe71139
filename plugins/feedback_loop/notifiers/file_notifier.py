"""Tell people by a line in a file: for tests, and where something else already follows files."""

import fcntl
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import BaseNotifier, Context

from include.foundation.config.loading import resolve
from include.foundation.lines.values import json_line


class FileNotifier(BaseNotifier):
    """Append each notification to a file as one line of JSON; lines of several tasks never mix.

    Parameters
    ----------
    path
        File, made with its folder if it is not there; a relative path starts at the repository root. Templated.
    """

    template_fields: Sequence[str] = ("path",)

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def notify(self, context: Context) -> None:
        """Append the line and wait until it is on disk."""
        told = {"at": datetime.now(UTC).isoformat(), **context["notification"]}  # type: ignore[typeddict-item]
        target = Path(resolve(self.path))
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("ab", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(json_line(told).encode() + b"\n")
            os.fsync(file.fileno())
