"""What the pages in Airflow's UI take, of loops that have run for a year.

``.venv/bin/python -m benchmarks.pages [--quick]`` prints one JSON object a page. Twenty loops have a year of decisions, of a
hundred requests a day and their answers, and a million rows a day on the 62 newest days, which are all that the pages count.
Pages are asked of Airflow's whole API server, as it starts, within one process: ``ours`` is the median time of a page that
was made before, ``cold`` the first one of a fresh process, with every import. ``limit`` is what the server takes to say its
version, the least that an answer takes. The peer is what Airflow's own UI asks for its list of the same DAGs. The last line is
what the plugin adds to the start and the memory of the API server, and what a thousand views add to its memory.
"""

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.measuring import ROOT, print_cases, run

VIEWS = 1000
PAGES = {
    "loops": "/feedback-loop/",
    "loop": "/feedback-loop/loop00",
    "run": "/feedback-loop/dags/loop00.observe/runs/r",
}
VERSION, AIRFLOWS_LIST = "/api/v2/version", "/ui/dags?limit=50"


def pages(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a line a page, and one for the start and the memory of the server."""
    from benchmarks.workloads.watched_loops import connection, write_loops

    loops, days, rows, repetitions = (3, 30, 10_000, 3) if quick else (20, 365, 1_000_000, 5)
    with tempfile.TemporaryDirectory(prefix="feedback-loop-pages-") as name:
        folder = Path(name)
        write_loops(folder, loops, days, rows)
        own = {
            "AIRFLOW_HOME": str(folder / "home"), "FEEDBACK_LOOP_LOOPS_DIR": str(folder / "loops"),
            "AIRFLOW_CONN_FEEDBACK_STORE": connection(folder), "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}",
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        }  # fmt: skip
        bare = own | {"AIRFLOW__CORE__PLUGINS_FOLDER": str(folder / "none")}
        for case, address in PAGES.items():
            looked = [_child(own, address, 20) for _ in range(repetitions)]
            yield _line(case, looked, {"loops": loops, "days": days, "rows_a_day": rows})
        starts = [(_child(own, VERSION, 1), _child(bare, VERSION, 1)) for _ in range(repetitions)]
        many = _child(own, PAGES["loops"], 50 if quick else VIEWS)
        yield _server(starts, many)


def _line(case: str, looked: list[dict[str, float]], size: dict[str, int]) -> dict[str, Any]:
    middle = {name: statistics.median(one[name] for one in looked) for name in looked[0]}
    ours, limit, peer = middle["warm_ms"], middle["limit_ms"], middle["peer_ms"]
    return {
        "benchmark": "pages", "case": case, "unit": "ms", "ours": round(ours, 1), "limit": round(limit, 1),
        "peers": {"Airflow's list of DAGs": round(peer, 1)}, "ratio_to_limit": round(ours / limit, 2),
        "ratio_to_best_peer": round(ours / peer, 2), "repetitions": len(looked), "cold": round(middle["cold_ms"]),
        "kb": round(middle["kb"], 1), **size,
    }  # fmt: skip


def _server(starts: list[tuple[dict[str, float], dict[str, float]]], many: dict[str, float]) -> dict[str, Any]:
    seconds, megabytes = (
        statistics.median(own[name] - bare[name] for own, bare in starts) for name in ("start_s", "start_mb")
    )
    return {
        "benchmark": "pages", "case": "server", "unit": "s", "ours": round(seconds, 2), "limit": None, "peers": {},
        "ratio_to_limit": None, "ratio_to_best_peer": None, "repetitions": len(starts), "start_mb": round(megabytes, 1),
        "views": many["views"], "mb_by_views": round(many["grown_mb"], 1),
    }  # fmt: skip


def _child(environment: dict[str, str], address: str, views: int) -> dict[str, float]:
    """Look at a page in a fresh process."""
    done = run([sys.executable, "-m", "benchmarks.pages", "--child", address, str(views)], environment)
    answer: dict[str, float] = json.loads(done.output.splitlines()[-1])
    return answer


def look(address: str, views: int) -> None:
    """Start the API server in this process, look at a page some times, and print what it took."""
    begun, before = perf_counter(), _resident_mb()
    browse = _server_with_runs()
    start_s, start_mb = perf_counter() - begun, _resident_mb() - before
    first, content = _milliseconds(browse, address)
    times = [_milliseconds(browse, address)[0] for _ in range(min(views, 20))]
    settled = _resident_mb()
    for _ in range(views - len(times)):
        browse(address)
    took = {
        "start_s": start_s, "start_mb": start_mb, "cold_ms": first, "warm_ms": statistics.median(times),
        "limit_ms": statistics.median(_milliseconds(browse, VERSION)[0] for _ in range(20)),
        "peer_ms": statistics.median(_milliseconds(browse, AIRFLOWS_LIST)[0] for _ in range(5)),
        "kb": len(content) / 1024, "views": views, "grown_mb": _resident_mb() - settled,
    }  # fmt: skip
    print(json.dumps(took))


def _server_with_runs() -> Any:
    """Return what asks the API server for an address as an administrator; Airflow's database holds a run of each DAG."""
    from airflow.api_fastapi.app import create_app, get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    from benchmarks.workloads.watched_runs import add_runs

    add_runs(Path(os.environ["FEEDBACK_LOOP_LOOPS_DIR"]))
    client = TestClient(create_app())
    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="ada", role="admin"))
    client.headers["Authorization"] = f"Bearer {token}"
    return client.get


def _milliseconds(browse: Any, address: str) -> tuple[float, bytes]:
    begun = perf_counter()
    answer = browse(address)
    took = 1000 * (perf_counter() - begun)
    if answer.status_code != 200:
        raise RuntimeError(f"{address}: got {answer.status_code}, expected 200: {answer.text[:500]}")
    return took, answer.content


def _resident_mb() -> float:
    pages_held = int(Path("/proc/self/statm").read_text().split()[1])
    return pages_held * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        look(sys.argv[2], int(sys.argv[3]))
    else:
        print_cases(pages, __doc__)
