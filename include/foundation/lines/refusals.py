"""The quarantine row of a line that was refused."""

from typing import Any

from include.foundation.digests import digest_of
from include.foundation.intervals import Interval
from include.foundation.lines.fields import read_id
from include.foundation.lines.line_files import Line
from include.foundation.lines.values import moment_of

GONE, REPEATED, FAILED = "gone", "repeated_trace_id", "failed_prediction"  # reason codes that several modules ask for
LONGEST_RAW = 1 << 16  # characters of a refused line that are kept


def refusal(stage: str, source: str, line: Line, interval: Interval | None) -> dict[str, Any]:
    """Return the quarantine row of a refused line: every reason, the raw text, and a key made of the content.

    Parameters
    ----------
    stage
        What refuses it: ``logs``, ``feedback``, ``answers``, ``seeds`` or ``labels``.
    source
        Where the line is from, such as the name of its file.
    line
        The line, with at least one problem and without people, see `People.masked`.
    interval
        Data interval in which it was read; None where there is none.
    """
    record = line.record or {}
    return {
        "refusal_id": digest_of(stage, source, line.number, line.raw),
        "stage": stage,
        "interval_start": interval.start if interval else None,
        "interval_end": interval.end if interval else None,
        "source": source,
        "line": line.number,
        "trace_id": read_id(record, "trace_id", []),
        "ts": moment_of(record.get("ts")),
        "model_version": read_id(record, "model_version", []),
        "reason_code": line.problems[0].code,
        "reason": "; ".join(problem.reason for problem in line.problems),
        "raw": line.raw if len(line.raw) <= LONGEST_RAW else f"{line.raw[:LONGEST_RAW]}…",
    }
