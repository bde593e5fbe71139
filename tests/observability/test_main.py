from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from include.foundation.config.loading import load_loops
from observability.__main__ import main


def test_metrics_of_every_loop_are_written_into_a_file(tmp_path: Path) -> None:
    output = tmp_path / "loops.prom"
    assert main(["--store", str(tmp_path / "store"), "--output", str(output)]) == 0
    families = {family.name: family for family in text_string_to_metric_families(output.read_text())}
    loops = {sample.labels["loop"] for sample in families["feedback_loop_up"].samples}
    assert loops == {loop.name for loop in load_loops()}


def test_a_loop_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--store", str(tmp_path), "--loop", "newswyre", "--output", str(tmp_path / "loops.prom")]) == 1
    assert "newswyre" in capsys.readouterr().err
