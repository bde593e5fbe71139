"""A real Prometheus scrapes a loop that lived, and answers every query of the dashboards and alerts."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from demo.loopback import free_port
from observability.look import main
from tests.conftest import ROOT
from tests.include.stages.reports.conftest import Played
from tests.observability.test_rules_and_dashboards import ALERTS, NAME, NOT_IN_THE_STORY, asked

PROMETHEUS = shutil.which("prometheus")
TOKEN = "a token of the test"
PATIENCE = 120
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(PROMETHEUS is None, reason="Debian's package prometheus has it"),
]


@pytest.fixture(scope="module")
def address(watched: Played, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    exported, port = free_port(), free_port()
    loops = folder / "loops"
    loops.mkdir()
    (loops / f"{watched.store.loop.name}.yaml").write_text(
        yaml.safe_dump(watched.store.loop.model_dump(mode="json", exclude_unset=True))
    )
    configuration = yaml.safe_load((ROOT / "observability" / "prometheus" / "prometheus.yml").read_text())
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration["rule_files"] = [str(ALERTS)]
    scraped, _ = configuration["scrape_configs"]
    scraped |= {"authorization": {"credentials": TOKEN}, "static_configs": [{"targets": [f"127.0.0.1:{exported}"]}]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    store = str(Path(watched.store.uri).parent)
    exporter = [sys.executable, "-m", "observability", "--store", store, "--port", str(exported)]
    server = [str(PROMETHEUS), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
              f"--web.listen-address=127.0.0.1:{port}"]  # fmt: skip
    own = os.environ | {"METRICS_TOKEN": TOKEN, "FEEDBACK_LOOP_LOOPS_DIR": str(loops)}
    with (folder / "log").open("w") as log:
        processes = [
            subprocess.Popen(command, cwd=ROOT, env=own, stdout=log, stderr=log) for command in (exporter, server)
        ]
        try:
            _until_scraped(f"http://127.0.0.1:{port}", folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            for process in processes:
                process.terminate()
                process.wait(timeout=30)


def _until_scraped(address: str, log: Path) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE:
        try:
            if answer(address, "count_over_time(feedback_loop_up[5m]) > 2"):
                return
        except URLError:
            pass
        time.sleep(0.5)
    pytest.fail(f"Nothing was scraped within {PATIENCE} s:\n{log.read_text()[-3000:]}")


def answer(address: str, query: str) -> list[Any]:
    with urlopen(f"{address}/api/v1/query?{urlencode({'query': query})}", timeout=30) as response:
        answered = json.load(response)
    assert answered["status"] == "success"
    return list(answered["data"]["result"])


def test_every_dashboard_is_drawn(address: str, watched: Played, tmp_path: Path) -> None:
    assert main(["--prometheus", address, "--output", str(tmp_path / "look.html"), "--hours", "0.1"]) == 0
    told = (tmp_path / "look.html").read_text()
    assert f"{watched.store.loop.name}: version 2, by deploy" in told
    assert told.count("<polyline") > 10


def test_every_query_is_answered(address: str, watched: Played, gateway_names: set[str]) -> None:
    for where, query in asked():
        samples = answer(address, query.replace("$loop", watched.store.loop.name))
        is_condition = any(sign in query for sign in ("==", "> 0", "> 2"))
        if not is_condition and NAME.findall(query)[0] not in NOT_IN_THE_STORY | gateway_names:
            assert samples, (where, query)
            assert all(sample["metric"]["loop"] == watched.store.loop.name for sample in samples), (where, query)
