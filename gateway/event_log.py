"""What happens in the gateway, one JSON object a line on standard error; never what was asked or answered."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON: time, level, event, and what the record is told in ``extra={"told": {...}}``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "told", {}),
        }
        if record.exc_info and record.exc_info[2]:
            where = record.exc_info[2]
            while where.tb_next:
                where = where.tb_next
            line["where"] = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}"  # its text may hold an input
        return json.dumps(line, ensure_ascii=False, default=str)


def told_problem(event: str, error: Exception | None, before: str | None, **told: Any) -> str | None:
    """Return what is wrong, in words; that it is, and later that it is no longer, are events.

    Parameters
    ----------
    event
        What cannot be done.
    error
        Why; None if nothing is wrong.
    before
        What was wrong before.
    **told
        What else the event says.
    """
    problem = None if error is None else f"{type(error).__name__}: {error}"
    if problem is not None and problem != before:
        logging.getLogger("gateway").error(event, extra={"told": {**told, "problem": problem}})
    elif problem is None and before is not None:
        logging.getLogger("gateway").info("no longer: %s", event, extra={"told": told})
    return problem


def start_event_log() -> None:
    """Have the gateway's events, and warnings and errors of what it uses, written to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("gateway").setLevel(logging.INFO)
