"""The demo's loop file with Label Studio says what the loop's own says, but for where people label."""

import pytest

from demo.earlier_demos import remove_earlier_projects
from demo.label_studio_server import LabelStudioServer
from demo.loopback import free_port
from demo.standalone import LABEL_STUDIO, Standalone
from demo.studio_loop import address_of, with_label_studio
from include.foundation.config.loading import LOOPS_DIR_VARIABLE, loop_named
from include.foundation.errors import ConfigError
from tests.conftest import ROOT


def test_loop_labels_in_label_studio_from_then_on_and_is_else_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv(LOOPS_DIR_VARIABLE, str(ROOT / "include" / "loops"))
    before = loop_named("newswire")
    loop = with_label_studio("newswire", tmp_path / "loops")
    assert loop_named("newswire") == loop
    assert loop.labeling == before.labeling.model_copy(update={"backend": "label_studio", "quorum": 1.0})
    assert [(tier.name, tier.people) for tier in loop.escalation.tiers] == [("reviewer", [address_of("dora")])]
    assert loop.model_copy(update={"labeling": before.labeling, "escalation": before.escalation}) == before


def test_projects_of_an_earlier_demo_are_removed_and_other_ones_never(tmp_path):
    server = LabelStudioServer(tmp_path)
    remove_earlier_projects(server)
    server.data.mkdir()
    remove_earlier_projects(server)
    assert not server.data.exists()
    (tmp_path / "demo.txt").unlink()
    server.data.mkdir()
    with pytest.raises(ConfigError, match="did not make"):
        remove_earlier_projects(server)
    assert server.data.is_dir()


def test_airflow_knows_a_label_studio_that_was_started_here(tmp_path, monkeypatch):
    monkeypatch.delenv(LABEL_STUDIO, raising=False)
    server = LabelStudioServer(tmp_path / "studio", free_port())
    airflow = Standalone(home=tmp_path / "airflow", label_studio=server)
    assert LABEL_STUDIO not in airflow.environment()
    server.data.mkdir(parents=True)
    assert f'"port": {server.port}' in airflow.environment()[LABEL_STUDIO]
    monkeypatch.setenv(LABEL_STUDIO, "mine")
    assert airflow.environment()[LABEL_STUDIO] == "mine"
