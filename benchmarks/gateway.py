"""What the gateway answers in a second, every answer on the disk before it is sent, beside servers that log nothing.

``.venv/bin/python -m benchmarks.gateway [--quick]`` prints one JSON object per number of keep-alive clients, which are another
process. The model is the same, a TF-IDF and a logistic regression; a request has one text. The peers are ``mlflow models
serve`` with one worker, and a bare FastAPI endpoint with uvloop and httptools. ``shadowed`` is the gateway with a challenger
that is asked about every request as well: what that costs. Servers take turns; figures are medians, and
ratios are medians of the ratios of each turn. ``cpu_ms`` is of a request, and repeats where others use the same cores.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.measuring import ROOT, print_cases
from benchmarks.workloads.model_servers import Server, bare_endpoint, gateway, mlflow_server, shadowed_gateway
from benchmarks.workloads.served_model import deployed

CLIENTS = (1, 8, 64)
SERVERS = {"ours": gateway, "mlflow": mlflow_server, "bare_fastapi": bare_endpoint, "shadowed": shadowed_gateway}
Figures = Mapping[str, float]


def asked(server: Server, clients: int, seconds: float) -> Figures:
    """Return what a server answers, in requests a second, milliseconds of waiting and of CPU, and errors.

    Parameters
    ----------
    server
        That is asked.
    clients
        Connections.
    seconds
        For which it is asked.
    """
    before = server.cpu_seconds
    command = [sys.executable, "-m", "benchmarks.workloads.http_clients", str(server.port), server.path]
    done = subprocess.run(
        [*command, str(clients), str(seconds)],
        input=b"\n".join(server.bodies),
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures | {"cpu_ms": (server.cpu_seconds - before) * 1000 / figures["requests"]}


def case(servers: Mapping[str, Server], clients: int, seconds: float, repetitions: int) -> dict[str, Any]:
    """Return the result of so many clients.

    Parameters
    ----------
    servers
        That run, by name, ours among them.
    clients
        Connections.
    seconds
        For which each is asked in one turn.
    repetitions
        Turns.
    """
    for server in servers.values():
        asked(server, clients, min(1.0, seconds))
    turns = [{name: asked(server, clients, seconds) for name, server in servers.items()} for _ in range(repetitions)]
    others = [name for name in servers if name != "ours"]

    def _median(name: str, figure: str) -> float:
        return round(statistics.median(turn[name][figure] for turn in turns), 2)

    def _ratio(other: str, figure: str) -> float:
        return round(statistics.median(turn["ours"][figure] / turn[other][figure] for turn in turns), 3)

    ratios = {other: _ratio(other, "requests_per_second") for other in others}
    return {
        "benchmark": "gateway",
        "case": f"clients={clients}",
        "unit": "requests/s",
        "ours": _median("ours", "requests_per_second"),
        "limit": None,
        "peers": {other: _median(other, "requests_per_second") for other in others},
        "ratio_to_limit": None,
        "ratio_to_best_peer": min(ratio for other, ratio in ratios.items() if other != "shadowed"),
        "ratios": ratios,
        "p50_ms": _median("ours", "p50_ms"),
        "peers_p50_ms": {other: _median(other, "p50_ms") for other in others},
        "p99_ms": _median("ours", "p99_ms"),
        "peers_p99_ms": {other: _median(other, "p99_ms") for other in others},
        "p99_ratios": {other: _ratio(other, "p99_ms") for other in others},
        "cpu_ms": _median("ours", "cpu_ms"),
        "peers_cpu_ms": {other: _median(other, "cpu_ms") for other in others},
        "errors": sum(turn["ours"]["errors"] for turn in turns),
        "repetitions": repetitions,
        "peak_rss_mb": servers["ours"].peak_rss_mb,
        "peers_peak_rss_mb": {other: servers[other].peak_rss_mb for other in others},
    }


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the result of every case."""
    seconds, repetitions = (1.0, 1) if quick else (5.0, 3)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        model = deployed(Path(folder))
        servers = {name: stack.enter_context(start(model)) for name, start in SERVERS.items()}
        for clients in CLIENTS:
            yield case(servers, clients, seconds, repetitions)


def main() -> None:
    """Print one JSON line a case."""
    print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
