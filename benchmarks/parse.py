"""What parsing the DAG files of a hundred loops costs, against parsing one empty DAG file, each in a fresh process.

Run as ``python -m benchmarks.parse [--quick]``. CPU seconds, medians of paired runs.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EMPTY = 'from airflow.sdk import DAG\n\nwith DAG(dag_id="empty"):\n    pass\n'
PARSE = (
    "import sys; from airflow.dag_processing.dagbag import DagBag; bag = DagBag(dag_folder=sys.argv[1]); "
    "assert not bag.import_errors, bag.import_errors"
)
SECONDS_A_LOOP = 0.005
FACTOR = 1.5


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    repetitions = 3 if parser.parse_args().quick else 7
    loops = 100
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_loops(place / "loops", loops)
        (place / "dags").mkdir()
        (place / "dags" / "empty.py").write_text(EMPTY)
        pairs = [(cpu(ROOT / "dags", place), cpu(place / "dags", place)) for _ in range(repetitions)]
    ours, empty = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    limit = FACTOR * empty + SECONDS_A_LOOP * loops
    line = {
        "benchmark": "parse", "case": f"loops={loops}", "unit": "CPU s", "ours": round(ours, 3), "limit": round(limit, 3),
        "peers": {"empty DAG file": round(empty, 3)}, "ratio_to_limit": round(ours / limit, 3),
        "ratio_to_best_peer": round(ours / empty, 3), "repetitions": repetitions,
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
    }  # fmt: skip
    print(json.dumps(line))


def write_loops(folder: Path, loops: int) -> None:
    """Write copies of a loop file under other names."""
    folder.mkdir()
    text = (ROOT / "include" / "loops" / "newswire.yaml").read_text()
    for number in range(loops):
        name = f"loop{number:03d}"
        (folder / f"{name}.yaml").write_text(text.replace("name: newswire", f"name: {name}"))


def cpu(dags: Path, place: Path) -> float:
    """Return the CPU seconds of one process that parses a folder, imports included."""
    own = {
        "AIRFLOW_HOME": str(place / "home"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "FEEDBACK_LOOP_LOOPS_DIR": str(place / "loops"),
        "PYTHONPATH": str(ROOT),
    }
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | own
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", PARSE, str(dags)], env=environment, cwd=ROOT, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
