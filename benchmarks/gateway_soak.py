"""Whether the gateway's memory and latency stay as they are through an hour at half of what it can do.

``.venv/bin/python -m benchmarks.gateway_soak [--quick]`` prints one JSON object. Eight clients that ask one question after the
other show what the gateway can do, every answer on the disk before it is sent; then half as many requests a second come for an
hour, in windows of five minutes, each at moments that do not wait for the answers before. ``ours`` is the memory at the end in
the unit of that after the first window; CPU of a request, which neighbours on the same cores hardly change, and latencies are
given of each window, and as those of the last third in the unit of the first third's. Every acknowledged prediction must be in
the log, once.
"""

import statistics
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.gateway import asked
from benchmarks.measuring import print_cases
from benchmarks.workloads.model_servers import Server, gateway, told_by_open_loop
from benchmarks.workloads.served_model import deployed, in_log

CLIENTS, SHARE = 8, 0.5
Figures = dict[str, float]


def window(server: Server, rate: float, seconds: float) -> tuple[Figures, dict[str, Any]]:
    """Return the figures of some seconds at a rate, and all that the sender was told.

    Parameters
    ----------
    server
        That is asked.
    rate
        Requests a second.
    seconds
        How long.
    """
    before = server.cpu_seconds
    told = told_by_open_loop(server, rate, seconds)
    cpu_ms = (server.cpu_seconds - before) * 1000 / (told["due"] - told["unsent"])
    figures = {"rss_mb": server.rss_mb, "cpu_ms": cpu_ms, "p50_ms": told["p50_ms"], "p99_ms": told["p99_ms"]}
    return {name: round(figure, 2) for name, figure in figures.items()}, told


def growth(windows: Sequence[Figures], name: str) -> float:
    """Return a figure of the last third of windows in the unit of that of the first third, by medians."""
    third = max(1, len(windows) // 3)
    first, last = (statistics.median(each[name] for each in part) for part in (windows[:third], windows[-third:]))
    return round(last / first, 3)


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the one result."""
    count, seconds = (6, 2.0) if quick else (12, 300.0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with gateway(deployed(folder)) as server:
            asked(server, CLIENTS, 1.0)
            capacity = asked(server, CLIENTS, seconds / 30)["requests_per_second"]
            windows, told = zip(*(window(server, SHARE * capacity, seconds) for _ in range(count)), strict=True)
        acknowledged = [trace_id for each in told for trace_id in each["acknowledged"]]
        audit = in_log(acknowledged, folder / "logs")
    ratio = round(windows[-1]["rss_mb"] / windows[0]["rss_mb"], 3)
    yield {
        "benchmark": "gateway_soak",
        "case": f"half load, {count * seconds / 60:g} minutes",
        "unit": "memory after the first window",
        "ours": ratio,
        "limit": 1,
        "peers": {},
        "ratio_to_limit": ratio,
        "ratio_to_best_peer": None,
        "growth": {figure: growth(windows, figure) for figure in windows[0]},
        "windows": windows,
        "capacity_per_second": round(capacity, 1),
        "sent_per_second": round(SHARE * capacity, 1),
        "statuses": dict(sum((Counter(each["statuses"]) for each in told), Counter())),
        "unanswered": sum(each["unanswered"] + each["unsent"] for each in told),
        "acknowledged": len(acknowledged),
        **audit,
        "repetitions": count,
    }


def main() -> None:
    """Print the JSON line."""
    print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
