"""What the gateway does when ten times what it can answer is asked of it.

``.venv/bin/python -m benchmarks.overload [--quick]`` prints one JSON object. The gateway, every answer on the disk before it is
sent, first shows what it can: 64 clients ask one question after the other. Then ten times as many requests a second are to be
sent from another process on the same machine, on up to 4,096 connections at a time; what finds none is not sent. Each must be
answered 200, 429 or 503 within the gateway's deadline: ``ours`` is the 99th percentile in ms, from when a request was sent
until the sender saw the answer. Every prediction that was acknowledged must be in the log, once.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.gateway import asked
from benchmarks.measuring import print_cases
from benchmarks.workloads.model_servers import gateway, told_by_open_loop
from benchmarks.workloads.served_model import deployed, in_log
from gateway.settings import Settings

CLIENTS, TIMES = 64, 10
ALLOWED = {"200", "429", "503"}
DEADLINE_MS = 1000 * float(Settings.model_fields["deadline_seconds"].default)


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the one result."""
    seconds = 2.0 if quick else 15.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with gateway(deployed(folder)) as server:
            asked(server, CLIENTS, 1.0)
            capacity = asked(server, CLIENTS, seconds)["requests_per_second"]
            told = told_by_open_loop(server, TIMES * capacity, seconds)
            peak_rss_mb = server.peak_rss_mb
        audit = in_log(told["acknowledged"], folder / "logs")
    statuses = told["statuses"]
    yield {
        "benchmark": "overload",
        "case": f"times={TIMES}",
        "unit": "ms",
        "ours": round(told["p99_ms"], 1),
        "limit": DEADLINE_MS,
        "peers": {},
        "ratio_to_limit": round(told["p99_ms"] / DEADLINE_MS, 3),
        "ratio_to_best_peer": None,
        "p50_ms": round(told["p50_ms"], 1),
        "max_ms": round(told["max_ms"], 1),
        "capacity_per_second": round(capacity, 1),
        "answered_per_second": round(statuses.get("200", 0) / seconds, 1),
        "sent_per_second": round(told["sent_per_second"], 1),
        "unsent": told["unsent"],
        "unanswered": told["unanswered"],
        "statuses": statuses,
        "other_statuses": sum(count for status, count in statuses.items() if status not in ALLOWED),
        **audit,
        "repetitions": 1,
        "peak_rss_mb": peak_rss_mb,
    }


def main() -> None:
    """Print the JSON line."""
    print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
