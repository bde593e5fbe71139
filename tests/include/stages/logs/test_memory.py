"""A pull needs as much memory as logs.memory_mb allows, however many rows there are, and leaves nothing on the disk."""

import json
import sys

from benchmarks import measuring
from tests.builders import line, write_lines
from tests.conftest import ROOT

ROWS = 700_000
PULL = """
import json, sys
from pathlib import Path
from include.stages.logs.pulling import pull_logs
from tests.builders import KEY, day, make_store
report = pull_logs(make_store(Path(sys.argv[1]), logs={"memory_mb": 512, "partition_mb": 4096}), day(), KEY)
print(json.dumps([report.rows, report.refused]))
"""


def write_many(folder):
    text = json.dumps(line(0, trace_id="#", user_id=None, probabilities=None, input={"text": "story " * 100}))
    before, after = text.split("#")
    block, path = 50_000, write_lines(folder, [])
    with path.open("w") as opened:
        for start in range(0, ROWS, block):
            opened.write("".join(f"{before}{number:x}{after}\n" for number in range(start, start + block)))
        opened.write("broken\n")
    return path


def test_peak_memory_of_a_large_pull_stays_bounded(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "scratch").mkdir()
    path = write_many(tmp_path)
    scratch = {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "scratch")}
    done = measuring.run([sys.executable, "-c", PULL, str(tmp_path)], scratch)
    path.unlink()  # half a gigabyte
    assert json.loads(done.output.splitlines()[-1]) == [ROWS, 1]
    assert done.peak_rss_mb < 768  # without a bound: 895
    assert list((tmp_path / "scratch").glob("*/work-*")) == []
